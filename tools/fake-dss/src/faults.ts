/** Faults that a test asks for: counted, so the same calls always meet the same faults. */
import type { Fault } from './server-types.ts';

/** Gives the fault that the next request of this method and path meets. */
export function faultCounter(faults: readonly Fault[]): (method: string, path: string) => Fault | null {
  const left = new Map(faults.map((fault) => [fault, fault.times ?? Infinity]));
  return (method, path) => {
    for (const [fault, times] of left) {
      if (times > 0 && fault.method === method && fault.path === path) {
        left.set(fault, times - 1);
        return fault;
      }
    }
    return null;
  };
}

// Facts of the machine that figures depend on.
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** Where and when figures were taken. */
export interface Machine {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly node: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Load average of the last minute, before the first measurement: above zero, others were at work too. */
  readonly load: number;
}

/** Looks at the machine. */
export function machine(now: Date): Machine {
  return {
    time: now.toISOString(),
    node: process.version,
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

/** One line for people. */
export function machineText({ time, node, cores, processor, memoryGiB, load }: Machine): string {
  return `${time.slice(0, 10)}, ${cores} cores (${processor}), ${memoryGiB} GiB, Node ${node.slice(1)}, load ${load} at the start`;
}

/** How much is done at once: so many works, and so many bytes that wait in memory. */

/** Lets so much through at once, in the order of asking. */
export interface Gate {
  /** Waits for room for `cost`, and returns what gives it back. What costs more than there is goes alone. */
  enter(cost: number, signal: AbortSignal): Promise<() => void>;
}

export function createGate(room: number): Gate {
  let taken = 0;
  const waiting: { readonly cost: number; readonly go: () => void }[] = [];
  const fits = (cost: number): boolean => taken === 0 || taken + cost <= room;
  const next = (): void => {
    for (let first = waiting[0]; first !== undefined && fits(first.cost); first = waiting[0]) {
      waiting.shift();
      first.go();
    }
  };
  return {
    async enter(cost, signal) {
      signal.throwIfAborted();
      if (waiting.length > 0 || !fits(cost)) {
        await new Promise<void>((resolve, reject) => {
          const place = {
            cost,
            go: () => {
              signal.removeEventListener('abort', leave);
              taken += cost;
              resolve();
            },
          };
          const leave = (): void => {
            waiting.splice(waiting.indexOf(place), 1);
            reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
            next();
          };
          signal.addEventListener('abort', leave, { once: true });
          waiting.push(place);
        });
      } else taken += cost;
      let isBack = false;
      return () => {
        if (isBack) return;
        isBack = true;
        taken -= cost;
        next();
      };
    },
  };
}

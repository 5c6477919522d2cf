/** Work that several ask for at once and that is done once: it goes on while anybody waits for it. */

interface Running<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  askers: number;
}

/** Shared work by key, within this process. */
export interface Shared {
  run<T>(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T>;
}

export function createShared(): Shared {
  const running = new Map<string, Running<unknown>>();

  function start<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Running<T> {
    const controller = new AbortController();
    const result = work(controller.signal);
    const one: Running<T> = { result, controller, askers: 0 };
    running.set(key, one);
    const forget = (): void => {
      if (running.get(key) === one) running.delete(key);
    };
    result.then(forget, forget);
    return one;
  }

  return {
    async run<T>(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
      signal.throwIfAborted();
      // One key stands for one kind of result.
      const one = (running.get(key) as Running<T> | undefined) ?? start(key, work);
      one.askers++;
      try {
        return await untilAborted(one.result, signal);
      } finally {
        one.askers--;
        if (one.askers === 0) {
          // Who asks from now on starts anew, and does not join what is ending.
          if (running.get(key) === one) running.delete(key);
          one.controller.abort(signal.aborted ? signal.reason : undefined);
        }
      }
    },
  };
}

async function untilAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

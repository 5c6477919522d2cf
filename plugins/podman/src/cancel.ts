/** Ends a build when it is cancelled, in a way that leaves nothing of it behind: Podman has to see its end, so its client stays until then. */
import type { SentContext } from './context.ts';
import type { Podman } from './podman.ts';
import { stopSteps } from './stop-steps.ts';

/** How long Podman may take to see the end of a build that was cancelled, in milliseconds. After that its client goes, and leaves the rest to it. */
const GRACE_MS = 15_000;

/**
 * Runs a build under a signal of its own, which is aborted (with `signal`'s reason) only when nothing else ends it. Settles as the build does, once
 * nothing runs of it any more; one whose context is still being sent is left to end behind the caller's back.
 */
export async function cancelled(
  podman: Podman,
  context: Pick<SentContext, 'giveUp'>,
  mark: string,
  signal: AbortSignal,
  build: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const cut = new AbortController();
  const { promise: left, reject: leave } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  let stopping: Promise<unknown> | undefined;
  const end = () => cut.abort(signal.reason);
  const running = build(cut.signal).finally(() => clearTimeout(timer));
  const cancel = () => {
    timer = setTimeout(end, GRACE_MS);
    const isComplete = context.giveUp();
    if (!isComplete) {
      // Without its Dockerfile, it ends by itself as soon as it is sent: nothing has run, and nothing will.
      podman.finishLater(running);
      leave(signal.reason as Error);
    } else stopping = stopSteps(podman, mark, running).catch(end);
  };
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    await Promise.race([running, left]);
  } finally {
    signal.removeEventListener('abort', cancel);
    await stopping;
  }
}

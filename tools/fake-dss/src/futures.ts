/** Tasks that take a while: answered at once with `wait=false`, waited for otherwise. */
import { randomUUID } from 'node:crypto';
import type { Answer, Future, State } from './server-types.ts';
import type { Json, JsonObject } from './types.ts';

/** Runs a task as DSS does; an aborted one never has a result. */
export async function runTask(state: State, wait: boolean, task: () => Promise<JsonObject>): Promise<Answer> {
  const jobId = randomUUID().slice(0, 8);
  let ended = false;
  const pause = Promise.withResolvers<void>();
  const timer = setTimeout(pause.resolve, state.options.imageBuildMs ?? 0);
  const finish = async () => {
    await pause.promise;
    if (ended) return;
    let result: JsonObject;
    try {
      result = await task();
    } catch (error) {
      result = messages('ERROR', error instanceof Error ? error.message : String(error));
    }
    if (!ended) future.state = { jobId, alive: false, aborted: false, hasResult: true, result };
    ended = true;
  };
  const future: Future = {
    state: { jobId, alive: true, aborted: false, hasResult: false },
    abort: () => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      pause.resolve();
      future.state = { jobId, alive: false, aborted: true, hasResult: false };
    },
    done: Promise.resolve().then(finish),
  };
  state.futures.set(jobId, future);
  if (!wait) return { status: 200, body: future.state };
  await future.done;
  return { status: 200, body: (future.state['result'] as Json | undefined) ?? {} };
}

/** DSS's list of messages, as it stands inside an HTTP 200. */
export function messages(severity: 'SUCCESS' | 'WARNING' | 'ERROR', words: string): JsonObject {
  return {
    messages: {
      anyMessage: true,
      success: severity === 'SUCCESS',
      warning: severity === 'WARNING',
      error: severity === 'ERROR',
      fatal: severity === 'ERROR',
      maxSeverity: severity,
      messages: [{ severity, code: `FAKE_${severity}`, title: words, message: words }],
    },
  };
}

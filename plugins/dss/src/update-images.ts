/** Has DSS build the images of a code env, and waits for it. */
import type { DssClient, EnvLanguage, JsonObject } from '@rebake/dss';
import { BuildFailure } from '@rebake/image';
import { unlessAborted } from '@rebake/sdk/building';
import { failureIn, jobOf, lastOf, newestLog, stateOf } from './answers.ts';

/** The env whose images are wanted. */
export interface EnvRequest {
  readonly language: EnvLanguage;
  readonly name: string;
  /** Of a versioned env. */
  readonly version?: string;
}

/** How the job is watched. */
export interface Watch {
  readonly signal: AbortSignal;
  /** Waits, or rejects with the signal's reason. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds to the first look; each further one comes later by half, up to five times as much. */
  readonly pollMs: number;
}

type Calls = Pick<DssClient, 'updateImages' | 'future' | 'abortFuture' | 'listLogs' | 'log'>;

const FURTHER = 1.5;
const LONGEST = 5;

/**
 * Requests of one run. DSS builds the images of an env for all its bases at once, so nodes of one env and version share one request. It belongs to
 * who asked first: when that one is aborted, or its time is up, it ends for the others too.
 */
export class ImageUpdates {
  readonly #client: Calls;
  readonly #asked = new Map<string, Promise<void>>();

  constructor(client: Calls) {
    this.#client = client;
  }

  /** Resolves when DSS has built the images, whoever asked for them first. */
  update(env: EnvRequest, watch: Watch): Promise<void> {
    const key = JSON.stringify([env.language, env.name, env.version ?? null]);
    const asked = this.#asked.get(key);
    if (asked !== undefined) return unlessAborted(asked, watch.signal);
    const update = updateImages(this.#client, env, watch);
    this.#asked.set(key, update);
    // What failed may be tried again; what is built is not built twice.
    update.catch(() => this.#asked.delete(key));
    return update;
  }
}

async function updateImages(client: Calls, env: EnvRequest, watch: Watch): Promise<void> {
  watch.signal.throwIfAborted();
  const version = env.version === undefined ? {} : { envVersion: env.version };
  let answer: JsonObject;
  try {
    answer = await client.updateImages(env.language, env.name, { ...version, wait: false });
    const job = jobOf(answer);
    if (job !== null) answer = await outcome(client, job, watch);
  } catch (error) {
    if (!(error instanceof BuildFailure) || error.error.code !== 'DSS_REFUSED') throw error;
    throw await withLog(client, env, error.error.words);
  }
  const words = failureIn(answer);
  if (words !== null) throw failed(words);
}

async function outcome(client: Calls, job: string, { signal, pause, pollMs }: Watch): Promise<JsonObject> {
  try {
    for (let wait = pollMs; ; wait = Math.min(wait * FURTHER, pollMs * LONGEST)) {
      await pause(wait, signal);
      const future = await client.future(job);
      const state = stateOf(future);
      if (state === 'done') return future;
      if (state === 'lost') throw failed('DSS no longer knows the job: it was aborted, or DSS was started again');
    }
  } catch (error) {
    // DSS goes on by itself otherwise. That it cannot be stopped is no news beside the reason to stop.
    if (signal.aborted) await client.abortFuture(job).catch(() => undefined);
    throw error;
  }
}

/** DSS refuses a build that failed with few words; why it failed stands in the env's log. */
async function withLog(client: Calls, env: EnvRequest, words: string): Promise<BuildFailure> {
  try {
    const name = newestLog(await client.listLogs(env.language, env.name));
    if (name === null) return failed(words);
    return failed(
      `${words}\nThe newest log of the env, ${name}:\n${lastOf(await client.log(env.language, env.name, name))}`,
    );
  } catch {
    return failed(words);
  }
}

function failed(words: string): BuildFailure {
  return new BuildFailure({ code: 'DSS_BUILD_FAILED', retry: 'never', words });
}

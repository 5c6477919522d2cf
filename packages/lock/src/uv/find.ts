/** Finds uv: named by `REBAKE_UV`, on PATH, or fetched once into the cache. */
import { chmod, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BuildFailure, type Digest } from '@rebake/image';
import type { Env } from '@rebake/cache';
import { indexAddresses } from '../pip/indexes.ts';
import type { PipSettings } from '../pip/settings.ts';
import { runTool } from '../run.ts';
import type { LockMeans } from '../types.ts';
import { cleanWords } from '../words.ts';
import { pinnedWheel, thisMachine, UV_OLDEST, UV_VERSION, type UvWheel } from './pinned.ts';
import { findOnIndex } from './simple-index.ts';
import { readZipEntry } from './zip.ts';

/** A uv that can be run. */
export interface Uv {
  /** Absolute path, or a name on PATH. */
  readonly path: string;
  readonly version: string;
}

/** What finding it needs; of the settings only where indexes are. */
export type UvMeans = Pick<LockMeans, 'cache' | 'download' | 'env' | 'signal' | 'log'> & {
  readonly pip: PipSettings;
};

/** Finds uv. Rejects with `LOCK_TOOL_MISSING` when there is none and none can be fetched, and with `LOCK_TOOL_FAILED` when it does not run. */
export async function findUv(means: UvMeans): Promise<Uv> {
  const given = means.env['REBAKE_UV'] ?? '';
  if (given !== '') {
    // It is run from folders of its own.
    const named = given.includes('/') ? resolve(given) : given;
    const version = await versionOf(named, means.env, means.signal);
    if (version === null) throw missing(`\`REBAKE_UV\` names ${named}, which does not say that it is uv`);
    if (isOlder(version, UV_OLDEST))
      throw missing(`\`REBAKE_UV\` names uv ${version}, and ${UV_OLDEST} is the oldest that will do`);
    return { path: named, version };
  }
  const version = await versionOf('uv', means.env, means.signal);
  if (version !== null && !isOlder(version, UV_OLDEST)) return { path: 'uv', version };
  const path = await fetched(means);
  if ((await versionOf(path, means.env, means.signal)) === null)
    throw new BuildFailure({
      code: 'LOCK_TOOL_FAILED',
      retry: 'never',
      words: `uv ${UV_VERSION} was fetched to ${path}, and does not run from there`,
    });
  return { path, version: UV_VERSION };
}

async function versionOf(path: string, env: Env, signal: AbortSignal): Promise<string | null> {
  try {
    const { code, stdout } = await runTool(path, ['--version'], { env, signal });
    return code === 0 ? (/^uv (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null) : null;
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}

/** Whether a version is older than another; both are three numbers. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Path of the binary in the cache. */
async function fetched(means: UvMeans): Promise<string> {
  const { cache, signal } = means;
  const wheel = pinnedWheel(thisMachine());
  if (wheel === null) throw missing(`there is no uv on PATH, and rebake knows none to fetch for ${thisMachine()}`);
  const { binary } = await cache.once<{ readonly binary: Digest }>(
    'uv',
    wheel.digest,
    async (within) => {
      const digest = await unpack(wheel, { ...means, signal: within });
      return { value: { binary: digest }, blobs: [digest] };
    },
    signal,
  );
  const path = cache.path(binary);
  // A blob is for reading; this one is for running, too.
  await chmod(path, 0o555);
  return path;
}

async function unpack(wheel: UvWheel, { cache, download, signal, log, pip, env }: UvMeans): Promise<Digest> {
  const url = await locate(wheel, { download, signal, pip, env });
  log(`fetching uv ${UV_VERSION}`);
  await download.blob({ url, digest: wheel.digest, size: wheel.size, name: wheel.name }, signal);
  const bytes = await readZipEntry(await readFile(cache.path(wheel.digest)), '/scripts/uv');
  const writer = await cache.begin();
  try {
    await writer.append(bytes);
    return (await writer.commit()).digest;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function locate(
  wheel: UvWheel,
  { download, signal, pip, env }: Pick<UvMeans, 'download' | 'signal' | 'pip' | 'env'>,
): Promise<string> {
  const indexes = await indexAddresses(pip, env, signal);
  let why = 'none of your indexes has it';
  if (indexes.length === 0) why = 'no index is configured: set `PIP_INDEX_URL`, or `index-url` in pip.conf';
  try {
    const found = await findOnIndex(indexes, 'uv', wheel.name, download, signal);
    if (found !== null) return found;
  } catch (error) {
    if (!(error instanceof BuildFailure) || signal.aborted) throw error;
    why = error.error.words;
  }
  throw missing(
    `there is no uv (${UV_OLDEST} or newer) on PATH, and ${wheel.name} cannot be fetched: ${cleanWords(why)}`,
  );
}

function missing(words: string): BuildFailure {
  return new BuildFailure({ code: 'LOCK_TOOL_MISSING', retry: 'never', words });
}

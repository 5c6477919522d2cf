/** Wheels from source archives, built by uv, or by the pip of a Python of this machine. */
import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Env } from '@rebake/cache';
import type { Digest, LockedFile } from '@rebake/image';
import type { Choice } from './choose/choose.ts';
import { parseWheelName } from './choose/tags.ts';
import { failure } from './failures.ts';
import { run, type Ran } from './run.ts';
import type { BuildTool, BuiltWheel, Means, PythonEnvRequest } from './types.ts';

/** The wheel of a source archive. */
export interface SdistWheel {
  readonly name: string;
  readonly digest: Digest;
  readonly size: number;
  /** Brings it into the cache, which may have lost it. */
  readonly fetch: (signal: AbortSignal) => Promise<void>;
}

/** The wheel of a package of which there is only a source archive. Rejects with `SDIST_COMPILES` when it fits no other machine. */
export async function sdistWheel(choice: Choice, request: PythonEnvRequest, means: Means): Promise<SdistWheel> {
  const { pkg, file } = choice;
  const built = await buildSdist(file, request.interpreter, means);
  if (!built.pure) {
    throw failure(
      'SDIST_COMPILES',
      `${pkg.name} is there as source only, and has to be compiled (it became ${built.name}): build this environment with an engine, or lock a version that has wheels`,
    );
  }
  return {
    name: built.name,
    digest: built.wheel,
    size: built.size,
    fetch: async (signal) => {
      if ((await means.cache.has(built.wheel)) !== null) return;
      const again = await buildSdist(file, request.interpreter, { ...means, signal });
      if (again.wheel !== built.wheel)
        throw failure('SDIST_FAILED', `${file.name} became another wheel when it was built again: run again`);
    },
  };
}

/**
 * Builds a source archive to a wheel, isolated, once; the wheel is then in the cache. What it takes to build it comes from the index of the user,
 * as uv or pip know it. `interpreter`: the version that is used if this machine has it, such as `3.11`; else any. Rejects with a `BuildFailure`
 * `SDIST_FAILED` with the words of what builds it.
 */
export async function buildSdist(sdist: LockedFile, interpreter: string, means: Means): Promise<BuiltWheel> {
  const { cache, signal } = means;
  return cache.once<BuiltWheel & Readonly<Record<string, string | number | boolean>>>(
    'python-sdist',
    sdist.digest,
    async (making) => {
      const value = await build(sdist, interpreter, { ...means, signal: making });
      return { value: { ...value }, blobs: [value.wheel] };
    },
    signal,
  );
}

/** Names that may stand on a command line and in a folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+!-]*\.(?:tar\.gz|tgz|zip|tar\.bz2|tar\.xz)$/;

async function build(sdist: LockedFile, interpreter: string, means: Means): Promise<BuiltWheel> {
  const { cache, download, signal } = means;
  if (!NAME.test(sdist.name))
    throw failure('SDIST_FAILED', `${JSON.stringify(sdist.name)} is no name of a source archive`);
  await download.blob(sdist, signal);
  const folder = await mkdtemp(join(await cache.scratch(), 'sdist-'));
  try {
    const archive = join(folder, sdist.name);
    const out = join(folder, 'wheel');
    await mkdir(out);
    // Backends may write beside what they build: a name for the blob would let them into the cache.
    await copyFile(cache.path(sdist.digest), archive);
    const ran = await (means.uv === undefined
      ? byPip(archive, out, interpreter, means)
      : byUv(await means.uv(), archive, out, interpreter, means));
    const [name = '', ...more] = (await readdir(out)).filter((file) => file.endsWith('.whl'));
    if (ran.code !== 0 || name === '' || more.length > 0) throw failed(sdist, ran);
    const parsed = parseWheelName(name);
    if (parsed === null)
      throw failure('SDIST_FAILED', `${sdist.name} became ${JSON.stringify(name)}, which is no name of a wheel`);
    const path = join(out, name);
    const { size } = await stat(path);
    const writer = await cache.begin();
    try {
      for await (const part of createReadStream(path, { highWaterMark: 1 << 20 }))
        await writer.append(part as Uint8Array);
      const { digest } = await writer.commit({ size });
      return { name, wheel: digest, size, pure: parsed.tags.every((tag) => tag.endsWith('-none-any')) };
    } finally {
      await writer.abort();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function byUv(
  { path: uv, env: own }: BuildTool,
  archive: string,
  out: string,
  interpreter: string,
  means: Means,
): Promise<Ran> {
  const env = { ...buildEnv(own), UV_PYTHON_DOWNLOADS: 'never' };
  let python = await run([uv, 'python', 'find', '--system', interpreter], env, means.signal);
  if (python.code !== 0) python = await run([uv, 'python', 'find', '--system'], env, means.signal);
  if (python.code !== 0) return python;
  return run(
    [
      uv,
      'build',
      '--wheel',
      '--no-progress',
      '--color',
      'never',
      '--python',
      python.out.trim(),
      '--out-dir',
      out,
      archive,
    ],
    env,
    means.signal,
  );
}

async function byPip(archive: string, out: string, interpreter: string, means: Means): Promise<Ran> {
  const env = {
    ...buildEnv(means.env),
    PIP_NO_INPUT: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_PROGRESS_BAR: 'off',
  };
  const words: string[] = [];
  for (const python of [`python${interpreter}`, 'python3']) {
    const ran = await run([python, '-m', 'pip', 'wheel', '--no-deps', '--wheel-dir', out, archive], env, means.signal);
    if (ran.isStarted && !/No module named pip/.test(ran.err)) return ran;
    words.push(`${python}: ${ran.err.trim()}`);
  }
  return {
    code: 1,
    isStarted: false,
    out: '',
    err: `neither uv nor a Python with pip is on this machine: ${words.join('; ')}`,
  };
}

/** What a build gets of this process's environment: all, so that the index of the user is found, but nothing of an environment that is active. */
function buildEnv(env: Env): Record<string, string> {
  const kept: Record<string, string> = { PATH: ['/usr/local/bin', '/usr/bin', '/bin'].join(delimiter) };
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !DROPPED.has(name)) kept[name] = value;
  }
  // Backends that write times into files write this one: that of the wheel's own format, its first.
  return { ...kept, SOURCE_DATE_EPOCH: '315532800', PYTHONHASHSEED: '0' };
}

const DROPPED = new Set(['VIRTUAL_ENV', 'CONDA_PREFIX', 'PYTHONPATH', 'PYTHONHOME']);

/** So much of what a backend said last. */
const MAX_WORDS = 4000;

function failed(sdist: LockedFile, { err, out }: Ran): Error {
  const said = `${err}\n${out}`
    .trim()
    .slice(-MAX_WORDS)
    .replaceAll(/\/\/[^/@\s]+@/g, '//***@');
  return failure('SDIST_FAILED', `${sdist.name} cannot be built: ${said === '' ? 'no wheel came out' : said}`);
}

/** Locks Python packages: one run of uv, and what rebake makes of its answer. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Env } from '@rebake/cache';
import { parsePylock, pylockText, wheelFits, type LockedPackage, type MadeFrom } from '@rebake/image/locks';
import type { Logins } from './pip/logins.ts';
import { runTool, type Ran } from './run.ts';
import type { LockOutcome, PythonLockRequest, Upgrade } from './types.ts';
import { uvPlatform, type UvSetting } from './uv/environment.ts';
import type { Uv } from './uv/find.ts';
import { readLines } from './uv/lines.ts';
import { cleanWords, withoutLogin } from './words.ts';

const INPUT = 'requirements.txt';
const OUTPUT = 'pylock.toml';
const PINS = 'pins.txt';
/** uv's exit code when it understood everything, and there is no answer. */
const NO_ANSWER = 1;

/** A uv that is ready to resolve. */
export interface ReadyUv {
  readonly uv: Uv;
  readonly setting: UvSetting;
  /** Logins for addresses in requirement lines. */
  readonly login: Logins;
  /** Texts that must not be repeated. */
  readonly secrets: readonly string[];
}

/** Locks one environment. `folder` is made for this call, and removed with what is in it. */
export async function lockPython(
  request: PythonLockRequest,
  ready: ReadyUv,
  folder: string,
  signal: AbortSignal,
): Promise<LockOutcome> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const { lines, setting } = await readLines(request.requirements, ready.setting, ready.login);
    const args = ['pip', 'compile', INPUT, ...(await prepare(request, lines, folder)), ...setting.args];
    const run = async (env: Env, more: readonly string[] = []): Promise<Ran> =>
      runTool(ready.uv.path, [...args, ...more], { env, cwd: folder, signal });
    const pinned = await pinnedRun(request, folder, (more) => run(envFor(setting), more));
    const ran = pinned ?? (await run(envFor(setting)));
    if (ran.code !== 0) return failure(ran, await unreachable(ran, setting, run), folder, ready);
    return await finish(await readFile(join(folder, OUTPUT), 'utf8'), request);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** With the versions that run today as bounds; null where there are none, or where nothing fits them. */
async function pinnedRun(
  { pins, existing, upgrade }: PythonLockRequest,
  folder: string,
  run: (more: readonly string[]) => Promise<Ran>,
): Promise<Ran | null> {
  if (pins === undefined || pins.lines.length === 0 || existing !== null || upgrade !== 'nothing') return null;
  await writeFile(join(folder, PINS), `${pins.lines.join('\n')}\n`);
  const ran = await run([`--constraints=${PINS}`]);
  if (ran.code !== NO_ANSWER) return ran;
  pins.onUnfit();
  return null;
}

/**
 * Pip takes the best version of all its indexes. uv takes those of the first index that has a name, unless it is told; who wants its rule says so
 * to uv.
 */
function envFor(setting: UvSetting): Env {
  const { env } = setting;
  return isBestOfAll(setting) ? { ...env, UV_INDEX_STRATEGY: 'unsafe-best-match' } : env;
}

function isBestOfAll({ several, hasStrategy }: UvSetting): boolean {
  return several && !hasStrategy;
}

/** Of several indexes, uv calls a package missing when one of them refuses; asked for the first that has it, it says which one. */
async function unreachable({ code }: Ran, setting: UvSetting, run: (env: Env) => Promise<Ran>): Promise<string> {
  if (code !== NO_ANSWER || !isBestOfAll(setting)) return '';
  const { stderr } = await run(setting.env);
  return stderr
    .split('\n')
    .filter((line) => /^hint: .*could not be queried/.test(line))
    .join('\n');
}

function failure({ code, stderr }: Ran, more: string, folder: string, { secrets }: ReadyUv): LockOutcome {
  const words = cleanWords(`${stderr}\n${more}`, { folders: [folder], secrets });
  return {
    ok: false,
    why: code === NO_ANSWER ? 'unresolvable' : 'failed',
    words: words === '' ? `uv ended with ${code ?? 'a signal'}` : words,
  };
}

/** Writes what uv reads, and says its arguments. */
async function prepare(
  { wanted, existing, upgrade }: PythonLockRequest,
  lines: readonly string[],
  folder: string,
): Promise<readonly string[]> {
  // What is locked stays as long as it fits, also what was locked for another interpreter.
  if (existing !== null && parsePylock(existing).ok) await writeFile(join(folder, OUTPUT), existing);
  // `pip list` and notebooks that install something expect it in the env.
  const all = Object.hasOwn(wanted.requirements, 'pip') ? lines : [...lines, 'pip'];
  await writeFile(join(folder, INPUT), `${all.join('\n')}\n`);
  return [
    '--format=pylock.toml',
    `--output-file=${OUTPUT}`,
    `--python-version=${wanted.interpreter}`,
    `--python-platform=${uvPlatform(wanted.platform, wanted.glibc)}`,
    '--generate-hashes',
    '--no-header',
    '--no-annotate',
    '--no-progress',
    '--color=never',
    '--quiet',
    ...upgradeArgs(upgrade),
  ];
}

function upgradeArgs(upgrade: Upgrade): readonly string[] {
  if (upgrade === 'nothing') return [];
  if (upgrade === 'everything') return ['--upgrade'];
  return upgrade.map((name) => `--upgrade-package=${name.toLowerCase().replaceAll(/[-_.]+/g, '-')}`);
}

/** From uv's lock to ours: files that can fit, no login, no address of this machine, and what it was made from. */
async function finish(text: string, { wanted, source, existing }: PythonLockRequest): Promise<LockOutcome> {
  const parsed = parsePylock(withoutLocalFiles(withoutLogin(text)));
  if (!parsed.ok) return { ok: false, why: 'unresolvable', words: localHint(parsed.message, text) };
  const packages = parsed.lock.packages.map((locked) => fitting(locked, wanted));
  const known = new Set(existing === null ? [] : sourcesThatCompile(existing));
  const compiles: string[] = [];
  for (const locked of packages) {
    if (locked.wheels.length > 0 || locked.sdist === null) continue;
    if (known.has(locked.sdist.digest) || (await source(locked, wanted)) === 'compiles') compiles.push(locked.name);
  }
  return { ok: true, text: pylockText({ packages, madeFrom: wanted, compiles }) };
}

/** Digests of sources of which the lock that is there knows it: trying takes long. */
function sourcesThatCompile(existing: string): readonly string[] {
  const parsed = parsePylock(existing);
  if (!parsed.ok) return [];
  const { packages, compiles } = parsed.lock;
  return packages.flatMap(({ name, sdist }) => (sdist !== null && compiles.includes(name) ? [sdist.digest] : []));
}

/** An index has wheels for every system there is; a lock is for one. */
function fitting(locked: LockedPackage, wanted: MadeFrom): LockedPackage {
  const wheels = locked.wheels.filter(({ name }) => wheelFits(name, wanted));
  return wheels.length === 0 && locked.sdist === null ? locked : { ...locked, wheels };
}

// uv writes the files of an index and those of a folder side by side; where both are the same file, the index is as good.
const LOCAL_FILE =
  /\{ (?:name = "[^"\n]*", )?url = "file:[^"\n]*"[^{}\n]*(?:hashes = \{[^{}\n]*\} )?\}(?:, |,(?=\n))?/g;
const EMPTY_LIST = /^wheels = \[\s*\]\n/gm;
const LOCAL_SDIST = /^sdist = \{ (?:name = "[^"\n]*", )?url = "file:[^\n]*\n/gm;

function withoutLocalFiles(text: string): string {
  return text.includes('"file:')
    ? text.replaceAll(LOCAL_SDIST, '').replaceAll(LOCAL_FILE, '').replaceAll(EMPTY_LIST, '')
    : text;
}

function localHint(message: string, text: string): string {
  return text.includes('"file:')
    ? `${message} but those in a folder of this machine (find-links), and a lock has to be good on other machines, too: put them on an index`
    : message;
}

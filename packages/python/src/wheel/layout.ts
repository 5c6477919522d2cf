/** Where the files of a wheel go in an environment, and what an installer adds to them. */
import { hash } from 'node:crypto';
import { posix } from 'node:path';
import type { LockedPackage } from '@rebake/image';
import { failure } from '../failures.ts';
import { type EntryPoint, entryPoints, entryPointScript, rewritten } from './entry-points.ts';
import type { RecordRow } from './record.ts';
import { formatRecord } from './record.ts';
import type { Wheel } from './wheel.ts';

/** An environment, as far as paths go. */
export interface EnvPaths {
  /** Absolute. */
  readonly prefix: string;
  /** `3.11`. */
  readonly interpreter: string;
}

/** A file that is put into an environment. */
export interface PlannedFile {
  /** Relative to the prefix. */
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  /** `sha256=…`. */
  readonly hash: string;
  /** In parts, each gone when the next one is asked for, or whole. Of all files of a wheel one at a time. */
  bytes(): Promise<Uint8Array> | AsyncIterable<Uint8Array>;
  /** At any time, in memory of its own. */
  whole(): Promise<Uint8Array>;
}

/** A wheel as it will be in an environment. */
export interface PlannedWheel {
  /** All but RECORD. */
  readonly files: readonly PlannedFile[];
  /** RECORD, once it is known which bytecode there is. `compiled`: paths relative to the prefix. */
  record(compiled: readonly string[]): PlannedFile;
}

/** Raised when the same wheel is laid out in another way: what was kept is not used then. */
export const LAYOUT_VERSION = 1;

/** Folder of modules, relative to a prefix. */
export function sitePackages({ interpreter }: Pick<EnvPaths, 'interpreter'>): string {
  return `lib/python${interpreter}/site-packages`;
}

/** What is an environment's own: no wheel may bring it. */
function reservedPaths({ interpreter }: EnvPaths): ReadonlySet<string> {
  return new Set(['pyvenv.cfg', 'lib64', ...pythonNames(interpreter).map((name) => `bin/${name}`)]);
}

/** Names of an environment's interpreter; all but the last are links to that. */
export function pythonNames(interpreter: string): readonly string[] {
  return ['python', 'python3', `python${interpreter}`];
}

const MAX_SCRIPT = 64 << 20;

/** Plans a wheel. Scripts are read for it, all else is read later. Rejects with `WHEEL_INVALID`. */
export async function planWheel(wheel: Wheel, pkg: LockedPackage, paths: EnvPaths): Promise<PlannedWheel> {
  const site = sitePackages(paths);
  const python = `${paths.prefix}/bin/python`;
  const refuse = (words: string): Error => failure('WHEEL_INVALID', `${wheel.file}: ${words}`);
  const files = new Map<string, PlannedFile>();
  const reserved = reservedPaths(paths);
  const check = (path: string): void => {
    if (reserved.has(path)) throw refuse(`one of its files would replace the environment's own ${path}`);
  };
  const add = (file: PlannedFile): void => {
    check(file.path);
    if (files.has(file.path)) throw refuse(`two of its files go to ${JSON.stringify(file.path)}`);
    files.set(file.path, file);
  };
  // What the installer writes goes before what the wheel brings under the same name, as it does for pip and uv.
  const own = new Set(OWN.map((name) => `${wheel.distInfo}/${name}`));
  for (const file of wheel.files) {
    if (own.has(file.path)) {
      await file.read();
      continue;
    }
    const place = placeOf(file.path, wheel, pkg.name, paths);
    if (place === null) throw refuse(`${JSON.stringify(file.path)} is for a place that wheels do not know`);
    const { path, isScript } = place;
    let mode = (file.mode & 0o111) === 0 ? 0o644 : 0o755;
    if (isScript) {
      mode = 0o755;
      if (file.size > MAX_SCRIPT) throw refuse(`${JSON.stringify(file.path)} is too large for a script`);
      const script = rewritten(await file.read(), python);
      if (script !== null) {
        add(textFile(path, script, mode));
        continue;
      }
    }
    add({ path, mode, size: file.size, hash: file.hash, bytes: () => file.stream(), whole: () => file.read() });
  }
  const listed = wheel.files.find(({ path }) => path === `${wheel.distInfo}/entry_points.txt`);
  if (listed !== undefined) {
    if (listed.size > MAX_SCRIPT) throw refuse('its entry points are too large');
    const { points, invalid } = entryPoints((await listed.read()).toString('utf8'));
    if (invalid !== null) throw refuse(`${JSON.stringify(invalid)} is no entry point`);
    for (const point of withVersion(points, pkg.name, paths)) {
      const path = `bin/${point.name}`;
      check(path);
      files.set(path, textFile(path, entryPointScript(point, python), 0o755));
    }
  }
  const info = `${site}/${wheel.distInfo}`;
  add(textFile(`${info}/INSTALLER`, 'rebake', 0o644));
  if (pkg.direct) add(textFile(`${info}/direct_url.json`, directUrl(pkg), 0o644));
  const planned = [...files.values()];
  return {
    files: planned,
    record: (compiled) => {
      const anew = new Set(compiled);
      const rows: RecordRow[] = [];
      for (const { path, hash: digest, size } of planned) {
        if (!anew.has(path)) rows.push({ path: fromSite(path, site), hash: digest, size: String(size) });
      }
      for (const path of compiled) rows.push({ path: fromSite(path, site), hash: '', size: '' });
      rows.push({ path: `${wheel.distInfo}/RECORD`, hash: '', size: '' });
      return textFile(`${info}/RECORD`, formatRecord(rows), 0o644);
    },
  };
}

/** A wheel of pip fits every Python, so it cannot bring the script that is named after one: installers know that. */
function withVersion(points: readonly EntryPoint[], name: string, { interpreter }: EnvPaths): readonly EntryPoint[] {
  const pip = points.find((point) => point.name === 'pip');
  return name === 'pip' && pip !== undefined ? [...points, { ...pip, name: `pip${interpreter}` }] : points;
}

/** Files of the folder `.dist-info` that only an installer may write. */
const OWN = ['INSTALLER', 'REQUESTED', 'direct_url.json'];

function placeOf(
  path: string,
  wheel: Wheel,
  name: string,
  paths: EnvPaths,
): { readonly path: string; readonly isScript: boolean } | null {
  const site = sitePackages(paths);
  if (wheel.data === null || !path.startsWith(`${wheel.data}/`)) return { path: `${site}/${path}`, isScript: false };
  const rest = path.slice(wheel.data.length + 1);
  const slash = rest.indexOf('/');
  const inner = rest.slice(slash + 1);
  switch (rest.slice(0, Math.max(slash, 0))) {
    case 'purelib':
    case 'platlib':
      return { path: `${site}/${inner}`, isScript: false };
    case 'scripts':
      return { path: `bin/${inner}`, isScript: true };
    case 'headers':
      return { path: `include/site/python${paths.interpreter}/${name}/${inner}`, isScript: false };
    case 'data':
      // What a virtual environment has as a link to `lib`.
      return { path: inner.replace(/^lib64\//, 'lib/'), isScript: false };
    default:
      return null;
  }
}

function textFile(path: string, content: string | Buffer, mode: number): PlannedFile {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return {
    path,
    mode,
    size: bytes.length,
    hash: `sha256=${hash('sha256', bytes, 'base64url')}`,
    bytes: async () => Promise.resolve(bytes),
    whole: async () => Promise.resolve(bytes),
  };
}

/** PEP 610. The address has no login in a lock. */
function directUrl({ wheels, sdist }: LockedPackage): string {
  const file = wheels[0] ?? sdist;
  const hex = file?.digest.slice('sha256:'.length) ?? '';
  return `${JSON.stringify({ url: file?.url ?? '', archive_info: { hash: `sha256=${hex}`, hashes: { sha256: hex } } })}`;
}

/** RECORD names files by their way from the folder of modules. */
function fromSite(path: string, site: string): string {
  return posix.relative(site, path);
}

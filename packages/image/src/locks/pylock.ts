/** Reading `pylock.NAME.toml` (PEP 751): what enters here becomes addresses, names and contents of images, so it is read strictly. */
import { parse, TomlError } from 'smol-toml';
import { compareBytes } from '../canonical.ts';
import type { Digest } from '../content-address.ts';
import { isDigest } from '../digest.ts';
import { filesOf, NotALock, packageName, record, type Expand, type Table } from './pylock-files.ts';
import { abbreviate } from './shorthand.ts';
import type { LockedPackage, MadeFrom, ParsedLock, Pylock } from './types.ts';

const INTERPRETER = /^3\.\d{1,3}$/;
const GLIBC = /^2\.\d{1,3}$/;
const VERSION = /^[0-9A-Za-z][0-9A-Za-z.!+_-]{0,127}$/;
/** Longest marker that is believed, in characters. */
const LONGEST_MARKER = 4_096;
/** A package for each of these cannot be taken by digest. */
const UNLOCKABLE = { vcs: 'a repository of a version control system', directory: 'a folder' } as const;

/**
 * Reads a Python lock, by whatever tool it was written. Packages from a repository or a folder are refused: no digest says what is in them.
 * `environments`, `requires-python`, `index`, extras and groups count for nothing: a lock of rebake is for one environment.
 */
export function parsePylock(text: string): ParsedLock<Pylock> {
  try {
    const short = abbreviate(text);
    return { ok: true, lock: readLock(parse(short.text), short.expand) };
  } catch (error) {
    if (error instanceof NotALock) return { ok: false, message: error.message };
    if (error instanceof TomlError) {
      const [reason = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
      return { ok: false, message: `it is no TOML: ${reason}`, line: error.line };
    }
    throw error;
  }
}

function readLock(table: Table, expand: Expand): Pylock {
  const version = table['lock-version'];
  if (typeof version !== 'string') throw new NotALock('it has no `lock-version`');
  if (!/^1\.\d+$/.test(version)) throw new NotALock(`its version is ${version}, and this rebake reads 1.x`);
  const listed = table['packages'];
  if (!Array.isArray(listed)) throw new NotALock('it has no `packages`');
  const packages = (listed as readonly unknown[]).map((one) => readPackage(one, expand));
  packages.sort((a, b) => compareBytes(a.name, b.name));
  const own = record(record(table['tool'])?.['rebake']);
  return { packages, madeFrom: madeFrom(own), compiles: names(own?.['compiles'], 'compiles') };
}

function readPackage(value: unknown, expand: Expand): LockedPackage {
  const table = record(value);
  if (table === null) throw new NotALock('`packages` holds something that is no package');
  const name = packageName(table['name']);
  for (const [key, what] of Object.entries(UNLOCKABLE))
    if (table[key] !== undefined)
      throw new NotALock(`the package ${name} is from ${what}, which no digest pins: name a version or an archive`);
  const { version = null, marker = null, archive } = table;
  if (version !== null && (typeof version !== 'string' || !VERSION.test(version)))
    throw new NotALock(`the package ${name} has a version that is none`);
  // A line break in a marker would become lines of a requirements file.
  if (marker !== null && (typeof marker !== 'string' || marker.length > LONGEST_MARKER || /[^ -~]/.test(marker)))
    throw new NotALock(`the package ${name} has a marker that is none`);
  const direct = archive !== undefined;
  if (!direct && version === null) throw new NotALock(`the package ${name} has no version`);
  const { wheels, sdist } = filesOf(name, table, expand);
  if (wheels.length === 0 && sdist === null) throw new NotALock(`the package ${name} has no files`);
  return { name, version, marker, direct, wheels, sdist };
}

function madeFrom(own: Table | null): MadeFrom | null {
  if (own === null) return null;
  const { interpreter, platform, glibc, requirements } = own;
  const asked = record(requirements);
  if (
    typeof interpreter !== 'string' ||
    !INTERPRETER.test(interpreter) ||
    (platform !== 'linux/amd64' && platform !== 'linux/arm64') ||
    typeof glibc !== 'string' ||
    !GLIBC.test(glibc) ||
    asked === null ||
    !Object.values(asked).every(isDigest)
  )
    throw new NotALock('its `tool.rebake` was not written by rebake');
  return { interpreter, platform, glibc, requirements: { ...(asked as Readonly<Record<string, Digest>>) } };
}

function names(value: unknown, what: string): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new NotALock(`its \`tool.rebake.${what}\` is no list`);
  return (value as readonly unknown[]).map(packageName).sort(compareBytes);
}

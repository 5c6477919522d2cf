// Tiny pure-Python wheels of our own making (PEP 427), so that tests install packages without any package registry.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ZipEntry } from './zip.ts';
import { zip } from './zip.ts';

export interface WheelSpec {
  /** The importable name, which is the distribution's too: letters, digits and underscores. */
  readonly name: string;
  readonly version: string;
  /** Requirements, as in `Requires-Dist`. */
  readonly requires?: readonly string[];
  /** Python to add to the module, which always has `__version__`. */
  readonly code?: string;
  /** Bytes of ballast inside the package, where a test wants a wheel of some weight. Default 0. */
  readonly ballast?: number;
}

export function wheelFile({ name, version }: WheelSpec): string {
  return `${name}-${version}-py3-none-any.whl`;
}

/** The bytes of the wheel: a function of the spec alone. */
export function wheelBytes(spec: WheelSpec): Buffer {
  const { name, version, requires = [], code = '', ballast = 0 } = spec;
  const info = `${name}-${version}.dist-info`;
  const metadata = [
    'Metadata-Version: 2.1',
    `Name: ${name}`,
    `Version: ${version}`,
    'Summary: A package made by the tests of rebake.',
    'Requires-Python: >=3.8',
    ...requires.map((requirement) => `Requires-Dist: ${requirement}`),
  ];
  const wheel = ['Wheel-Version: 1.0', 'Generator: rebake-engines', 'Root-Is-Purelib: true', 'Tag: py3-none-any'];
  const entries: ZipEntry[] = [
    text(`${name}/__init__.py`, [`__version__ = "${version}"`, ...(code === '' ? [] : [code])]),
    ...(ballast > 0 ? [{ path: `${name}/ballast.bin`, data: Buffer.alloc(ballast, 'rebake') }] : []),
    text(`${info}/METADATA`, metadata),
    text(`${info}/WHEEL`, wheel),
    text(`${info}/top_level.txt`, [name]),
  ];
  const record = [
    ...entries.map(({ path, data }) => `${path},sha256=${sha256(data)},${data.length}`),
    `${info}/RECORD,,`,
  ];
  return zip([...entries, text(`${info}/RECORD`, record)]);
}

/** Writes the wheel into the folder, whole or not at all, and gives its path. A file that is there already stays as it is. */
export function writeWheel(dir: string, spec: WheelSpec): string {
  const path = join(dir, wheelFile(spec));
  const bytes = wheelBytes(spec);
  mkdirSync(dir, { recursive: true });
  if (!same(path, bytes)) {
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, bytes);
    renameSync(temporary, path);
  }
  return path;
}

function same(path: string, bytes: Buffer): boolean {
  try {
    return readFileSync(path).equals(bytes);
  } catch {
    return false;
  }
}

function text(path: string, lines: readonly string[]): ZipEntry {
  return { path, data: Buffer.from(`${lines.join('\n')}\n`) };
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('base64url');
}

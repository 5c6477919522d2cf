/** A Debian package, read: what it says of itself, and what it puts where. Nothing in it is run. */
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { BuildFailure } from '@rebake/image';
import { readTar } from '@rebake/layers';
import { failure } from '../failures.ts';
import { unxz } from '../xz.ts';
import { readMembers, type Member } from './ar.ts';
import { sonameOf } from './soname.ts';

/** One path that a package brings. A type, so that it can be kept as a fact. `offset`: of a file, where it begins in the data archive. */
export type DebEntry = {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly target: string;
  readonly offset: number;
};

/** What is kept of a package. `control`: name of a control file → its bytes as latin1. */
export type DebFacts = {
  readonly control: Readonly<Record<string, string>>;
  /** In the order of the archive, the root itself left out. */
  readonly entries: readonly DebEntry[];
  /** Path of a file of configuration that is among the entries → its MD5, as dpkg notes it. */
  readonly conffiles: Readonly<Record<string, string>>;
  /** Path of a library → what programs know it by; empty for one that does not say. */
  readonly sonames: Readonly<Record<string, string>>;
};

export interface OpenedDeb extends DebFacts {
  /** The data archive, decompressed. */
  readonly data: Uint8Array;
}

/** Far above Debian's largest packages. In bytes, decompressed. */
const MAX_CONTROL = 64 << 20;
const MAX_DATA = 4 * 2 ** 30;
const MAX_ENTRIES = 500_000;

const ungzip = promisify(gunzip);
const unzstd = promisify(zstdDecompress);

/** Reads a whole package. Rejects with `DEB_INVALID` for what is broken and for what no package may bring. */
export async function openDeb(deb: Uint8Array, name: string): Promise<OpenedDeb> {
  const members = readMembers(deb, name);
  const [control, data] = await Promise.all([
    decompressed(members.control, MAX_CONTROL, name),
    decompressed(members.data, MAX_DATA, name),
  ]);
  const texts: Record<string, string> = {};
  for (const { path, type, offset, size } of await readEntries(control, `${name} (control)`)) {
    if (type === 'file' && !path.includes('/')) texts[path] = latin1(control.subarray(offset, offset + size));
  }
  if (texts['control'] === undefined) throw failure('DEB_INVALID', `${name} has no control file`);
  const entries = await readEntries(data, name);
  const conffiles = conffilesOf(texts['conffiles'] ?? '', entries, data);
  return { control: texts, entries, conffiles, sonames: sonamesOf(entries, data), data };
}

const LIBRARY = /\.so(?:\.[^/]*)?$/;

function sonamesOf(entries: readonly DebEntry[], data: Uint8Array): Record<string, string> {
  const names: Record<string, string> = {};
  for (const { path, type, offset, size } of entries) {
    if (type !== 'file' || !LIBRARY.test(path)) continue;
    const soname = sonameOf(data.subarray(offset, offset + size));
    if (soname !== null) names[path] = soname;
  }
  return names;
}

function conffilesOf(list: string, entries: readonly DebEntry[], data: Uint8Array): Record<string, string> {
  const paths = new Set(list.split('\n').map((line) => Buffer.from(line.slice(1), 'latin1').toString('utf8')));
  const sums: Record<string, string> = {};
  for (const { path, type, offset, size } of entries) {
    if (type === 'file' && paths.has(path)) sums[path] = hash('md5', data.subarray(offset, offset + size), 'hex');
  }
  return sums;
}

async function readEntries(tar: Uint8Array, name: string): Promise<readonly DebEntry[]> {
  const entries: DebEntry[] = [];
  try {
    for await (const entry of readTar(once(tar), { name, maxEntries: MAX_ENTRIES, maxBytes: MAX_DATA })) {
      const { path, type, mode, uid, gid, size, target, offset } = entry;
      if (path === '') continue;
      if (type === 'character' || type === 'block' || type === 'fifo') {
        throw failure('DEB_INVALID', `${name}: ${JSON.stringify(path)} is a device, which no package may bring`);
      }
      entries.push({ path, type, mode, uid, gid, size, target, offset });
    }
  } catch (error) {
    if (!(error instanceof BuildFailure) || error.error.code !== 'ARCHIVE_INVALID') throw error;
    throw failure('DEB_INVALID', error.error.words, error);
  }
  return entries;
}

async function decompressed({ name, bytes }: Member, maxBytes: number, deb: string): Promise<Uint8Array> {
  const kind = name.slice(name.lastIndexOf('.') + 1);
  try {
    if (kind === 'xz') return await unxz(bytes, maxBytes);
    if (kind === 'gz') return await ungzip(bytes, { maxOutputLength: maxBytes });
    if (kind === 'zst') return await unzstd(bytes, { maxOutputLength: maxBytes });
    return bytes;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw failure('DEB_INVALID', `${deb}: ${name} cannot be decompressed: ${words}`, error);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

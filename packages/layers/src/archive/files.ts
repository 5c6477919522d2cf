/** The files of an image on this machine, in a folder or in one tar: what is read is what the plan was made with, or it fails. */
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Cache } from '@rebake/cache';
import type { Digest, FileEntry, FileSet } from '@rebake/image';
import { decompress } from '../decompress.ts';
import { invalid } from '../failures.ts';
import { checked, moved } from '../moved.ts';
import { pullFile } from '../tar/pull.ts';
import { readEntries } from '../tar/read.ts';

export interface Files {
  /** For people. */
  readonly name: string;
  /** Code of what is wrong with a document in it. */
  readonly code: 'LAYOUT_INVALID' | 'ARCHIVE_INVALID';
  /** The bytes of a file; null where there is none. */
  read(path: string): AsyncIterable<Uint8Array> | null;
  /** Rejects with `INPUT_MOVED` where it was changed meanwhile. */
  close(): Promise<void>;
}

/** One file is an archive, several are a folder. */
export async function openFiles(cache: Cache, { root, files }: FileSet, signal: AbortSignal): Promise<Files> {
  const [first, ...others] = files;
  if (first === undefined) throw invalid(root, 'there is nothing in it');
  if (others.length > 0) return folderFiles(root, files);
  const path = join(root, first.path);
  const magic = await beginOf(path);
  const isCompressed = magic.startsWith('1f8b') || magic.startsWith('28b52ffd');
  return isCompressed ? unpacked(cache, path, first.digest, signal) : inPlace(path, first.digest, signal);
}

function folderFiles(root: string, files: readonly FileEntry[]): Files {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return {
    name: root,
    code: 'LAYOUT_INVALID',
    read(path) {
      const file = byPath.get(path);
      return file === undefined ? null : checked(join(root, path), file.digest);
    },
    close: async () => Promise.resolve(),
  };
}

async function beginOf(path: string): Promise<string> {
  const file = await opened(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('hex', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw moved(path, error);
  }
}

/** A plain tar, in which can be jumped. */
async function inPlace(path: string, expected: Digest, signal: AbortSignal): Promise<Files> {
  const file = await opened(path);
  try {
    const before = await file.stat({ bigint: true });
    // All of it once: what is read later is from the same file, and it must not change until then.
    for await (const _ of checked(path, expected)) signal.throwIfAborted();
    return await tarFiles(file, path, async () => {
      const after = await file.stat({ bigint: true });
      await file.close();
      if (before.size !== after.size || before.mtimeNs !== after.mtimeNs) throw moved(path);
    });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A compressed tar, decompressed into a file for the time being. */
async function unpacked(cache: Cache, path: string, expected: Digest, signal: AbortSignal): Promise<Files> {
  const folder = await cache.scratch();
  const file = await open(join(folder, 'archive.tar'), 'wx+');
  const drop = async (): Promise<void> => {
    await file.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for await (const piece of decompress(checked(path, expected), null, { name: path })) {
      signal.throwIfAborted();
      await file.appendFile(piece);
    }
    return await tarFiles(file, path, drop);
  } catch (error) {
    await drop();
    throw error;
  }
}

interface Place {
  readonly offset: number;
  readonly size: number;
}

async function tarFiles(file: FileHandle, name: string, close: () => Promise<void>): Promise<Files> {
  const { size } = await file.stat();
  const places = new Map<string, Place>();
  const links = new Map<string, string>();
  for await (const entry of readEntries(pullFile(file, size), { name, of: 'archive' })) {
    const { path, type, target, offset } = entry;
    if (type === 'file') places.set(path, { offset, size: entry.size });
    // Docker writes a layer that several images have once, and links to it.
    else if (type === 'symlink') links.set(path, posix.join(posix.dirname(path), target));
    else if (type === 'hardlink') links.set(path, target);
    else if (type !== 'directory') throw invalid(name, 'a device or a pipe', path);
  }
  return {
    name,
    code: 'ARCHIVE_INVALID',
    read(path) {
      const place = places.get(path) ?? places.get(links.get(path) ?? path);
      return place === undefined ? null : readPlace(file, place, name);
    },
    close,
  };
}

const READ_BYTES = 512 << 10;

async function* readPlace(file: FileHandle, { offset, size }: Place, name: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size;) {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + at);
    if (bytesRead === 0) throw invalid(name, 'it became shorter while it was read');
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

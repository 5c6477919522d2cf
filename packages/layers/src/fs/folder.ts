/** A folder of this machine that files are written below, and never beside: no symbolic link in it is followed. */
import { closeSync, constants, lstatSync, mkdirSync, openSync, symlinkSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failure, quote } from '../failures.ts';

export interface FileFacts {
  /** Relative, without `..`. */
  readonly path: string;
  readonly mode: number;
}

export interface Folder {
  /** Writes one content as several files, in place of what is there; of their modes only whether they can be run. */
  write(files: readonly FileFacts[], pieces: AsyncIterable<Uint8Array>): Promise<void>;
  link(path: string, target: string): void;
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** Calls of the system are synchronous: most files are small, and waiting for each would cost more than they do. */
export function openFolder(folder: string): Folder {
  const made = new Set<string>();

  function parents(path: string): void {
    const parent = dirname(path);
    if (made.has(parent)) return;
    if (parent !== '.') parents(parent);
    makeFolder(parent === '.' ? folder : join(folder, parent), parent === '.');
    made.add(parent);
  }

  function create({ path, mode }: FileFacts): number {
    parents(path);
    return anew(join(folder, path), (own) => {
      return openSync(own, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, (mode & 0o111) === 0 ? 0o644 : 0o755);
    });
  }

  return {
    async write(files, pieces) {
      const open: number[] = [];
      try {
        for (const file of files) open.push(attempt(folder, () => create(file)));
        for await (const piece of pieces) {
          for (const fd of open) attempt(folder, () => writeAll(fd, piece));
        }
      } finally {
        for (const fd of open) closeSync(fd);
      }
    },
    link(path, target) {
      attempt(folder, () => {
        parents(path);
        anew(join(folder, path), (own) => symlinkSync(target, own));
      });
    },
  };
}

function makeFolder(path: string, isTop: boolean): void {
  try {
    mkdirSync(path, { recursive: isTop, mode: 0o755 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  if (!lstatSync(path).isDirectory()) throw failure('CACHE_UNUSABLE', `${quote(path)} is not a directory`);
}

/** Makes something in the place of what is there, if anything is. */
function anew<T>(path: string, make: (path: string) => T): T {
  try {
    return make(path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    unlinkSync(path);
    return make(path);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength;) done += writeSync(fd, bytes, done);
}

function attempt<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const isFull = hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT');
    throw failure(isFull ? 'CACHE_FULL' : 'CACHE_UNUSABLE', `${folder}: ${error.message}`, error);
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

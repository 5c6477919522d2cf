/** Files of the user by content: single files, texts and trees, with a stat cache so that an unchanged file is not read twice. */
import { readFileSync, statSync, type BigIntStats } from 'node:fs';
import { digestOfBytes } from '../digest.ts';
import type { Digest, FileSet } from '../types.ts';
import { hashFileSync } from './hash.ts';
import { FileProblem, fileProblem } from './problem.ts';
import { openStatCache } from './stat-cache.ts';
import { listTree, type TreeOptions } from './tree.ts';

/** One file's content and mode. `size` in bytes; `exec`: whether its owner may run it. */
export interface FileFacts {
  readonly digest: Digest;
  readonly exec: boolean;
  readonly size: number;
}

/** Reads and hashes files, synchronously. Every method throws a {@link FileProblem} for what is wrong with a path. */
export interface FileHasher {
  /** Facts of a regular file (links are followed). */
  file(absolute: string): FileFacts;
  /** A UTF-8 text without CR (and without a byte order mark), and the digest of exactly that text. */
  text(absolute: string): { readonly text: string; readonly digest: Digest };
  /** The regular files below `root`, sorted by the bytes of their paths; see {@link TreeOptions}. */
  tree(root: string, options?: TreeOptions): FileSet;
  /** Writes the stat cache if anything new was hashed. Never necessary: without it, the next process reads the files again. */
  save(): void;
}

/** `cacheFile`: where the stat cache is kept, null for none. `now`: milliseconds since the epoch. */
export function createFileHasher(options: { readonly cacheFile: string | null; now(): number }): FileHasher {
  const cache = openStatCache(options.cacheFile);

  function file(absolute: string): FileFacts {
    const stat = regular(absolute, statOf(absolute));
    const known = cache.get(absolute, stat);
    if (known !== undefined) return facts(known, stat);
    const hashedAt = options.now();
    const hashed = hashFileSync(absolute, (opened) => regular(absolute, opened));
    cache.set(absolute, hashed.stat, hashed.digest, hashedAt);
    return facts(hashed.digest, hashed.stat);
  }

  return {
    file,
    text(absolute) {
      regular(absolute, statOf(absolute));
      const text = decode(absolute).replaceAll('\r', '');
      return { text, digest: digestOfBytes(text) };
    },
    tree(root, treeOptions) {
      const files = listTree(root, treeOptions).map(({ path, absolute }) => {
        const { digest, exec } = file(absolute);
        return { path, digest, exec };
      });
      return { root, files };
    },
    save: () => cache.save(),
  };
}

const OWNER_EXEC = 0o100n;

function facts(digest: Digest, stat: BigIntStats): FileFacts {
  return { digest, exec: (stat.mode & OWNER_EXEC) !== 0n, size: Number(stat.size) };
}

function statOf(absolute: string): BigIntStats {
  try {
    return statSync(absolute, { bigint: true });
  } catch (error) {
    throw fileProblem(error, absolute);
  }
}

function regular(absolute: string, stat: BigIntStats): BigIntStats {
  if (!stat.isFile()) throw new FileProblem('FILE_KIND', absolute);
  return stat;
}

function decode(absolute: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(absolute);
  } catch (error) {
    throw fileProblem(error, absolute);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FileProblem('FILE_NOT_TEXT', absolute, { cause: error });
  }
}

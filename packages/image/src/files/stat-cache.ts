/**
 * The stat cache: digests of files that have not changed since they were hashed, told by their stat as git does it.
 *
 * The file is one line an entry, `stamp TAB digest TAB path`; the stamp is compared as text and never parsed, so that loading costs one
 * split. A cache that is missing, broken or of another version is empty: it can only cost time.
 */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  type BigIntStats,
} from 'node:fs';
import { dirname } from 'node:path';
import { isDigest } from '../digest.ts';
import type { Digest } from '../types.ts';

const HEADER = 'rebake stat cache 1';

/**
 * A file whose last change is younger than this when it is hashed may be written once more without a visible change of its time: the
 * coarsest time stamps in use count in two seconds (FAT; kernels tick in 10 ms). Such an entry is not kept.
 */
const RACY_NS = 2_000_000_000n;

/** Entries of files that nobody asked for any more are dropped above this. */
const LIMIT = 50_000;

interface Entry {
  readonly stamp: string;
  readonly digest: Digest;
}

/** Digests by path, valid while the stat stays. */
export interface StatCache {
  get(path: string, stat: BigIntStats): Digest | undefined;
  /** `hashedAt`: milliseconds since the epoch when hashing began. */
  set(path: string, stat: BigIntStats, digest: Digest, hashedAt: number): void;
  save(): void;
}

function stampOf(stat: BigIntStats): string {
  return `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`;
}

/** `file`: where it is kept, or null for a cache of this process only. */
export function openStatCache(file: string | null): StatCache {
  const loaded = file === null ? { lines: new Map<string, string>(), writtenNs: 0n } : load(file);
  const entries = new Map<string, Entry>();
  let dirty = false;

  return {
    get(path, stat) {
      const stamp = stampOf(stat);
      const entry = entries.get(path);
      if (entry !== undefined) return entry.stamp === stamp ? entry.digest : undefined;
      const line = loaded.lines.get(path);
      // git's rule: what is not older than the cache may have changed after it was hashed, within one tick of the clock.
      if (line === undefined || stat.mtimeNs >= loaded.writtenNs) return undefined;
      const tab = line.indexOf('\t');
      const digest = line.slice(tab + 1);
      if (line.slice(0, tab) !== stamp || !isDigest(digest)) return undefined;
      entries.set(path, { stamp, digest });
      return digest;
    },

    set(path, stat, digest, hashedAt) {
      const hashedNs = BigInt(Math.trunc(hashedAt)) * 1_000_000n;
      if (stat.mtimeNs + RACY_NS > hashedNs || stat.ctimeNs + RACY_NS > hashedNs) return;
      if (path.includes('\n')) return;
      entries.set(path, { stamp: stampOf(stat), digest });
      dirty = true;
    },

    save() {
      if (file === null || !dirty) return;
      const lines = new Map(loaded.lines.size + entries.size > LIMIT ? [] : loaded.lines);
      for (const [path, { stamp, digest }] of entries) lines.set(path, `${stamp}\t${digest}`);
      let text = `${HEADER}\n`;
      for (const [path, line] of lines) text += `${line}\t${path}\n`;
      writeAtomically(file, text);
      dirty = false;
    },
  };
}

function load(file: string): { lines: Map<string, string>; writtenNs: bigint } {
  const lines = new Map<string, string>();
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return { lines, writtenNs: 0n };
  }
  try {
    const writtenNs = fstatSync(fd, { bigint: true }).mtimeNs;
    const [header, ...rows] = readFileSync(fd, 'utf8').split('\n');
    if (header !== HEADER) return { lines, writtenNs: 0n };
    for (const row of rows) {
      const tab = row.indexOf('\t', row.indexOf('\t') + 1);
      if (tab > 0) lines.set(row.slice(tab + 1), row.slice(0, tab));
    }
    return { lines, writtenNs };
  } catch {
    return { lines: new Map(), writtenNs: 0n };
  } finally {
    closeSync(fd);
  }
}

function writeAtomically(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

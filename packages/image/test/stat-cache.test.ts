// The stat cache: what lets a process trust a digest that an earlier one computed, and what does not.
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileHasher, digestOfBytes, type FileHasher } from '../src/index.ts';

let directory: string;
let cacheFile: string;
let file: string;

/** Long after the files were written, so that they are old enough to be trusted. */
const later = (): number => Date.now() + 60_000;
const open = (now: () => number = later): FileHasher => createFileHasher({ cacheFile, now });
const digest = (text: string): string => digestOfBytes(text);

/** Puts a wrong digest under every path: what is answered from the cache shows. */
const WRONG = `sha256:${'0'.repeat(64)}`;
function poison(): void {
  const { mtime } = statSync(cacheFile);
  writeFileSync(cacheFile, readFileSync(cacheFile, 'utf8').replaceAll(/sha256:[0-9a-f]{64}/g, WRONG));
  utimesSync(cacheFile, mtime, mtime);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rebake-cache-'));
  cacheFile = join(directory, 'state', 'files.cache');
  file = join(directory, 'file');
  writeFileSync(file, 'one');
  // Older than the cache by more than any clock's tick.
  utimesSync(file, new Date(2020, 1), new Date(2020, 1));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function fill(now?: () => number): void {
  const hasher = open(now);
  hasher.file(file);
  hasher.save();
}

describe('the stat cache', () => {
  it('answers for a file whose stat is the same', () => {
    fill();
    poison();
    expect(open().file(file)).toEqual({ digest: WRONG, exec: false, size: 3 });
  });

  it.each<[string, () => void]>([
    ['another size', () => writeFileSync(file, 'three')],
    ['another time', () => utimesSync(file, new Date(2021, 1), new Date(2021, 1))],
    [
      'another inode',
      () => {
        writeFileSync(`${file}.new`, 'two');
        utimesSync(`${file}.new`, new Date(2020, 1), new Date(2020, 1));
        renameSync(`${file}.new`, file);
      },
    ],
    [
      'another change time only',
      () => {
        writeFileSync(file, 'two');
        utimesSync(file, new Date(2020, 1), new Date(2020, 1));
      },
    ],
  ])('does not answer after %s', (_, change) => {
    fill();
    poison();
    change();
    expect(open().file(file).digest).toBe(digest(readFileSync(file, 'utf8')));
  });

  it('does not keep what was hashed so soon after a change that another would not show', () => {
    fill(() => Date.now());
    expect(existsSync(cacheFile)).toBe(false);
  });

  it('does not trust an entry that is not older than the cache, as git does', () => {
    fill();
    poison();
    utimesSync(cacheFile, new Date(2020, 1), new Date(2020, 1));
    expect(open().file(file).digest).toBe(digest('one'));
  });

  it('keeps what other processes had asked for, and writes only news', () => {
    fill();
    const other = join(directory, 'a file\twith a tab');
    writeFileSync(other, 'x');
    const second = open();
    second.file(other);
    second.save();
    poison();
    const before = statSync(cacheFile, { bigint: true }).ino;
    const third = open();
    expect(third.file(file).digest).toBe(WRONG);
    expect(third.file(other).digest).toBe(WRONG);
    third.save();
    expect(statSync(cacheFile, { bigint: true }).ino).toBe(before);
  });

  it.each(['', 'rebake stat cache 0\nx\ty\tz', 'rebake stat cache 1\nno tabs\n\t\t\n', '\0\0\0'])(
    'is empty when it is broken: %j',
    (text) => {
      fill();
      writeFileSync(cacheFile, text);
      const hasher = open();
      expect(hasher.file(file).digest).toBe(digest('one'));
      hasher.save();
      poison();
      expect(open().file(file).digest).toBe(WRONG);
    },
  );

  it('is nothing that a reader could be hurt by', () => {
    fill();
    expect(statSync(cacheFile).mode & 0o777).toBe(0o600);
    const { mtime } = statSync(cacheFile);
    writeFileSync(cacheFile, readFileSync(cacheFile, 'utf8').replace(/sha256:[0-9a-f]{64}/, 'sha256:nonsense'));
    utimesSync(cacheFile, mtime, mtime);
    expect(open().file(file).digest).toBe(digest('one'));
  });
});

/** What a written layer is, to us and to other readers: the same entries are the same bytes, and everybody reads the same entries. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Cache } from '@rebake/cache';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { LAYER_TIME, readTar, recompress, writeLayer, type Compression, type TreeEntry } from '../src/index.ts';
import { headerOf } from '../src/tar/header.ts';
import {
  codeOf,
  collect,
  file,
  folder,
  gnuTar,
  hardlink,
  inPieces,
  sha256,
  signal,
  sourceOf,
  symlink,
  temporaryCache,
} from './support/rig.ts';

const gzip = { compression: 'gzip', signal } as const;

async function tarOf(
  entries: readonly TreeEntry[],
  compression: Compression = 'gzip',
  cache: Cache = temporaryCache(),
): Promise<Buffer> {
  const layer = await writeLayer(cache, entries, { compression, signal });
  const blob = await collect(cache.read(layer.digest));
  expect(sha256(blob)).toBe(layer.digest);
  expect(blob.length).toBe(layer.size);
  const tar = compression === 'gzip' ? gunzipSync(blob) : zstdDecompressSync(blob);
  expect(sha256(tar)).toBe(layer.diffId);
  return tar;
}

interface Read {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly target: string;
  readonly content: string;
}

const asRead = async (entry: TreeEntry): Promise<Read> => ({
  path: entry.path,
  type: entry.type,
  mode: entry.type === 'symlink' ? 0o777 : entry.mode,
  uid: entry.uid,
  gid: entry.gid,
  target: entry.type === 'symlink' || entry.type === 'hardlink' ? entry.target : '',
  content: entry.type === 'file' ? Buffer.from((await entry.bytes()) as Uint8Array).toString('hex') : '',
});

async function byTarStream(tar: Buffer): Promise<Read[]> {
  const reader = extract();
  reader.end(tar);
  const found: Read[] = [];
  for await (const entry of reader) {
    const { name, type, mode, uid, gid, linkname, mtime } = entry.header;
    const pax = entry.header.pax as Readonly<Record<string, string>> | null;
    expect(mtime).toEqual(new Date(LAYER_TIME * 1000));
    found.push({
      path: name.replace(/\/$/, ''),
      type: type === 'link' ? 'hardlink' : (type ?? ''),
      mode,
      // Which it reads, and leaves to others.
      uid: Number(pax?.['uid'] ?? uid),
      gid: Number(pax?.['gid'] ?? gid),
      target: linkname ?? '',
      content: (await collect(entry as AsyncIterable<Uint8Array>)).toString('hex'),
    });
  }
  return found;
}

async function byUs(tar: Buffer, pieces: number): Promise<Read[]> {
  const found: Read[] = [];
  for await (const entry of readTar(inPieces(tar, pieces))) {
    const { path, type, mode, uid, gid, target } = entry;
    const content = await collect(entry.bytes());
    expect(tar.subarray(entry.offset, entry.offset + entry.size).equals(content)).toBe(true);
    found.push({ path, type, mode, uid, gid, target, content: content.toString('hex') });
  }
  return found;
}

const name = fc
  .oneof(
    { weight: 4, arbitrary: fc.stringMatching(/^[a-zA-Z0-9_+-][a-zA-Z0-9 ._+-]{0,30}$/) },
    fc.stringMatching(/^[a-z]{60,200}$/),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  )
  .map((text) => text.replaceAll(/[/\0\n]/g, '_'))
  .filter((text) => text !== '.' && text !== '..' && text.isWellFormed() && Buffer.byteLength(text) <= 255);
const id = fc.oneof(fc.constantFrom(0, 1000, 0o7777777, 0o10000000), fc.nat(0x7fffffff));
const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
const mode = fc.nat(0o7777);
const anyEntry: fc.Arbitrary<TreeEntry> = fc.oneof(
  fc
    .record({ path, mode, uid: id, gid: id, content: fc.uint8Array({ maxLength: 2000 }) })
    .map(({ content, ...rest }) => ({
      ...rest,
      type: 'file' as const,
      size: content.length,
      bytes: async () => Promise.resolve(content),
    })),
  fc.record({ path, mode, uid: id, gid: id }).map((rest) => ({ ...rest, type: 'directory' as const })),
  fc
    .record({
      path,
      mode,
      uid: id,
      gid: id,
      target: fc.oneof(
        path,
        path.map((one) => `/${one}`),
        path.map((one) => `../${one}`),
      ),
    })
    .map((rest) => ({ ...rest, type: 'symlink' as const })),
);

/** Entries that can stand in one layer: each path once, nothing below what is no folder; some files by a second name. */
const anyEntries = fc.array(anyEntry, { maxLength: 12 }).map((entries) => {
  const kept: TreeEntry[] = [];
  for (const entry of entries) {
    const clashes = (one: TreeEntry): boolean =>
      one.path === entry.path ||
      (one.path.startsWith(`${entry.path}/`) && entry.type !== 'directory') ||
      (entry.path.startsWith(`${one.path}/`) && one.type !== 'directory');
    if (!kept.some(clashes)) kept.push(entry);
  }
  const first = kept.find(({ type }) => type === 'file');
  return first === undefined ? kept : [...kept, { ...hardlink('the second name', first.path), mode: first.mode }];
});

describe('a written layer', () => {
  it('is read as what was written, by tar-stream and by us, whatever the entries', async () => {
    const cache = temporaryCache();
    await fc.assert(
      fc.asyncProperty(anyEntries, fc.integer({ min: 1, max: 5000 }), async (entries, pieces) => {
        const tar = await tarOf(entries, 'zstd', cache);
        const expected = await Promise.all(entries.map(asRead));
        expect(await byTarStream(tar)).toEqual(expected);
        expect(await byUs(tar, pieces)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('is listed by GNU tar with every name, mode, owner and link', async () => {
    const long = `${'folder/'.repeat(20)}${'n'.repeat(120)}`;
    const entries = [
      folder('etc'),
      file('etc/motd', 'hello', 0o640),
      { ...file('bin/sudo', 'x', 0o4755), uid: 5_000_000, gid: 7 },
      file('Főtanúsítvány.crt', 'ca'),
      symlink('bin/sh', '/usr/bin/dash'),
      hardlink('bin/su', 'bin/sudo'),
      file(long, 'long'),
      symlink('far', long),
      file(`${'p'.repeat(100)}/${'n'.repeat(100)}`, 'split'),
    ];
    const tar = await tarOf(entries);
    expect(
      gnuTar(['--numeric-owner', '--quoting-style=literal', '-tvf', '-'], tar)
        .replaceAll(/ +/g, ' ')
        .trim()
        .split('\n'),
    ).toEqual([
      'drwxr-xr-x 0/0 0 1980-01-02 00:00 etc/',
      '-rw-r----- 0/0 5 1980-01-02 00:00 etc/motd',
      '-rwsr-xr-x 5000000/7 1 1980-01-02 00:00 bin/sudo',
      '-rw-r--r-- 0/0 2 1980-01-02 00:00 Főtanúsítvány.crt',
      'lrwxrwxrwx 0/0 0 1980-01-02 00:00 bin/sh -> /usr/bin/dash',
      'hrw-r--r-- 0/0 0 1980-01-02 00:00 bin/su link to bin/sudo',
      `-rw-r--r-- 0/0 4 1980-01-02 00:00 ${long}`,
      `lrwxrwxrwx 0/0 0 1980-01-02 00:00 far -> ${long}`,
      `-rw-r--r-- 0/0 5 1980-01-02 00:00 ${'p'.repeat(100)}/${'n'.repeat(100)}`,
    ]);
    expect(gnuTar(['-xOf', '-', long], tar)).toBe('long');
  });

  it('has the same bytes each time, under both compressions, in pieces or whole', async () => {
    const content = Buffer.alloc(3_000_000, 'some text that compresses, but not into nothing; ');
    async function* slowly(): AsyncGenerator<TreeEntry> {
      yield folder('a');
      yield { ...file('a/big', content), bytes: () => inPieces(content, 12_345) } as TreeEntry;
      yield file('a/small', 'x');
    }
    const cache = temporaryCache();
    const other = temporaryCache();
    for (const compression of ['gzip', 'zstd'] as const) {
      const options = { compression, signal };
      const layer = await writeLayer(cache, slowly(), options);
      expect(await writeLayer(other, [folder('a'), file('a/big', content), file('a/small', 'x')], options)).toEqual(
        layer,
      );
      expect(layer.mediaType).toBe(`application/vnd.oci.image.layer.v1.tar+${compression}`);
    }
  });

  it('has the bytes that it has always had', async () => {
    const entries = [
      folder('opt'),
      file('opt/a', 'content\n', 0o755),
      symlink('opt/b', 'a'),
      hardlink('opt/c', 'opt/a'),
      file('é'),
    ];
    expect(sha256(await tarOf(entries))).toMatchInlineSnapshot(
      `"sha256:42ba6b290c3cd360aa87148b41431777326a79394c4ede325f7ae380f3c29152"`,
    );
    const layer = await writeLayer(temporaryCache(), entries, gzip);
    expect(layer.digest).toMatchInlineSnapshot(
      `"sha256:fcfc0f1dd226ae97c9849fa9795bf839507ee0d82f5e839613d9567e0320b0e3"`,
    );
  });

  it('says in its gzip header neither when nor where it was made', async () => {
    const cache = temporaryCache();
    const layer = await writeLayer(cache, [file('a', 'b')], gzip);
    const head = await collect(cache.read(layer.digest, { length: 10 }));
    expect(head.toString('hex')).toBe('1f8b08000000000000ff');
  });

  it('has sizes beyond what the format holds in a record', () => {
    const size = 9 * 2 ** 30;
    const head = headerOf({ ...file('huge'), size } as TreeEntry);
    expect(head.subarray(512, 1024).toString().replaceAll('\0', '')).toBe(`19 size=${size}\n`);
    expect(head.length).toBe(1536);
  });

  it('is whole without entries', async () => {
    expect((await tarOf([])).equals(Buffer.alloc(1024))).toBe(true);
  });
});

describe('what cannot be in a layer is refused', () => {
  const wrong: readonly (readonly [string, readonly TreeEntry[], RegExp])[] = [
    ['a path that climbs', [file('a/../b')], /path with empty parts, \. or \.\./],
    ['an absolute path', [file('/a')], /absolute path/],
    ['a path with a trailing slash', [folder('a/')], /empty parts/],
    ['the root', [folder('')], /empty parts/],
    ['a NUL', [file('a\0b')], /NUL/],
    ['a name that is too long', [file('n'.repeat(256))], /255 bytes/],
    ['half a character', [file('\ud800')], /not Unicode/],
    ['a path twice', [file('a'), file('a')], /stands there twice/],
    ['something below a symbolic link', [symlink('a', 'b'), file('a/c')], /below "a", which is no folder/],
    ['a link in place of what has something in it', [file('a/c'), symlink('a', 'b')], /stands there twice/],
    ['a hard link to what comes later', [hardlink('a', 'b'), file('b')], /no file before it/],
    ['a hard link to a symbolic link', [symlink('b', 'c'), hardlink('a', 'b')], /no file before it/],
    ['a symbolic link to nothing', [symlink('a', '')], /cannot be a path/],
    ['a mode with a kind in it', [file('a', '', 0o100644)], /mode/],
    ['an owner that is none', [{ ...file('a'), uid: -1 }], /number/],
    ['less content than said', [{ ...file('a', 'abc'), size: 4 } as TreeEntry], /3 bytes where 4/],
    [
      'more content than said',
      [{ ...file('a'), size: 4, bytes: () => inPieces(Buffer.alloc(5), 1) } as TreeEntry],
      /more bytes where 4/,
    ],
  ];

  it.each(wrong)('%s', async (_, entries, words) => {
    const cache = temporaryCache();
    const said = await codeOf(writeLayer(cache, entries, gzip));
    expect(said).toMatch(/^ARCHIVE_INVALID: a layer: "/);
    expect(said).toMatch(words);
  });

  it('fails as the source of a content does, and stops when it is told to', async () => {
    const cache = temporaryCache();
    const broken = {
      ...file('a', 'abc'),
      bytes: async () => Promise.reject(new Error('the disk is gone')),
    } as TreeEntry;
    await expect(writeLayer(cache, [file('b'), broken], gzip)).rejects.toThrow('the disk is gone');
    const stop = new AbortController();
    async function* endless(): AsyncGenerator<TreeEntry> {
      for (let i = 0; ; i++) {
        if (i === 100) stop.abort(new Error('enough'));
        yield await Promise.resolve(file(`f${i}`, Buffer.alloc(100_000)));
      }
    }
    await expect(writeLayer(cache, endless(), { compression: 'zstd', signal: stop.signal })).rejects.toThrow('enough');
  });
});

describe('a layer under another compression', () => {
  it('has the same tar, is made once, and is itself where nothing has to change', async () => {
    const cache = temporaryCache();
    const layer = await writeLayer(cache, [file('a', 'b'.repeat(5000))], gzip);
    const zstd = await recompress(cache, sourceOf(cache, layer), 'zstd', signal);
    expect(zstd.diffId).toBe(layer.diffId);
    expect(zstd).toEqual(
      await writeLayer(temporaryCache(), [file('a', 'b'.repeat(5000))], { compression: 'zstd', signal }),
    );
    const unread = { ...layer, read: () => inPieces(Buffer.from('not a layer')) };
    expect(await recompress(cache, unread, 'zstd', signal)).toEqual(zstd);
    expect(await recompress(cache, unread, 'gzip', signal)).toEqual(layer);
  });

  it('is refused where its content is another than its diff ID says', async () => {
    const cache = temporaryCache();
    const layer = await writeLayer(cache, [file('a')], gzip);
    const other = { ...sourceOf(cache, layer), diffId: sha256('other') };
    expect(await codeOf(recompress(cache, other, 'zstd', signal))).toMatch(/^BLOB_MISMATCH: /);
  });
});

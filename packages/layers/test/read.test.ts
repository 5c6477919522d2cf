/** What is refused in archives from anywhere, and what is read in them. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompress, readTar, type ReadOptions, type TarEntry } from '../src/index.ts';
import { codeOf, collect, gnuTar, inPieces, tarOf } from './support/rig.ts';

type Seen = Omit<TarEntry, 'bytes' | 'offset'> & { readonly content: string };

async function entriesOf(tar: Uint8Array, options: ReadOptions = {}, pieces = 700): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const read of readTar(inPieces(tar, pieces), { name: 'x.tar', ...options })) {
    const { path, type, mode, uid, gid, size, target, device } = read;
    const content = (await collect(read.bytes())).toString();
    seen.push({ path, type, mode, uid, gid, size, target, device, content });
  }
  return seen;
}

const refusal = async (tar: Uint8Array, options?: ReadOptions): Promise<string> => codeOf(entriesOf(tar, options));

/** Changes a header and mends its checksum. */
function patched(tar: Buffer, at: number, bytes: string | Uint8Array): Buffer {
  const copy = Buffer.from(tar);
  copy.set(Buffer.from(bytes as string, 'latin1'), at);
  const block = Math.floor(at / 512) * 512;
  copy.fill(' ', block + 148, block + 156);
  let sum = 0;
  for (const byte of copy.subarray(block, block + 512)) sum += byte;
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, block + 148);
  return copy;
}

/** A header of any kind with a body, before other entries. */
function extension(flag: string, body: string | Buffer): Promise<Buffer> {
  return tarOf([{ name: 'extension', content: body as string }]).then((tar) =>
    patched(tar, 156, flag).subarray(0, -1024),
  );
}

const record = (key: string, value: string): string => {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length++;
  return `${length} ${key}=${value}\n`;
};

const one = async (): Promise<Buffer> => tarOf([{ name: 'file', content: 'content' }]);

describe('a tar', () => {
  it('gives its entries with paths without detours', async () => {
    const tar = await tarOf([
      { name: './', type: 'directory' },
      { name: './usr/./bin//', type: 'directory', mode: 0o2755 },
      { name: 'usr/bin/perl', content: 'x', mode: 0o100755, uid: 5, gid: 6 },
      { name: 'usr/bin/perl5', type: 'link', linkname: './usr/bin/perl' },
      { name: 'bin', type: 'symlink', linkname: '/usr/../bin' },
      { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
      { name: 'run/initctl', type: 'fifo' },
      { name: 'usr/bin', type: 'directory' },
    ]);
    const none = { uid: 0, gid: 0, size: 0, target: '', device: '', content: '' };
    expect(await entriesOf(tar)).toEqual([
      { ...none, path: '', type: 'directory', mode: 0o755 },
      { ...none, path: 'usr/bin', type: 'directory', mode: 0o2755 },
      { ...none, path: 'usr/bin/perl', type: 'file', mode: 0o755, uid: 5, gid: 6, size: 1, content: 'x' },
      { ...none, path: 'usr/bin/perl5', type: 'hardlink', mode: 0o644, target: 'usr/bin/perl' },
      { ...none, path: 'bin', type: 'symlink', mode: 0o644, target: '/usr/../bin' },
      { ...none, path: 'dev/null', type: 'character', mode: 0o644, device: '1:3' },
      { ...none, path: 'run/initctl', type: 'fifo', mode: 0o644 },
      { ...none, path: 'usr/bin', type: 'directory', mode: 0o755 },
    ]);
  });

  it.each(['gnu', 'pax', 'ustar', 'oldgnu', 'v7'])('of GNU tar in the format %s is read', async (format) => {
    const { mkdirSync, writeFileSync, symlinkSync, linkSync } = await import('node:fs');
    const { temporaryFolder } = await import('./support/rig.ts');
    const dir = temporaryFolder();
    const long = format === 'v7' ? 'short' : `${'d'.repeat(80)}/${'n'.repeat(90)}`;
    mkdirSync(`${dir}/${'d'.repeat(80)}`);
    writeFileSync(`${dir}/${long}`, 'content');
    symlinkSync('target', `${dir}/link`);
    linkSync(`${dir}/${long}`, `${dir}/zz`);
    const options = ['-C', dir, '--sort=name', '--numeric-owner', `--format=${format}`, '-cf', '-', '.'];
    const { execFileSync } = await import('node:child_process');
    // A hard link to a long path is more than the older formats hold.
    const args = format === 'ustar' || format === 'v7' ? [...options.slice(0, -1), '--exclude=./zz', '.'] : options;
    const read = await entriesOf(execFileSync('tar', args));
    expect(read.find(({ path }) => path === long)).toMatchObject({ type: 'file', content: 'content' });
    expect(read.find(({ path }) => path === 'link')).toMatchObject({ type: 'symlink', target: 'target' });
    const second = read.find(({ path }) => path === 'zz');
    expect(second?.target ?? long).toBe(long);
  });

  it('gives nothing of a content that nobody reads, and the next entry all the same', async () => {
    const tar = await tarOf([
      { name: 'a', content: 'x'.repeat(10_000) },
      { name: 'b', content: 'y' },
    ]);
    const paths: string[] = [];
    for await (const { path } of readTar(inPieces(tar, 333))) paths.push(path);
    expect(paths).toEqual(['a', 'b']);
  });
});

describe('an archive is refused', () => {
  const named: readonly (readonly [string, Parameters<typeof tarOf>[0], RegExp])[] = [
    ['that climbs out', [{ name: '../etc/passwd' }], /"\.\.\/etc\/passwd": a path with \.\./],
    ['that climbs out on the way', [{ name: 'a/../../b' }], /path with \.\./],
    ['with an absolute path', [{ name: '/etc/passwd' }], /absolute path/],
    [
      'with a hard link out of it',
      [{ name: 'a', type: 'link', linkname: '../b' }],
      /hard link to "\.\.\/b": a path with/,
    ],
    ['with a hard link to an absolute path', [{ name: 'a', type: 'link', linkname: '/etc/shadow' }], /absolute path/],
    [
      'with a hard link to nothing before it',
      [{ name: 'a', type: 'link', linkname: 'b' }, { name: 'b' }],
      /no file before it/,
    ],
    [
      'with a hard link through a symbolic one',
      [
        { name: 'b', type: 'symlink', linkname: '/etc/passwd' },
        { name: 'a', type: 'link', linkname: 'b' },
      ],
      /no file/,
    ],
    [
      'that writes through a symbolic link',
      [{ name: 'a', type: 'symlink', linkname: '/etc' }, { name: 'a/passwd' }],
      /below "a"/,
    ],
    [
      'that puts a link where something is below',
      [{ name: 'a/passwd' }, { name: 'a', type: 'symlink', linkname: '/etc' }],
      /twice/,
    ],
    ['with a file twice', [{ name: 'a' }, { name: './a' }], /"\.\/a": it stands there twice/],
    ['with a folder in place of a file', [{ name: 'a' }, { name: 'a', type: 'directory' }], /twice/],
    ['with a line break in a path', [{ name: 'a\nb' }], /line break/],
    ['with an endless name', [{ name: 'n'.repeat(256) }], /255 bytes/],
    ['with an endless path', [{ name: `${'n/'.repeat(2100)}n` }], /4095 bytes/],
  ];
  it.each(named)('%s', async (_, entries, words) => {
    const said = await refusal(await tarOf(entries));
    expect(said).toMatch(/^ARCHIVE_INVALID: x\.tar: /);
    expect(said).toMatch(words);
  });

  it('with headers on which readers disagree', async () => {
    const tar = await one();
    const deep = record('path', 'a');
    const cases: readonly (readonly [Buffer, RegExp])[] = [
      [Buffer.concat([await extension('x', deep + record('path', 'b')), tar]), /two of path/],
      [Buffer.concat([await extension('x', deep), await extension('x', deep), tar]), /two pax headers/],
      [Buffer.concat([await extension('x', deep), await extension('L', 'b\0'), tar]), /two names/],
      [Buffer.concat([await extension('L', 'a\0'), await extension('L', 'b\0'), tar]), /two long names/],
      [Buffer.concat([await extension('K', 'a\0'), await extension('K', 'b\0'), tar]), /two long targets/],
      [Buffer.concat([await extension('L', 'a\0b\0'), tar]), /a long name with a NUL/],
      [Buffer.concat([await extension('x', record('path', 'a\0b')), tar]), /line break or a NUL/],
      [Buffer.concat([await extension('x', record('path', 'a\nb')), tar]), /line break or a NUL/],
      [Buffer.concat([await extension('x', record('path', '../a')), tar]), /path with \.\./],
      [Buffer.concat([await extension('x', record('size', '-1')), tar]), /negative or too large/],
      [Buffer.concat([await extension('x', record('size', '99999999999999999999')), tar]), /negative or too large/],
      [Buffer.concat([await extension('x', record('size', `${2 ** 52}`)), tar]), /goes beyond/],
      [Buffer.concat([await extension('x', record('GNU.sparse.major', '1')), tar]), /sparse/],
      [Buffer.concat([await extension('x', '99999999 path=a\n'), tar]), /torn/],
      [Buffer.concat([await extension('x', '9 path=a\n11 size=3\n'), tar]), /torn/],
      [Buffer.concat([await extension('g', deep), tar]), /changes all entries/],
      [Buffer.concat([await extension('x', deep), Buffer.alloc(1024)]), /behind the extension/],
      [patched(tar, 156, 'S'), /sparse/],
      [patched(tar, 156, 'V'), /kind that is not known \("V"\)/],
      [patched(tar, 156, '5'), /7 bytes of content for what has none/],
      [patched(tar, 156, '2'), /7 bytes of content/],
      [patched(tar, 124, Buffer.from('ff'.repeat(12), 'hex')), /size that is negative or too large/],
      [patched(tar, 124, Buffer.from(`80${'ff'.repeat(11)}`, 'hex')), /size that is negative or too large/],
      [patched(tar, 124, '-0000000007\0'), /size that is no number/],
      [patched(tar, 257, 'mystar\0'), /kind that is not known/],
      [patched(tar, 0, Buffer.from('ff6e', 'hex')), /not UTF-8/],
      [patched(tar, 0, 'file/\0'), /path of a folder/],
      [Buffer.concat([tar.subarray(0, 100), Buffer.from('1'), tar.subarray(101)]), /checksum is wrong/],
    ];
    for (const [bytes, words] of cases) expect(await refusal(bytes)).toMatch(words);
  });

  it('that is torn, or goes on behind its end', async () => {
    const tar = await one();
    for (const length of [0, 100, 512, 515, 600, 1024]) {
      expect(await refusal(tar.subarray(0, length))).toMatch(/^ARCHIVE_INVALID: x\.tar: .*ends too early/);
    }
    expect(await entriesOf(tar.subarray(0, 1536))).toHaveLength(1);
    expect(await entriesOf(Buffer.concat([tar, Buffer.alloc(10_000)]))).toHaveLength(1);
    expect(await refusal(Buffer.concat([tar, Buffer.from('x')]))).toMatch(/behind its end/);
    expect(await refusal(Buffer.concat([tar, tar]))).toMatch(/behind its end/);
  });

  it('that holds more than is allowed', async () => {
    const tar = await tarOf([{ name: 'a' }, { name: 'b', content: 'x'.repeat(5000) }]);
    expect(await refusal(tar, { maxEntries: 1 })).toMatch(/more than 1 entries/);
    expect(await refusal(tar, { maxBytes: 4000 })).toMatch(/"b": it goes beyond 4000 bytes/);
    expect(await refusal(Buffer.concat([tar, Buffer.alloc(20_000)]), { maxBytes: 10_000 })).toMatch(
      /more than 10000 bytes/,
    );
    expect(await entriesOf(tar, { maxEntries: 2, maxBytes: 10_000 })).toHaveLength(2);
  });

  it('or read as GNU tar reads it, however it was damaged', async () => {
    const tar = await tarOf([
      { name: 'folder', type: 'directory' },
      { name: 'folder/file', content: 'content' },
      { name: 'folder/link', type: 'symlink', linkname: 'file' },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(tar.length - 1), fc.nat(255), async (at, byte) => {
        const copy = Buffer.from(tar);
        copy[at] = byte;
        let read: Seen[] | null;
        try {
          read = await entriesOf(copy);
        } catch {
          read = null;
        }
        if (read === null) return;
        const theirs = gnuTar(['--quoting-style=literal', '-tf', '-'], copy).trim().split('\n');
        expect(read.map(({ path }) => path)).toEqual(theirs.map((path) => path.replace(/\/$/, '')));
      }),
      { numRuns: 50 },
    );
  }, 60_000);
});

describe('compressed bytes', () => {
  const text = Buffer.from('some content '.repeat(20_000));
  const skippable = Buffer.from('502a4d180400000001020304', 'hex');
  const whole: readonly (readonly [string, Buffer, string | null])[] = [
    ['plain ones', text, null],
    ['plain ones of a layer', text, 'application/vnd.oci.image.layer.v1.tar'],
    ['gzip', gzipSync(text), null],
    ['gzip of Docker', gzipSync(text), 'application/vnd.docker.image.rootfs.diff.tar.gzip'],
    [
      'several members of gzip',
      Buffer.concat([text.subarray(0, 9), text.subarray(9)].map((part) => gzipSync(part))),
      null,
    ],
    ['zstd', zstdCompressSync(text), 'application/vnd.oci.image.layer.v1.tar+zstd'],
    [
      'several frames of zstd',
      Buffer.concat([text.subarray(0, 9), text.subarray(9)].map((part) => zstdCompressSync(part))),
      null,
    ],
    ['frames to be skipped', Buffer.concat([skippable, zstdCompressSync(text), skippable, skippable]), null],
  ];
  it.each(whole)('are decompressed: %s', async (_, bytes, mediaType) => {
    for (const size of [1 << 20, 1000, 7]) {
      expect((await collect(decompress(inPieces(bytes, size), mediaType))).equals(text)).toBe(true);
    }
  });

  it('are nothing where there are none', async () => {
    expect(await collect(decompress(inPieces(Buffer.alloc(0)), null))).toHaveLength(0);
  });

  const gzip = gzipSync(text);
  const zstd = zstdCompressSync(text);
  const torn: readonly (readonly [string, Buffer, string | null, RegExp])[] = [
    ['gzip that ends too early', gzip.subarray(0, -5), null, /unexpected end/],
    ['a second member that ends too early', Buffer.concat([gzip, gzip.subarray(0, 20)]), null, /unexpected end/],
    [
      'gzip with something behind it',
      Buffer.concat([gzip, Buffer.from('more')]),
      null,
      /cannot be decompressed|behind its end/,
    ],
    ['gzip with empty bytes behind it', Buffer.concat([gzip, Buffer.alloc(100)]), null, /behind its end/],
    [
      'gzip that was damaged',
      Buffer.concat([gzip.subarray(0, 200), Buffer.from('damage'), gzip.subarray(206)]),
      null,
      /cannot be decompressed/,
    ],
    ['zstd that ends too early', zstd.subarray(0, -3), null, /unexpected end/],
    [
      'zstd with something behind it',
      Buffer.concat([zstd, Buffer.from('something')]),
      null,
      /cannot be decompressed|behind its end/,
    ],
    [
      'zstd with empty bytes behind it',
      Buffer.concat([zstd, Buffer.alloc(100)]),
      null,
      /cannot be decompressed|behind its end/,
    ],
    ['xz', Buffer.from('fd377a585a000000', 'hex'), null, /compressed by xz/],
    ['bzip2', Buffer.from('BZh91AY'), null, /compressed by bzip2/],
    [
      'what is said to be something else',
      zstd,
      'application/vnd.oci.image.layer.v1.tar+gzip',
      /said to be gzip, and is zstd/,
    ],
  ];
  it.each(torn)('are refused: %s', async (_, bytes, mediaType, words) => {
    for (const size of [1 << 20, 100]) {
      const said = await codeOf(collect(decompress(inPieces(bytes, size), mediaType, { name: 'x.gz' })));
      expect(said).toMatch(/^ARCHIVE_INVALID: x\.gz: /);
      expect(said).toMatch(words);
    }
  });

  it('are refused where they become too much, long before they are all there', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(260 << 20));
    const said = async (options: ReadOptions): Promise<string> =>
      codeOf(drain(decompress(inPieces(bomb), null, { name: 'bomb', ...options })));
    expect(await said({ maxBytes: 10 << 20 })).toMatch(/bomb: it has more than 10485760 bytes/);
    expect(await said({})).toMatch(/bomb: it becomes more than 250 times as large/);
    expect(await drain(decompress(inPieces(bomb), null, { maxRatio: 1e6 }))).toBe(260 << 20);
  }, 60_000);

  it('fail as their source does, and let go of it when nobody reads on', async () => {
    let isOpen = true;
    async function* source(end: Error | null): AsyncGenerator<Uint8Array> {
      try {
        for (let i = 0; i < 100; i++) yield gzip;
        if (end !== null) throw end;
      } finally {
        isOpen = false;
      }
    }
    await expect(drain(decompress(source(new Error('the disk is gone')), null))).rejects.toThrow('the disk is gone');
    isOpen = true;
    for await (const piece of decompress(source(null), null)) {
      expect(piece.byteLength).toBeGreaterThan(0);
      break;
    }
    expect(isOpen).toBe(false);
  });
});

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const piece of bytes) size += piece.byteLength;
  return size;
}

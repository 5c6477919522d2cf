/** A root file system from a tar of somebody's, as a layer. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { importTar, openImageFs } from '../src/index.ts';
import { codeOf, collect, sha256, signal, sourceOf, tarOf, temporaryCache, temporaryFolder } from './support/rig.ts';

const options = { compression: 'gzip', signal } as const;

function write(bytes: Buffer): { readonly path: string; readonly digest: ReturnType<typeof sha256> } {
  const path = join(temporaryFolder(), 'root.tar');
  writeFileSync(path, bytes);
  return { path, digest: sha256(bytes) };
}

const rootfs = async (): Promise<Buffer> =>
  tarOf([
    { name: './', type: 'directory' },
    { name: './dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
    { name: './etc/os-release', content: 'ID=debian' },
    { name: './bin', type: 'symlink', linkname: 'usr/bin' },
  ]);

describe('a tar as a layer', () => {
  it('keeps its bytes, plain or compressed', async () => {
    const tar = await rootfs();
    for (const bytes of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
      const cache = temporaryCache();
      const { path, digest } = write(bytes);
      const layer = await importTar(cache, path, digest, options);
      expect(layer.diffId).toBe(sha256(tar));
      expect(gunzipSync(await collect(cache.read(layer.digest))).equals(tar)).toBe(true);
      const fs = openImageFs(cache, [sourceOf(cache, layer)], signal);
      expect(Buffer.from((await fs.read('etc/os-release', 100))!).toString()).toBe('ID=debian');
      rmSync(path);
      expect(await importTar(cache, path, digest, options)).toEqual(layer);
    }
  });

  it('is refused when it is another file by now', async () => {
    const { path, digest } = write(await rootfs());
    writeFileSync(path, await tarOf([{ name: 'other' }]));
    expect(await codeOf(importTar(temporaryCache(), path, digest, options))).toMatch(/^INPUT_MOVED: .*root\.tar/);
    writeFileSync(path, 'torn, and another');
    expect(await codeOf(importTar(temporaryCache(), path, digest, options))).toMatch(/^INPUT_MOVED: /);
    rmSync(path);
    expect(await codeOf(importTar(temporaryCache(), path, digest, options))).toMatch(/^INPUT_MOVED: /);
  });

  const hostile: readonly (readonly [string, Parameters<typeof tarOf>[0], RegExp])[] = [
    ['a disk', [{ name: 'dev/sda', type: 'block-device', devmajor: 8, devminor: 0 }], /"dev\/sda": a device/],
    [
      'memory under a harmless name',
      [{ name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 1 }],
      /"dev\/null": a device/,
    ],
    ['a device elsewhere', [{ name: 'tmp/null', type: 'character-device', devmajor: 1, devminor: 3 }], /a device/],
    ['a pipe', [{ name: 'run/initctl', type: 'fifo' }], /a pipe/],
    ['a whiteout', [{ name: 'etc/.wh.passwd' }], /remove files/],
    ['a path out of it', [{ name: '../x' }], /path with \.\./],
  ];
  it.each(hostile)('is refused with %s', async (_, entries, words) => {
    const cache = temporaryCache();
    const { path, digest } = write(await tarOf(entries));
    const said = await codeOf(importTar(cache, path, digest, options));
    expect(said).toMatch(/^ARCHIVE_INVALID: root\.tar: /);
    expect(said).toMatch(words);
  });

  it('is refused when it is a bomb', async () => {
    const { path, digest } = write(gzipSync(await tarOf([{ name: 'a', content: 'x'.repeat(1 << 20) }])));
    const limits = { maxBytes: 100_000 };
    expect(await codeOf(importTar(temporaryCache(), path, digest, { ...options, limits }))).toMatch(
      /^ARCHIVE_INVALID: .*100000 bytes/,
    );
  });
});

// Blobs that a layout takes from files of this machine: as a second name, or as a copy.
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOfBytes } from '../src/index.ts';
import { tinyImage } from './fake-registry.ts';
import { failureOf, put, putImage, temporaryLayout } from './layout-tools.ts';

/** A file beside a layout. */
function source(dir: string, content: string): { path: string; digest: ReturnType<typeof digestOfBytes> } {
  const path = join(dir, '..', 'source');
  writeFileSync(path, content);
  return { path, digest: digestOfBytes(content) };
}

describe('link', () => {
  it('gives a file a second name, once', async () => {
    using made = temporaryLayout();
    const { path, digest } = source(made.dir, 'content');
    await made.layout.link({ digest, size: 7 }, path);
    const blob = join(made.dir, 'blobs/sha256', digest.slice(7));
    expect(statSync(blob).ino).toBe(statSync(path).ino);
    expect(await made.layout.has(digest)).toBe(7);
    rmSync(path);
    await made.layout.link({ digest, size: 7 }, path);
    expect(readFileSync(blob, 'utf8')).toBe('content');
    expect(readdirSync(join(made.dir, '.rebake/ingest'))).toEqual([]);
  });

  it('copies from another file system', async () => {
    using made = temporaryLayout();
    const elsewhere = mkdtempSync('/dev/shm/rebake-link-');
    try {
      expect(statSync(elsewhere).dev).not.toBe(statSync(join(made.dir, '..')).dev);
      const path = join(elsewhere, 'source');
      writeFileSync(path, 'content', { mode: 0o600 });
      const digest = digestOfBytes('content');
      await made.layout.link({ digest, size: 7 }, path);
      const blob = statSync(join(made.dir, 'blobs/sha256', digest.slice(7)));
      expect([blob.mode & 0o777, blob.nlink]).toEqual([0o644, 1]);
      expect(Buffer.from(await made.layout.readDocument(digest, 7)).toString()).toBe('content');
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('refuses what is not there, no file, or of another size, and leaves nothing', async () => {
    using made = temporaryLayout();
    const { path, digest } = source(made.dir, 'content');
    expect(await failureOf(made.layout.link({ digest, size: 8 }, path))).toMatch(/BLOB_MISMATCH: .*7 bytes where 8/);
    expect(await failureOf(made.layout.link({ digest }, `${path}.gone`))).toContain('BLOB_MISSING');
    expect(await failureOf(made.layout.link({ digest }, join(path, '..')))).toContain('BLOB_MISSING');
    symlinkSync(path, `${path}.link`);
    expect(await failureOf(made.layout.link({ digest }, `${path}.link`))).toContain('BLOB_MISSING');
    expect(await failureOf(made.layout.link({ digest: 'sha256:x' }, path))).toContain('REFERENCE_INVALID');
    expect(await made.layout.has(digest)).toBeNull();
    expect(readdirSync(join(made.dir, '.rebake/ingest'))).toEqual([]);
  });

  it('counts as just written, and is swept as others are', async () => {
    using made = temporaryLayout();
    const { path, digest } = source(made.dir, 'content');
    utimesSync(path, 1, 1);
    await made.layout.link({ digest }, path);
    const gentle = { olderThanMs: 3_600_000 };
    expect(await made.layout.sweep(gentle)).toEqual({ blobs: 0, temporaries: 0, bytes: 0 });
    const other = await put(made.layout, 'written');
    // Another name holds the bytes of the one still.
    const both = { blobs: 2, temporaries: 0, bytes: 7 };
    expect(await made.layout.sweep({ olderThanMs: 0, dryRun: true })).toEqual(both);
    expect(await made.layout.has(other)).toBe(7);
    expect(await made.layout.sweep({ olderThanMs: 0 })).toEqual(both);
    expect(await made.layout.has(digest)).toBeNull();
    expect(readFileSync(path, 'utf8')).toBe('content');
  });

  it('of names that go is swept with them', async () => {
    using made = temporaryLayout();
    const image = tinyImage();
    for (const name of ['one', 'other']) await made.layout.name(name, await putImage(made.layout, image));
    const none = { blobs: 0, temporaries: 0, bytes: 0 };
    expect(await made.layout.sweep({ olderThanMs: 0, unname: ['one'], dryRun: true })).toEqual(none);
    const both = { olderThanMs: 0, unname: ['one', 'other', 'another'] };
    const all = await made.layout.sweep({ ...both, dryRun: true });
    expect(all.blobs).toBe(image.blobs.size + 1);
    expect([...(await made.layout.names()).keys()]).toEqual(['one', 'other']);
    expect(await made.layout.sweep(both)).toEqual(all);
    expect([...(await made.layout.names()).keys()]).toEqual([]);
  });

  it('may be asked for by several at once', async () => {
    using made = temporaryLayout();
    const { path, digest } = source(made.dir, 'content');
    await Promise.all(Array.from({ length: 8 }, async () => made.layout.link({ digest }, path)));
    expect(statSync(path).nlink).toBe(2);
  });
});

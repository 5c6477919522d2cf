// Blobs of a layout: written whole or not at all, read in parts, and never anything outside of it.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { digestOfBytes, openLayout, type Digest } from '../src/index.ts';
import { failureOf, pieces, put, temporaryLayout, textOf } from './layout-tools.ts';

const none = digestOfBytes('none');
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const pathOf = (dir: string, digest: Digest): string => join(dir, 'blobs/sha256', digest.slice(7));
const temporaries = (dir: string): string[] => readdirSync(join(dir, '.rebake/ingest'));

describe('a layout', () => {
  it('is made by the first write, as the image spec has it, readable by all', async () => {
    using made = temporaryLayout();
    const before = process.umask(0o077);
    try {
      const digest = await put(made.layout, 'content');
      expect(readFileSync(pathOf(made.dir, digest), 'utf8')).toBe('content');
      expect(JSON.parse(readFileSync(join(made.dir, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
      expect(JSON.parse(readFileSync(join(made.dir, 'index.json'), 'utf8'))).toEqual({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [],
      });
      for (const file of ['oci-layout', 'index.json', `blobs/sha256/${digest.slice(7)}`])
        expect(mode(join(made.dir, file))).toBe('644');
      for (const folder of ['.', 'blobs', 'blobs/sha256']) expect(mode(join(made.dir, folder))).toBe('755');
    } finally {
      process.umask(before);
    }
  });

  it('that is only looked at is not made', async () => {
    using made = temporaryLayout();
    const { layout } = made;
    expect(await layout.has(none)).toBeNull();
    expect(await layout.resolve('x')).toBeNull();
    expect(await layout.image('x')).toBeNull();
    expect(await layout.image(none)).toBeNull();
    expect(await layout.unname('x')).toBe(false);
    expect([...(await layout.names())]).toEqual([]);
    expect(await layout.sweep({ olderThanMs: 0 })).toEqual({ blobs: 0, temporaries: 0, bytes: 0 });
    expect(await failureOf(textOf(layout.read(none)))).toMatch(/^BLOB_MISSING: /);
    expect(await failureOf(layout.readDocument(none, 10))).toMatch(/^BLOB_MISSING: /);
    expect(existsSync(made.dir)).toBe(false);
  });

  it('has an identity of its own that everybody agrees on', async () => {
    using made = temporaryLayout();
    using other = temporaryLayout();
    const ids = await Promise.all(
      [made.layout, openLayout(made.dir), openLayout(made.dir)].map(async (one) => one.id()),
    );
    expect(new Set(ids).size).toBe(1);
    expect(await openLayout(made.dir).id()).toBe(ids[0]);
    expect(await other.layout.id()).not.toBe(ids[0]);
  });

  it('is not made of a directory that is something else', async () => {
    using made = temporaryLayout();
    mkdirSync(made.dir);
    writeFileSync(join(made.dir, 'letter.txt'), 'dear');
    expect(await failureOf(put(made.layout, 'x'))).toMatch(/^LAYOUT_INVALID: .*letter\.txt/);
    expect(await failureOf(made.layout.has(none))).toMatch(/^LAYOUT_INVALID: /);
    rmSync(join(made.dir, 'letter.txt'));
    symlinkSync('nowhere', join(made.dir, 'oci-layout'));
    expect(await failureOf(made.layout.has(none))).toMatch(/^LAYOUT_INVALID: .*"oci-layout"/);
    rmSync(join(made.dir, 'oci-layout'));
    expect(await put(made.layout, 'x')).toBe(digestOfBytes('x'));
  });

  it.each([
    ['{"imageLayoutVersion":"2.0.0"}', /version 2\.0\.0/],
    ['{}', /oci-layout is not a text/],
    ['not json', /not JSON/],
  ])('of %s is refused', async (content, words) => {
    using made = temporaryLayout();
    mkdirSync(made.dir);
    writeFileSync(join(made.dir, 'oci-layout'), content);
    expect(await failureOf(made.layout.has(none))).toMatch(/^LAYOUT_INVALID: /);
    expect(await failureOf(put(made.layout, 'x'))).toMatch(words);
  });

  it('that was killed while it was made is finished by the next', async () => {
    using made = temporaryLayout();
    mkdirSync(join(made.dir, '.rebake/ingest'), { recursive: true });
    writeFileSync(join(made.dir, '.rebake/ingest/half'), '{');
    await put(made.layout, 'x');
    expect(await openLayout(made.dir).has(digestOfBytes('x'))).toBe(1);
  });

  it('is looked at while it is made', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 15; round++) {
      using made = temporaryLayout();
      let isMade = false;
      const making = put(made.layout, 'content').finally(() => (isMade = true));
      const lookers = Array.from({ length: 4 }, async () => {
        while (!isMade) await openLayout(made.dir).has(none);
      });
      await Promise.all([making, ...lookers]);
    }
  });

  it('says who cannot be waited for', async () => {
    using made = temporaryLayout();
    await put(made.layout, 'x');
    const lock = new DatabaseSync(join(made.dir, '.rebake/lock'));
    lock.exec('BEGIN EXCLUSIVE');
    const impatient = openLayout(made.dir, { patienceMs: 0 });
    expect(await failureOf(put(impatient, 'y'))).toMatch(/^LAYOUT_BUSY: .*\.rebake\/lock/);
    lock.close();
    expect(await put(impatient, 'y')).toBe(digestOfBytes('y'));
    expect(temporaries(made.dir)).toEqual([]);
  });
});

describe('a blob', () => {
  it('is read whole and in parts', async () => {
    using made = temporaryLayout();
    const digest = await put(made.layout, '0123456789');
    const read = async (offset?: number, length?: number): Promise<string> =>
      textOf(
        made.layout.read(digest, {
          ...(offset === undefined ? {} : { offset }),
          ...(length === undefined ? {} : { length }),
        }),
      );
    expect(await made.layout.has(digest)).toBe(10);
    expect(await textOf(made.layout.read(digest))).toBe('0123456789');
    expect([await read(3), await read(3, 4), await read(0, 0), await read(8, 9), await read(99)]).toEqual([
      '3456789',
      '3456',
      '',
      '89',
      '',
    ]);
    await expect(read(-1)).rejects.toThrow(RangeError);
    const large = 'x'.repeat(600 << 10);
    const other = await put(made.layout, large);
    expect((await textOf(made.layout.read(other, { offset: 5 }))).length).toBe(large.length - 5);
  });

  it('is read on while it is swept', async () => {
    using made = temporaryLayout();
    const large = 'x'.repeat(600 << 10);
    const reading = made.layout.read(await put(made.layout, large))[Symbol.asyncIterator]();
    const first = await reading.next();
    expect(await made.layout.sweep({ olderThanMs: 0 })).toMatchObject({ blobs: 1 });
    let size = (first.value as Uint8Array).byteLength;
    for (let next = await reading.next(); next.done !== true; next = await reading.next())
      size += next.value.byteLength;
    expect(size).toBe(large.length);
  });

  it('that is there is not written again, nor are its bytes asked for', async () => {
    using made = temporaryLayout();
    const digest = await put(made.layout, 'content');
    const never = {
      [Symbol.asyncIterator]: (): AsyncIterator<Uint8Array> => {
        throw new Error('asked for');
      },
    };
    await made.layout.write({ digest, size: 7 }, never);
    await made.layout.write({ digest }, never);
  });

  it.each([
    ['other bytes', 'CONTENT', /BLOB_MISMATCH: .*the content is that of/],
    ['fewer bytes', 'conten', /BLOB_MISMATCH: .*6 bytes where 7 were expected/],
    ['more bytes', 'content and more than that', /BLOB_MISMATCH: .*where 7 were expected/],
  ])('is not stored with %s', async (_, content, words) => {
    using made = temporaryLayout();
    const digest = digestOfBytes('content');
    expect(await failureOf(made.layout.write({ digest, size: 7 }, pieces(content)))).toMatch(words);
    expect(await made.layout.has(digest)).toBeNull();
    expect(temporaries(made.dir)).toEqual([]);
  });

  it('is not stored when its bytes end with an error, which is passed on', async () => {
    using made = temporaryLayout();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('cont');
      throw new Error('the line broke');
    }
    await expect(made.layout.write({ digest: digestOfBytes('content') }, broken())).rejects.toThrow('the line broke');
    expect(readdirSync(join(made.dir, 'blobs/sha256'))).toEqual([]);
    expect(temporaries(made.dir)).toEqual([]);
  });

  it('of another size than it has to be is written anew', async () => {
    using made = temporaryLayout();
    const digest = await put(made.layout, 'content');
    writeFileSync(pathOf(made.dir, digest), 'con');
    await made.layout.write({ digest, size: 7 }, pieces('content'));
    expect(await textOf(made.layout.read(digest))).toBe('content');
  });

  it('can be empty', async () => {
    using made = temporaryLayout();
    const digest = await put(made.layout, '');
    expect(await made.layout.has(digest)).toBe(0);
    expect(await textOf(made.layout.read(digest))).toBe('');
  });

  it('is a document when it is small and right', async () => {
    using made = temporaryLayout();
    const digest = await put(made.layout, 'content');
    expect(Buffer.from(await made.layout.readDocument(digest, 7)).toString()).toBe('content');
    expect(await failureOf(made.layout.readDocument(digest, 6))).toMatch(/^LAYOUT_INVALID: .*more than 6 bytes/);
    writeFileSync(pathOf(made.dir, digest), 'CONTENT');
    expect(await failureOf(made.layout.readDocument(digest, 7))).toMatch(/^BLOB_MISMATCH: /);
  });

  it.each([
    '',
    'x',
    '../../etc/passwd',
    `sha256:${'../'.repeat(20)}etc`,
    `sha256:${'A'.repeat(64)}`,
    `sha512:${'a'.repeat(64)}`,
  ])('is not looked for under %j', async (text) => {
    using made = temporaryLayout();
    await put(made.layout, 'x');
    const digest = text as Digest;
    const { layout } = made;
    for (const call of [
      () => layout.has(digest),
      () => textOf(layout.read(digest)),
      () => layout.readDocument(digest, 10),
      () => layout.write({ digest }, pieces('x')),
    ]) {
      expect(await failureOf(call())).toMatch(/^REFERENCE_INVALID: /);
    }
  });

  it('is never behind a symbolic link', async () => {
    using made = temporaryLayout();
    const digest = digestOfBytes('secret');
    await put(made.layout, 'x');
    const outside = join(made.dir, '..', 'secret');
    writeFileSync(outside, 'secret');
    symlinkSync(outside, pathOf(made.dir, digest));
    expect(await made.layout.has(digest)).toBeNull();
    expect(await failureOf(textOf(made.layout.read(digest)))).toMatch(/^BLOB_MISSING: /);
    await made.layout.write({ digest }, pieces('secret'));
    expect(statSync(pathOf(made.dir, digest)).ino).not.toBe(statSync(outside).ino);
    expect(await made.layout.has(digest)).toBe(6);
  });

  it.each(['blobs', 'blobs/sha256', '.rebake', '.rebake/ingest'])(
    'is not written where a symbolic link %s leads',
    async (folder) => {
      using made = temporaryLayout();
      await put(made.layout, 'x');
      const outside = join(made.dir, '..', 'outside');
      renameSync(join(made.dir, folder), outside);
      symlinkSync(outside, join(made.dir, folder));
      const layout = openLayout(made.dir);
      expect(await failureOf(layout.has(none))).toMatch(/^LAYOUT_INVALID: .*is not a directory/);
      expect(await failureOf(put(layout, 'y'))).toMatch(/^LAYOUT_INVALID: /);
    },
  );
});

describe('a write by its ref', () => {
  it('goes on where it was, and is a blob when it ends', async () => {
    using made = temporaryLayout();
    const { layout } = made;
    const first = await layout.beginWrite('layer');
    await first.append(Buffer.from('con'));
    expect(first.offset).toBe(3);
    expect(first.digest()).toBe(digestOfBytes('con'));
    await first.close();
    const second = await layout.beginWrite('layer');
    expect(second.offset).toBe(3);
    await second.append(Buffer.from('tent'));
    expect(layout.writes()).toMatchObject([{ ref: 'layer', offset: 7, isOpen: true }]);
    const written = await second.commit({ digest: digestOfBytes('content'), size: 7 });
    expect(written).toEqual({ digest: digestOfBytes('content'), size: 7 });
    expect(await textOf(layout.read(written.digest))).toBe('content');
    expect(layout.writes()).toEqual([]);
    expect(temporaries(made.dir)).toEqual([]);
  });

  it('needs no expectation', async () => {
    using made = temporaryLayout();
    const writer = await made.layout.beginWrite('x');
    await writer.append(Buffer.from('whatever'));
    expect(await writer.commit()).toEqual({ digest: digestOfBytes('whatever'), size: 8 });
  });

  it('has one writer at a time', async () => {
    using made = temporaryLayout();
    const first = await made.layout.beginWrite('layer');
    expect(await failureOf(made.layout.beginWrite('layer'))).toMatch(/^BLOB_BUSY: "layer" is being written/);
    await first.close();
    const second = await made.layout.beginWrite('layer');
    await first.close();
    await first.abort();
    expect(await failureOf(first.append(Buffer.from('x')))).toMatch(/^BLOB_BUSY: /);
    await second.append(Buffer.from('y'));
    expect(await second.commit()).toMatchObject({ digest: digestOfBytes('y') });
    // Another process, or another opening, has refs of its own.
    const here = await made.layout.beginWrite('other');
    const elsewhere = await openLayout(made.dir).beginWrite('other');
    await here.abort();
    await elsewhere.abort();
  });

  it('keeps the order of what is appended without waiting', async () => {
    using made = temporaryLayout();
    const writer = await made.layout.beginWrite('x');
    const text = '0123456789'.repeat(100);
    const appended = text.split('').map(async (letter) => writer.append(Buffer.from(letter)));
    const committed = writer.commit({ digest: digestOfBytes(text) });
    await Promise.all(appended);
    expect(await textOf(made.layout.read((await committed).digest))).toBe(text);
  });

  it('can begin again, be aborted by whoever has it and by its ref', async () => {
    using made = temporaryLayout();
    const { layout } = made;
    const writer = await layout.beginWrite('x');
    await writer.append(Buffer.from('wrong and long'));
    await writer.restart();
    expect(writer.offset).toBe(0);
    await writer.append(Buffer.from('right'));
    expect(await writer.commit({ digest: digestOfBytes('right') })).toMatchObject({ size: 5 });
    await writer.abort();
    expect(await layout.has(digestOfBytes('right'))).toBe(5);

    const aborted = await layout.beginWrite('y');
    await aborted.append(Buffer.from('x'));
    await aborted.abort();
    expect(await layout.abortWrite('y')).toBe(false);

    const open = await layout.beginWrite('z');
    expect(await layout.abortWrite('z')).toBe(true);
    expect(await failureOf(open.append(Buffer.from('x')))).toMatch(/^BLOB_BUSY: /);
    const paused = await layout.beginWrite('z');
    await paused.append(Buffer.from('x'));
    await paused.close();
    expect(await layout.abortWrite('z')).toBe(true);
    expect(layout.writes()).toEqual([]);
    expect(temporaries(made.dir)).toEqual([]);
  });

  it('that is not what was expected ends, and leaves nothing', async () => {
    using made = temporaryLayout();
    const writer = await made.layout.beginWrite('x');
    await writer.append(Buffer.from('x'));
    expect(await failureOf(writer.commit({ digest: none }))).toMatch(/^BLOB_MISMATCH: /);
    expect(made.layout.writes()).toEqual([]);
    expect(temporaries(made.dir)).toEqual([]);
    const again = await made.layout.beginWrite('x');
    expect(again.offset).toBe(0);
    await again.abort();
  });

  it('that was swept while it was written says so', async () => {
    using made = temporaryLayout();
    const writer = await made.layout.beginWrite('x');
    await writer.append(Buffer.from('x'));
    await made.layout.sweep({ olderThanMs: 0 });
    expect(await failureOf(writer.commit())).toMatch(/^BLOB_BUSY: x: a sweep took it/);
  });

  it('that was swept while nobody had it begins again', async () => {
    using made = temporaryLayout();
    const writer = await made.layout.beginWrite('x');
    await writer.append(Buffer.from('x'));
    await writer.close();
    expect(await made.layout.sweep({ olderThanMs: 0 })).toEqual({ blobs: 0, temporaries: 1, bytes: 1 });
    const again = await made.layout.beginWrite('x');
    expect(again.offset).toBe(0);
    await again.append(Buffer.from('y'));
    expect(await again.commit()).toMatchObject({ digest: digestOfBytes('y') });
  });
});

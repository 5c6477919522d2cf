// One process and its cache: blobs, facts, what is made once, what is believed after a power cut, whose folder it may be.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheDir, openCache, type Cache } from '../src/index.ts';
import { blobFiles, digestOf, failureOf, never, pieces, put, temporaryDir, textOf } from './tools.ts';

async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('a part');
  throw Object.assign(new Error('reset by the other side'), { code: 'ECONNRESET', syscall: 'read' });
}

async function* nobody(): AsyncGenerator<Uint8Array> {
  yield await Promise.reject<Uint8Array>(new Error('nobody should read this'));
}

describe('the place of the cache', () => {
  it.each([
    [{ REBAKE_CACHE_DIR: '/own', XDG_CACHE_HOME: '/xdg', HOME: '/home/me' }, '/own'],
    [{ XDG_CACHE_HOME: '/xdg', HOME: '/home/me' }, '/xdg/rebake'],
    [{ XDG_CACHE_HOME: 'relative', HOME: '/home/me' }, '/home/me/.cache/rebake'],
    [{ REBAKE_CACHE_DIR: '', HOME: '/home/me' }, '/home/me/.cache/rebake'],
  ])('%j', (env, dir) => {
    expect(cacheDir(env)).toBe(dir);
  });
});

describe('blobs', () => {
  it('are there whole, for this process and the next', async () => {
    using folder = temporaryDir();
    await using first = disposable(openCache(folder.dir));
    const digest = await put(first, 'content');
    await using second = disposable(openCache(folder.dir));
    for (const cache of [first, second]) {
      expect(await cache.has(digest)).toBe(7);
      expect(await textOf(cache.read(digest))).toBe('content');
      expect(await textOf(cache.read(digest, { offset: 2, length: 3 }))).toBe('nte');
      expect(await textOf(cache.read(digest, { offset: 100 }))).toBe('');
      expect(readFileSync(cache.path(digest), 'utf8')).toBe('content');
    }
    await second.write({ digest, size: 7 }, nobody());
    expect(await second.has(digestOf('else'))).toBeNull();
    expect(await failureOf(textOf(second.read(digestOf('else'))))).toContain('BLOB_MISSING');
  });

  it('come in pieces of any size', async () => {
    using folder = temporaryDir();
    await using cache = disposable(openCache(folder.dir));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 600_000 }), { maxLength: 5 }), async (sizes) => {
        const writer = await cache.begin();
        const reused = Buffer.alloc(600_000);
        const parts = sizes.map((size, i) => Buffer.alloc(size, i + 1));
        for (const part of parts) {
          part.copy(reused);
          await writer.append(reused.subarray(0, part.byteLength));
        }
        const whole = Buffer.concat(parts);
        expect(await writer.commit()).toEqual({ digest: digestOf(whole), size: whole.byteLength });
        expect(readFileSync(cache.path(digestOf(whole))).equals(whole)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('that are not what was expected are not kept, and leave nothing', async () => {
    using folder = temporaryDir();
    await using cache = disposable(openCache(folder.dir));
    const digest = digestOf('content');
    expect(await failureOf(cache.write({ digest }, pieces('else')))).toContain('BLOB_MISMATCH');
    expect(await failureOf(cache.write({ digest, size: 3 }, pieces('content', 2)))).toContain('BLOB_MISMATCH');
    await expect(cache.write({ digest }, failing())).rejects.toMatchObject({ code: 'ECONNRESET' });
    const writer = await cache.begin();
    await writer.append(Buffer.from('content'));
    await writer.abort();
    await writer.abort();
    expect(blobFiles(folder.dir)).toEqual([]);
    const [run = ''] = readdirSync(join(folder.dir, 'runs'));
    expect(readdirSync(join(folder.dir, 'runs', run))).toEqual(['lock']);
    expect(await failureOf(cache.has('sha256:../../x'))).toContain('REFERENCE_INVALID');
  });

  it('are there once when several write the same', async () => {
    using folder = temporaryDir();
    await using one = disposable(openCache(folder.dir));
    await using other = disposable(openCache(folder.dir));
    await Promise.all([one, other, one, other].map(async (cache) => put(cache, 'content')));
    expect(blobFiles(folder.dir)).toEqual([digestOf('content')]);
  });

  it('that somebody cut or took away are missing, with what was derived from them', async () => {
    using folder = temporaryDir();
    const first = openCache(folder.dir);
    const [cut, gone, link] = [await put(first, 'cut'), await put(first, 'gone'), await put(first, 'link')];
    for (const [key, blob] of Object.entries({ cut, gone, link }))
      await first.keep('k', key, { value: 1, blobs: [blob] });
    truncateSync(first.path(cut), 1);
    rmSync(first.path(gone));
    rmSync(first.path(link));
    symlinkSync('/etc/passwd', first.path(link));
    await first.close();
    await using second = disposable(openCache(folder.dir));
    for (const key of ['cut', 'gone', 'link']) expect(await second.recall('k', key)).toBeNull();
    for (const digest of [cut, gone, link]) expect(await second.has(digest)).toBeNull();
    await put(second, 'cut');
    expect(await textOf(second.read(cut))).toBe('cut');
  });
});

describe('after a power cut', () => {
  it('a blob of before is read back once, and what is torn is gone with its facts', async () => {
    using folder = temporaryDir();
    const before = openCache(folder.dir, { boot: 'one' });
    const [good, torn] = [await put(before, 'good'), await put(before, 'torn')];
    await before.keep('k', 'good', { value: 1, blobs: [good] });
    await before.keep('k', 'both', { value: 2, blobs: [good, torn] });
    writeFileSync(before.path(torn), '\0\0\0\0');
    await before.close();
    const after = openCache(folder.dir, { boot: 'two' });
    expect(await after.recall('k', 'good')).toBe(1);
    expect(await after.recall('k', 'both')).toBeNull();
    expect(await after.has(torn)).toBeNull();
    expect(existsSync(after.path(torn))).toBe(false);
    // What was read back once is on the disk: nobody reads it again.
    writeFileSync(after.path(good), 'good'.toUpperCase());
    await after.close();
    await using third = disposable(openCache(folder.dir, { boot: 'three' }));
    expect(await third.has(good)).toBe(4);
  });

  it('a file that nobody noted is believed when it is whole', async () => {
    using folder = temporaryDir();
    await using cache = disposable(openCache(folder.dir));
    await put(cache, 'first');
    for (const [content, digest] of [
      ['whole', digestOf('whole')],
      ['torn', digestOf('not this')],
    ] as const) {
      mkdirSync(dirname(cache.path(digest)), { recursive: true });
      writeFileSync(cache.path(digest), content);
    }
    expect(await Promise.all([cache.has(digestOf('whole')), cache.has(digestOf('whole'))])).toEqual([5, 5]);
    expect(await cache.has(digestOf('not this'))).toBeNull();
  });
});

describe('facts', () => {
  it('are kept as they are, by kind and key, and replaced', async () => {
    using folder = temporaryDir();
    await using cache = disposable(openCache(folder.dir));
    const value = { list: [1, 'two', null], ü: true };
    await cache.keep('a', 'key', { value, blobs: [] });
    await cache.keep('b', 'key', { value: 'other', blobs: [] });
    expect(await cache.recall('a', 'key')).toEqual(value);
    await cache.keep('a', 'key', { value: 'new', blobs: [] });
    await using again = disposable(openCache(folder.dir));
    expect(await Promise.all([again.recall('a', 'key'), again.recall('b', 'key'), again.recall('c', 'key')])).toEqual([
      'new',
      'other',
      null,
    ]);
  });

  it('are not kept without their blobs', async () => {
    using folder = temporaryDir();
    await using cache = disposable(openCache(folder.dir));
    const blobs = [await put(cache, 'there'), digestOf('missing')];
    expect(await failureOf(cache.keep('k', 'key', { value: 1, blobs }))).toContain('BLOB_MISSING');
    expect(await cache.recall('k', 'key')).toBeNull();
  });
});

describe('what is made once', () => {
  it('is made for all who ask at once, and then recalled', async () => {
    using folder = temporaryDir();
    await using cache = disposable(openCache(folder.dir));
    let made = 0;
    const make = async () => ({ value: ++made, blobs: [await put(cache, 'made')] });
    const asked = Array.from({ length: 5 }, async () => cache.once('k', 'key', make, never));
    expect(await Promise.all(asked)).toEqual([1, 1, 1, 1, 1]);
    expect(await cache.once('k', 'key', make, never)).toBe(1);
    await using again = disposable(openCache(folder.dir));
    expect(await again.once('k', 'key', make, never)).toBe(1);
  });

  it('goes on while anybody waits, ends when nobody does, and can then be asked for anew', async () => {
    using folder = temporaryDir();
    await using cache = disposable(openCache(folder.dir));
    const [one, two] = [new AbortController(), new AbortController()];
    let begun = 0;
    const signals: AbortSignal[] = [];
    const make = async (signal: AbortSignal): Promise<{ value: number; blobs: [] }> => {
      signals.push(signal);
      if (++begun === 2) return { value: 2, blobs: [] };
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        one.abort(new Error('one went'));
      });
    };
    const asked = [one, two].map(async ({ signal }) => cache.once('k', 'key', make, signal));
    await expect(asked[0]).rejects.toThrow('one went');
    expect(signals[0]?.aborted).toBe(false);
    two.abort(new Error('two went'));
    await expect(asked[1]).rejects.toThrow('two went');
    expect(signals[0]?.aborted).toBe(true);
    expect(await cache.once('k', 'key', make, never)).toBe(2);
    await expect(cache.once('k', 'key', make, one.signal)).rejects.toThrow('one went');
  });

  it('is not kept when it fails', async () => {
    using folder = temporaryDir();
    await using cache = disposable(openCache(folder.dir));
    let tries = 0;
    const make = async () => {
      if (++tries === 1) throw new Error('not this time');
      return { value: tries, blobs: [] };
    };
    await expect(cache.once('k', 'key', make, never)).rejects.toThrow('not this time');
    expect(await cache.once('k', 'key', make, never)).toBe(2);
  });
});

describe('the folder', () => {
  it('is for its owner alone, and made when first used', async () => {
    using folder = temporaryDir();
    const cache = openCache(folder.dir);
    expect(existsSync(folder.dir)).toBe(false);
    await cache.close();
    expect(existsSync(folder.dir)).toBe(false);
    mkdirSync(folder.dir, { mode: 0o777 });
    chmodSync(folder.dir, 0o777);
    await using used = disposable(openCache(folder.dir));
    const digest = await put(used, 'content');
    const modes = [folder.dir, join(folder.dir, 'blobs'), dirname(used.path(digest))].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o700, 0o700]);
    const files = [used.path(digest), join(folder.dir, 'cache.db')].map((path) => statSync(path).mode & 0o777);
    expect(files).toEqual([0o600, 0o600]);
    expect(readFileSync(join(folder.dir, 'CACHEDIR.TAG'), 'utf8')).toContain(
      'Signature: 8a477f597d28d172789f06886806bc55\n',
    );
  });

  it('of something else is refused and left as it is', async () => {
    using folder = temporaryDir();
    mkdirSync(folder.dir, { mode: 0o755 });
    writeFileSync(join(folder.dir, 'thesis.txt'), '');
    expect(await failureOf(put(openCache(folder.dir), 'x'))).toMatch(/^CACHE_UNUSABLE: .*"thesis.txt"/);
    expect(await failureOf(put(openCache(join(folder.dir, 'thesis.txt')), 'x'))).toContain('is not a folder');
    expect(readdirSync(folder.dir)).toEqual(['thesis.txt']);
    expect(statSync(folder.dir).mode & 0o777).toBe(0o755);
  });

  it('of somebody else is refused', async () => {
    using folder = temporaryDir();
    // Whoever may give a folder away does; for everybody else the root folder is somebody else's.
    const isRoot = process.getuid?.() === 0;
    mkdirSync(folder.dir);
    if (isRoot) chownSync(folder.dir, 4242, 4242);
    const words = await failureOf(openCache(isRoot ? folder.dir : '/').has(digestOf('x')));
    expect(words).toContain(`belongs to user ${isRoot ? 4242 : 0}, and this is user ${process.getuid?.()}`);
  });

  it('with a database of a later version is left alone', async () => {
    using folder = temporaryDir();
    const cache = openCache(folder.dir);
    await put(cache, 'x');
    await cache.close();
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(join(folder.dir, 'cache.db'));
    db.exec('PRAGMA user_version = 9');
    db.close();
    expect(await failureOf(openCache(folder.dir).has(digestOf('x')))).toContain('is of version 9');
  });

  it('gives scratch folders that end with the process that asked', async () => {
    using folder = temporaryDir();
    const cache = openCache(folder.dir);
    const [one, two] = [await cache.scratch(), await cache.scratch()];
    writeFileSync(join(one, 'x'), 'x');
    expect(one).not.toBe(two);
    await cache.close();
    expect(existsSync(one)).toBe(false);
  });

  it('says in numbers when the disk has too little room', async () => {
    using folder = temporaryDir();
    await using cache = disposable(openCache(folder.dir));
    await cache.room(1000);
    expect(await failureOf(cache.room(4e15))).toMatch(/^CACHE_FULL: .*: 4000 TB are needed, and its disk has .* free/);
  });
});

function disposable(cache: Cache): Cache & AsyncDisposable {
  return Object.assign(cache, { [Symbol.asyncDispose]: async () => cache.close() });
}

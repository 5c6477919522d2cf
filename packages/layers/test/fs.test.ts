/** The file system that layers make, as an engine would show it. */
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Cache } from '@rebake/cache';
import { importTar, openImageFs, writeLayer, type ImageFs, type LayerSource, type TreeEntry } from '../src/index.ts';
import {
  codeOf,
  file,
  folder,
  foreignLayer,
  hardlink,
  sha256,
  signal,
  sourceOf,
  symlink,
  tarOf,
  temporaryCache,
  temporaryFolder,
} from './support/rig.ts';

async function fsOf(...layers: readonly (readonly TreeEntry[])[]): Promise<ImageFs> {
  const cache = temporaryCache();
  const sources: LayerSource[] = [];
  for (const entries of layers) {
    sources.push(sourceOf(cache, await writeLayer(cache, entries, { compression: 'zstd', signal })));
  }
  return openImageFs(cache, sources, signal);
}

async function textOf(fs: ImageFs, path: string): Promise<string | null> {
  const bytes = await fs.read(path, 1 << 20);
  return bytes === null ? null : Buffer.from(bytes).toString();
}

const base = [
  folder('etc'),
  file('etc/passwd', 'root:x:0:0'),
  folder('usr', 0o711),
  folder('usr/bin'),
  file('usr/bin/python3.11', '#!python', 0o755),
  symlink('usr/bin/python3', 'python3.11'),
  symlink('bin', 'usr/bin'),
];

describe('one layer', () => {
  it('shows what is in it, links in folders followed', async () => {
    const fs = await fsOf(base);
    const python = { path: 'usr/bin/python3.11', type: 'file', mode: 0o755, uid: 0, gid: 0, size: 8 };
    expect(await fs.stat('usr/bin/python3.11')).toEqual(python);
    expect(await fs.stat('bin/python3')).toEqual(python);
    expect(await fs.stat('bin/python3', { follow: false })).toEqual({
      path: 'usr/bin/python3',
      type: 'symlink',
      mode: 0o777,
      uid: 0,
      gid: 0,
      size: 0,
      target: 'python3.11',
    });
    expect(await fs.stat('usr')).toMatchObject({ type: 'directory', mode: 0o711 });
    expect(await fs.stat('')).toMatchObject({ path: '', type: 'directory' });
    expect(await fs.stat('etc/passwd/more')).toBeNull();
    expect(await fs.stat('nothing/at/all')).toBeNull();
    expect(await textOf(fs, 'bin/../etc/passwd')).toBe(null);
    expect(await textOf(fs, 'etc/../etc/./passwd')).toBe('root:x:0:0');
    expect(await textOf(fs, 'usr')).toBeNull();
    expect(await fs.list('')).toEqual(['bin', 'etc', 'usr']);
    expect(await fs.list('bin')).toEqual(['python3', 'python3.11']);
    expect(await fs.list('etc/passwd')).toEqual([]);
  });

  it('ends where links lead in circles, or out of it', async () => {
    const fs = await fsOf([
      symlink('a', 'b'),
      symlink('b', 'a'),
      symlink('self', 'self/x'),
      symlink('out', '../../../../etc/passwd'),
      symlink('abs', '/etc/passwd'),
      folder('etc'),
      file('etc/passwd', 'in the image'),
      symlink('dangling', 'nowhere'),
      ...Array.from({ length: 50 }, (_, i) => symlink(`l${i}`, `l${i + 1}`)),
      file('l50', 'far'),
    ]);
    expect(await fs.stat('a')).toBeNull();
    expect(await fs.stat('a', { follow: false })).toMatchObject({ type: 'symlink', target: 'b' });
    expect(await fs.stat('self')).toBeNull();
    expect(await fs.stat('dangling')).toBeNull();
    expect(await textOf(fs, 'out')).toBe('in the image');
    expect(await textOf(fs, 'abs')).toBe('in the image');
    expect(await fs.stat('l0')).toBeNull();
    expect(await textOf(fs, 'l15')).toBe('far');
  });

  it('refuses to read more than it may', async () => {
    const fs = await fsOf([file('big', 'x'.repeat(1000))]);
    expect(await codeOf(fs.read('big', 999))).toBe('IMAGE_INVALID: "big" in the image has 1000 bytes, more than 999');
    expect(await fs.read('big', 1000)).toHaveLength(1000);
  });

  it('gives the same content under both names of a hard link', async () => {
    const fs = await fsOf([file('a', 'content', 0o755), hardlink('b', 'a')]);
    expect(await textOf(fs, 'b')).toBe('content');
    expect(await fs.stat('b')).toMatchObject({ type: 'file', mode: 0o755, size: 7 });
  });
});

describe('several layers', () => {
  it('show the topmost file, and folders of all', async () => {
    const fs = await fsOf(base, [folder('etc', 0o700), file('etc/passwd', 'new'), file('etc/group', 'g')]);
    expect(await textOf(fs, 'etc/passwd')).toBe('new');
    expect(await fs.stat('etc')).toMatchObject({ mode: 0o700 });
    expect(await fs.list('etc')).toEqual(['group', 'passwd']);
    expect(await textOf(fs, 'usr/bin/python3')).toBe('#!python');
  });

  it('hide what a whiteout takes away, and show what comes again', async () => {
    const layers = [base, [folder('etc'), file('etc/.wh.passwd'), file('usr/.wh.bin')], [file('etc/passwd', 'again')]];
    const two = await fsOf(...layers.slice(0, 2));
    expect(await two.stat('etc/passwd')).toBeNull();
    expect(await two.list('etc')).toEqual([]);
    expect(await two.stat('usr/bin/python3.11')).toBeNull();
    expect(await two.stat('bin')).toBeNull();
    expect(await two.stat('etc/.wh.passwd')).toBeNull();
    const three = await fsOf(...layers);
    expect(await textOf(three, 'etc/passwd')).toBe('again');
    expect(await three.list('etc')).toEqual(['passwd']);
  });

  it('hide all that was in an opaque folder, and nothing of its own layer', async () => {
    const fs = await fsOf(base, [
      folder('usr'),
      file('usr/.wh..wh..opq'),
      folder('usr/lib'),
      file('usr/lib/new', 'n'),
      file('usr/.wh..wh.plnk'),
    ]);
    expect(await fs.list('usr')).toEqual(['lib']);
    expect(await fs.stat('usr/bin/python3.11')).toBeNull();
    expect(await textOf(fs, 'usr/lib/new')).toBe('n');
    expect(await fs.list('')).toEqual(['bin', 'etc', 'usr']);
  });

  it('hide a folder in the place of which is something else, also when it is a folder again', async () => {
    const layers = [base, [file('etc', 'a file now')], [folder('etc'), file('etc/hosts', 'h')]];
    const two = await fsOf(...layers.slice(0, 2));
    expect(await textOf(two, 'etc')).toBe('a file now');
    expect(await two.stat('etc/passwd')).toBeNull();
    const three = await fsOf(...layers);
    expect(await three.list('etc')).toEqual(['hosts']);
    expect(await three.stat('etc/passwd')).toBeNull();
  });

  it('keep what a folder is where a layer merely has something in it', async () => {
    const fs = await fsOf(base, [file('usr/share/x', '1')]);
    expect(await fs.stat('usr')).toMatchObject({ mode: 0o711 });
    expect(await fs.stat('usr/share')).toMatchObject({ type: 'directory', mode: 0o755 });
    expect(await fs.list('usr')).toEqual(['bin', 'share']);
  });

  it('follow hard links into layers below, and know devices for what they are', async () => {
    const cache = temporaryCache();
    const lower = foreignLayer(await tarOf([{ name: 'a', content: 'below' }]));
    const upper = foreignLayer(
      await tarOf([
        { name: 'b', type: 'link', linkname: 'a' },
        { name: 'dev/sda', type: 'block-device', devmajor: 8, devminor: 0 },
      ]),
    );
    const fs = openImageFs(cache, [lower, upper], signal);
    expect(await textOf(fs, 'b')).toBe('below');
    expect(await fs.stat('dev/sda')).toMatchObject({ type: 'other' });
    expect(await fs.read('dev/sda', 100)).toBeNull();
  });
});

describe('layers that others are going to stand on', () => {
  const links = [
    folder('etc', 0o700),
    file('etc/a', 'a'.repeat(700)),
    hardlink('etc/b', 'etc/a'),
    symlink('etc/c', 'a'),
  ];

  it.each([
    ['written', async (cache: Cache) => writeLayer(cache, links, { compression: 'gzip', signal, isGround: true })],
    [
      'imported',
      async (cache: Cache) => {
        const tar = await tarOf([{ name: 'etc/', type: 'directory' }, { name: 'etc/a' }]);
        const path = join(temporaryFolder(), 'root.tar');
        writeFileSync(path, tar);
        return importTar(cache, path, sha256(tar), { compression: 'gzip', signal });
      },
    ],
  ])('need not be read again when they were %s here', async (_, make) => {
    const cache = temporaryCache();
    const layer = await make(cache);
    const unread: LayerSource = {
      ...layer,
      read: () => {
        throw new Error('it is read');
      },
    };
    const [noted, read] = [
      openImageFs(cache, [unread], signal),
      openImageFs(temporaryCache(), [sourceOf(cache, layer)], signal),
    ];
    for (const path of ['etc', 'etc/a', 'etc/b', 'etc/c']) {
      expect(await noted.stat(path, { follow: false })).toEqual(await read.stat(path, { follow: false }));
    }
    expect(await noted.list('etc')).toEqual(await read.list('etc'));
    expect((await noted.list('etc')).length).toBeGreaterThan(0);
  });
});

describe('layers from elsewhere', () => {
  it('are not read before something is asked, from the top only as far as needed, and once', async () => {
    const cache = temporaryCache();
    const lower = foreignLayer(
      await tarOf([
        { name: 'etc/passwd', content: 'old' },
        { name: 'only/here', content: 'x' },
      ]),
    );
    const upper = foreignLayer(
      await tarOf([
        { name: 'etc/passwd', content: 'new' },
        { name: 'etc/group', content: 'g' },
      ]),
    );
    const fs = openImageFs(cache, [lower, upper], signal);
    expect([lower.reads(), upper.reads()]).toEqual([0, 0]);
    expect(await fs.read('etc/shells', 10)).toBeNull();
    const [first, second] = [lower.reads(), upper.reads()];
    expect(await Promise.all(['etc/passwd', 'etc/group', 'etc/passwd'].map(async (path) => textOf(fs, path)))).toEqual([
      'new',
      'g',
      'new',
    ]);
    // One pass over the layer for all that is asked at once.
    expect([lower.reads(), upper.reads()]).toEqual([first, second + 1]);
    const again = openImageFs(
      cache,
      [
        { ...lower, read: broken },
        { ...upper, read: broken },
      ],
      signal,
    );
    expect(await textOf(again, 'etc/passwd')).toBe('new');
    expect(await again.list('only')).toEqual(['here']);
  });

  it('are refused when they are others than their diff IDs say, or hostile', async () => {
    const cache = temporaryCache();
    const layer = foreignLayer(await tarOf([{ name: 'a' }]));
    const fs = openImageFs(cache, [{ ...layer, diffId: sha256('other') }], signal);
    expect(await codeOf(fs.stat('a'))).toMatch(/^BLOB_MISMATCH: layer sha256:/);
    const hostile = openImageFs(cache, [foreignLayer(await tarOf([{ name: '../../etc/passwd' }]))], signal);
    expect(await codeOf(hostile.list(''))).toMatch(/^ARCHIVE_INVALID: layer sha256:.*path with \.\./);
    const torn = openImageFs(cache, [{ ...layer, read: () => cut(layer) }], signal);
    expect(await codeOf(torn.list(''))).toMatch(/^ARCHIVE_INVALID: /);
  });

  it('are read on for one who waits when another no longer does', async () => {
    const cache = temporaryCache();
    const layer = foreignLayer(await tarOf([{ name: 'a', content: 'x'.repeat(300_000) }]));
    const stop = new AbortController();
    await openImageFs(cache, [layer], signal).stat('a');
    let reached: () => void = () => undefined;
    const isReading = new Promise<void>((resolve) => (reached = resolve));
    async function* slow(): AsyncGenerator<Uint8Array> {
      reached();
      await stopped;
      yield* layer.read();
    }
    const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
    const source = { ...layer, read: slow };
    const first = openImageFs(cache, [source], stop.signal).read('a', 1 << 20);
    const second = openImageFs(cache, [source], signal).read('a', 1 << 20);
    await isReading;
    stop.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    expect(await second).toHaveLength(300_000);
  });

  it('can be asked again after a failure', async () => {
    const cache = temporaryCache();
    const layer = foreignLayer(await tarOf([{ name: 'a', content: 'x' }]));
    let isBroken = true;
    const fs = openImageFs(cache, [{ ...layer, read: (range) => (isBroken ? broken() : layer.read(range)) }], signal);
    await expect(fs.stat('a')).rejects.toThrow('the network is gone');
    isBroken = false;
    expect(await textOf(fs, 'a')).toBe('x');
  });
});

async function* cut(layer: LayerSource): AsyncGenerator<Uint8Array> {
  yield* layer.read({ length: layer.size - 10 });
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield await Promise.reject<Uint8Array>(new Error('the network is gone'));
}

describe('files of an image on this machine', () => {
  it('are those that were chosen, with links that stay inside', async () => {
    const fs = await fsOf(
      [
        ...base,
        folder('lib'),
        file('lib/empty'),
        file('lib/suid', 'x', 0o4711),
        hardlink('lib/suid2', 'lib/suid'),
        symlink('lib/out', '../../../etc/hosts'),
        symlink('lib/abs', '/usr/bin/python3'),
        symlink('lib/trick', 'd/d/d/../../../../etc/hosts'),
        symlink('lib/d', '.'),
        symlink('lib/gone', 'nowhere'),
      ],
      [file('etc/.wh.passwd'), file('etc/shadow', 's'), file('etc/hosts', 'h')],
    );
    const dir = join(temporaryFolder(), 'out');
    const asked: string[] = [];
    const choose = (path: string): boolean => (asked.push(path), path !== 'etc/shadow');
    expect(await fs.extract(dir, choose, signal)).toBe(11);
    expect(asked).not.toContain('etc/passwd');
    expect(readdirSync(dir).toSorted()).toEqual(['bin', 'etc', 'lib', 'usr']);
    expect(readdirSync(join(dir, 'etc'))).toEqual(['hosts']);
    expect(readdirSync(join(dir, 'lib')).toSorted()).toEqual(['abs', 'd', 'empty', 'out', 'suid', 'suid2', 'trick']);
    expect(readFileSync(join(dir, 'bin/python3'), 'utf8')).toBe('#!python');
    expect(statSync(join(dir, 'usr/bin/python3.11')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(dir, 'lib/suid')).mode & 0o7777).toBe(0o755);
    expect(readFileSync(join(dir, 'lib/suid2'), 'utf8')).toBe('x');
    expect(statSync(join(dir, 'lib/empty')).size).toBe(0);
    expect(readlinkSync(join(dir, 'lib/abs'))).toBe('../usr/bin/python3.11');
    expect(readlinkSync(join(dir, 'lib/d'))).toBe('.');
    expect(readlinkSync(join(dir, 'lib/out'))).toBe('../etc/hosts');
    expect(readlinkSync(join(dir, 'lib/trick'))).toBe('../etc/hosts');
  });

  it('are written beside nothing that was planted there', async () => {
    const fs = await fsOf([folder('a'), file('a/file', 'image'), file('b', 'image')]);
    const dir = temporaryFolder();
    const outside = temporaryFolder();
    writeFileSync(join(outside, 'victim'), 'mine');
    symlinkSync(join(outside, 'victim'), join(dir, 'b'));
    expect(await fs.extract(dir, (path) => path === 'b', signal)).toBe(1);
    expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('mine');
    expect(lstatSync(join(dir, 'b')).isFile()).toBe(true);
    symlinkSync(outside, join(dir, 'a'));
    expect(await codeOf(fs.extract(dir, () => true, signal))).toMatch(/^CACHE_UNUSABLE: .*is not a directory/);
    expect(readdirSync(outside)).toEqual(['victim']);
  });

  it('are never devices, and can be written twice', async () => {
    const cache = temporaryCache();
    const tar = await tarOf([
      { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 },
      { name: 'pipe', type: 'fifo' },
      { name: 'x', content: 'x' },
    ]);
    const fs = openImageFs(cache, [foreignLayer(tar)], signal);
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'sub'));
    expect(await fs.extract(dir, () => true, signal)).toBe(1);
    expect(await fs.extract(dir, () => true, signal)).toBe(1);
    expect(readdirSync(dir).toSorted()).toEqual(['sub', 'x']);
  });

  it('stop when they are told to', async () => {
    const fs = await fsOf([file('a', 'x'), file('b', 'y')]);
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(fs.extract(temporaryFolder(), () => true, stop)).rejects.toThrow('enough');
  });
});

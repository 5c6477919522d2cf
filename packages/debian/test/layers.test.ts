// What packages come to as layers: seen as an image of them is.
import { gunzipSync } from 'node:zlib';
import type { DebianMirror } from '@rebake/image';
import { openImageFs, readTar, type ImageFs, type Layer, type TarEntry } from '@rebake/layers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { debianLayers } from '../src/index.ts';
import { failureOf, machine, makeDeb, pieces, type DebSpec, type Machine, type MadeDeb } from './make.ts';

const mirror: DebianMirror = { url: 'http://mirror.example.com/debian' };

let on: Machine;
beforeEach(async () => {
  on = await machine();
});
afterEach(async () => on.close());

function stepOf(debs: readonly MadeDeb[]): Parameters<typeof debianLayers>[0] {
  return { step: 'debian', suite: 'bookworm', packages: debs.map(({ locked }) => locked), mirror };
}

function serve(debs: readonly MadeDeb[], machineOf: Machine = on): void {
  for (const { locked, bytes } of debs) machineOf.files.set(`${mirror.url}/${locked.path}`, bytes);
}

async function layersOf(specs: readonly DebSpec[], parent: ImageFs | null = null): Promise<readonly Layer[]> {
  const debs = specs.map(makeDeb);
  serve(debs);
  return debianLayers(stepOf(debs), parent, 'gzip', on.means);
}

function fsOf(layers: readonly Layer[]): ImageFs {
  const sources = layers.map((layer) => ({ ...layer, read: () => on.cache.read(layer.digest) }));
  return openImageFs(on.cache, sources, on.means.signal);
}

async function text(fs: ImageFs, path: string): Promise<string | null> {
  const bytes = await fs.read(path, 1 << 20);
  return bytes === null ? null : Buffer.from(bytes).toString('utf8');
}

async function entriesOf(layer: Layer): Promise<readonly TarEntry[]> {
  const parts: Uint8Array[] = [];
  for await (const part of on.cache.read(layer.digest)) parts.push(part);
  const entries: TarEntry[] = [];
  for await (const entry of readTar(pieces(gunzipSync(Buffer.concat(parts))))) entries.push(entry);
  return entries;
}

const base: DebSpec = {
  name: 'base-files',
  fields: { Essential: 'yes' },
  control: { conffiles: '/etc/issue\n', md5sums: `${'0'.repeat(32)}  usr/share/doc/base-files/README\n` },
  data: [
    { path: './bin', type: 'directory' },
    { path: './etc', type: 'directory' },
    { path: './etc/issue', text: 'Debian\n' },
    { path: './root', type: 'directory', mode: 0o700 },
    { path: './tmp', type: 'directory', mode: 0o1777 },
    { path: './usr/share/base-files/profile', text: 'umask 022\n' },
    { path: './usr/share/doc/base-files/README', text: 'read me' },
    { path: './usr/share/doc/base-files/copyright', text: 'free' },
    { path: './usr/share/man/man1', type: 'directory' },
    { path: './usr/share/man/man1/x.1.gz', text: '' },
    { path: './var/run/base', type: 'directory' },
  ],
};
const shell: DebSpec = {
  name: 'dash',
  data: [
    { path: './bin/dash', text: '#!', mode: 0o755 },
    { path: './bin/sh', type: 'symlink', target: 'dash' },
    { path: './bin/ash', type: 'hardlink', target: './bin/dash' },
    { path: './usr/bin/chage', text: 'x', mode: 0o2755, gid: 42 },
    { path: './tmp', type: 'directory', mode: 0o755 },
    { path: './usr/share/debianutils/shells.d/dash', text: '/bin/dash\n' },
  ],
};

describe('a whole system', () => {
  test('has /bin in /usr, the owners and modes of its packages, and only copyrights of their documents', async () => {
    const fs = fsOf(await layersOf([shell, base]));
    expect(await fs.stat('bin', { follow: false })).toMatchObject({ type: 'symlink', target: 'usr/bin' });
    expect(await fs.stat('bin/sh')).toMatchObject({ path: 'usr/bin/dash', mode: 0o755, type: 'file' });
    expect(await text(fs, 'usr/bin/ash')).toBe('#!');
    expect(await fs.stat('usr/bin/chage')).toMatchObject({ mode: 0o2755, uid: 0, gid: 42 });
    // base-files says what a folder is like, whoever else has it.
    expect(await fs.stat('tmp')).toMatchObject({ mode: 0o1777 });
    expect(await fs.stat('root')).toMatchObject({ mode: 0o700 });
    expect(await fs.list('usr/share/doc/base-files')).toEqual(['copyright']);
    expect(await fs.list('usr/share/man/man1')).toEqual([]);
    expect(await fs.stat('run/base')).toMatchObject({ type: 'directory' });
    expect(await fs.stat('var/run', { follow: false })).toMatchObject({ target: '/run' });
  });

  test('has what scripts would have made', async () => {
    const fs = fsOf(await layersOf([base, shell]));
    expect(await text(fs, 'etc/profile')).toBe('umask 022\n');
    expect(await text(fs, 'etc/shells')).toContain('/bin/dash\n/usr/bin/dash\n');
    expect(await fs.stat('var/mail')).toMatchObject({ mode: 0o2775, gid: 8 });
    expect(await fs.stat('usr/local/man', { follow: false })).toMatchObject({ target: 'share/man' });
  });

  test('has a database of dpkg that names what is there', async () => {
    const fs = fsOf(await layersOf([base, shell]));
    const status = (await text(fs, 'var/lib/dpkg/status')) ?? '';
    expect(status).toContain('Package: base-files\nEssential: yes\nStatus: install ok installed\n');
    expect(status).toMatch(
      /\nConffiles:\n \/etc\/issue [0-9a-f]{32}\nDescription: a package\n for tests\n\nPackage: dash\n/,
    );
    const list = (await text(fs, 'var/lib/dpkg/info/base-files.list')) ?? '';
    expect(list).toMatch(/^\/\.\n\/bin\n\/etc\n/);
    expect(list).not.toContain('README');
    expect(await text(fs, 'var/lib/dpkg/info/base-files.md5sums')).toBe('');
  });

  test('is the same whatever the order of the lock, and with every cache; what is the same is made once', async () => {
    const first = await layersOf([base, shell]);
    const before = on.asked.length;
    expect(await layersOf([shell, base])).toEqual(first);
    expect(on.asked).toHaveLength(before);
    const other = await machine();
    try {
      const debs = [shell, base].map(makeDeb);
      serve(debs, other);
      const again = await debianLayers(stepOf(debs), null, 'zstd', other.means);
      expect(again.map(({ diffId }) => diffId)).toEqual(first.map(({ diffId }) => diffId));
    } finally {
      await other.close();
    }
  });

  test('tells of each layer, also of those that were there', async () => {
    const told: Layer[] = [];
    const debs = [base, shell].map(makeDeb);
    serve(debs);
    const layers = await debianLayers(stepOf(debs), null, 'gzip', {
      ...on.means,
      onLayer: (layer) => told.push(layer),
    });
    expect(new Set(told)).toEqual(new Set(layers));
    told.length = 0;
    await debianLayers(stepOf(debs), null, 'gzip', { ...on.means, onLayer: (layer) => told.push(layer) });
    expect(told).toEqual(layers);
  });

  test('takes the users of base-passwd, with shadows where passwd is there', async () => {
    const users: DebSpec = {
      name: 'base-passwd',
      data: [
        { path: './usr/share/base-passwd/passwd.master', text: 'root:*:0:0:root:/root:/bin/bash\n' },
        { path: './usr/share/base-passwd/group.master', text: 'sudo:*:27:ann\n' },
      ],
    };
    const bare = fsOf(await layersOf([base, users]));
    expect(await text(bare, 'etc/passwd')).toBe('root:*:0:0:root:/root:/bin/bash\n');
    const shadowed = fsOf(await layersOf([base, users, { name: 'passwd' }]));
    expect(await text(shadowed, 'etc/passwd')).toBe('root:x:0:0:root:/root:/bin/bash\n');
    expect(await text(shadowed, 'etc/gshadow')).toBe('sudo:*::ann\n');
    expect(await shadowed.stat('etc/shadow')).toMatchObject({ mode: 0o640, gid: 42 });
  });
});

const awk = (name: string, priority: number): DebSpec => ({
  name,
  control: {
    postinst: `#!/bin/sh\nif true; then\n  update-alternatives --install /usr/bin/awk awk /usr/bin/${name} ${priority} \\\n    --slave /usr/bin/nawk nawk /usr/bin/${name} --slave /usr/share/man/man1/awk.1.gz awk.1.gz /usr/share/man/man1/${name}.1.gz\nfi\nupdate-alternatives --install "$x" y /z 1\n`,
  },
  data: [{ path: `./usr/bin/${name}`, text: name, mode: 0o755 }],
});

test('users that only a script would make are named to people, once each', async () => {
  const lines: string[] = [];
  const postinst =
    'if ! getent passwd web; then\n  adduser --quiet --system --home /srv/web web\nfi\naddgroup --system web\nadduser --system root\n';
  const users: DebSpec = {
    name: 'base-passwd',
    data: [
      { path: './usr/share/base-passwd/passwd.master', text: 'root:*:0:0:root:/root:/bin/bash\n' },
      { path: './usr/share/base-passwd/group.master', text: 'root:*:0:\n' },
    ],
  };
  const debs = [base, users, { name: 'web', control: { postinst } }].map(makeDeb);
  serve(debs);
  await debianLayers(stepOf(debs), null, 'gzip', { ...on.means, log: (line) => lines.push(line) });
  expect(lines).toEqual(['web: its script would add web to the users and groups, and none runs here']);
});

describe('alternatives', () => {
  test('are links to the choice of the highest priority, and known to update-alternatives', async () => {
    const fs = fsOf(await layersOf([base, awk('mawk', 5), awk('gawk', 10)]));
    expect(await text(fs, 'usr/bin/awk')).toBe('gawk');
    expect(await text(fs, 'usr/bin/nawk')).toBe('gawk');
    expect(await fs.list('etc/alternatives')).toEqual(['awk', 'nawk']);
    expect(await text(fs, 'var/lib/dpkg/alternatives/awk')).toBe(
      'auto\n/usr/bin/awk\nawk.1.gz\n/usr/share/man/man1/awk.1.gz\nnawk\n/usr/bin/nawk\n\n' +
        '/usr/bin/gawk\n10\n/usr/share/man/man1/gawk.1.gz\n/usr/bin/gawk\n' +
        '/usr/bin/mawk\n5\n/usr/share/man/man1/mawk.1.gz\n/usr/bin/mawk\n\n',
    );
  });

  test('of the image below count, too', async () => {
    const below = await layersOf([base, awk('mawk', 5)]);
    const worse = await layersOf([awk('aawk', 1)], fsOf(below));
    expect(await text(fsOf([...below, ...worse]), 'usr/bin/awk')).toBe('mawk');
    const better = await layersOf([awk('gawk', 10)], fsOf(below));
    expect(await text(fsOf([...below, ...better]), 'usr/bin/awk')).toBe('gawk');
  });
});

describe('on top of an image', () => {
  test('packages are added: the database goes on, folders stay as they are, links of the image are followed', async () => {
    const below = await layersOf([base, shell]);
    const more: DebSpec = {
      name: 'tool',
      version: '2:1.0',
      fields: { 'Multi-Arch': 'same' },
      data: [
        { path: './bin', type: 'directory', mode: 0o700 },
        { path: './bin/tool', text: 'tool', mode: 0o755 },
        { path: './tmp/tool', text: '' },
        { path: './opt/tool', type: 'directory', mode: 0o750 },
      ],
    };
    const added = await layersOf([more, shell], fsOf(below));
    const fs = fsOf([...below, ...added]);
    expect(await fs.stat('bin/tool')).toMatchObject({ path: 'usr/bin/tool' });
    expect(await fs.stat('usr/bin')).toMatchObject({ mode: 0o755 });
    expect(await fs.stat('tmp')).toMatchObject({ mode: 0o1777 });
    expect(await fs.stat('opt/tool')).toMatchObject({ mode: 0o750 });
    const status = (await text(fs, 'var/lib/dpkg/status')) ?? '';
    expect(status.match(/^Package: .*$/gm)).toEqual(['Package: base-files', 'Package: dash', 'Package: tool']);
    expect(await fs.stat('var/lib/dpkg/info/tool:amd64.list')).not.toBeNull();
    // Nothing of the image is in the new layers again, but folders on the way.
    const paths = (await Promise.all(added.map(entriesOf))).flat().filter(({ type }) => type !== 'directory');
    expect(paths.map(({ path }) => path)).not.toContain('usr/bin/dash');
  });

  test('that has all of them, nothing is made', async () => {
    const below = await layersOf([base, shell]);
    expect(await layersOf([shell], fsOf(below))).toEqual([]);
  });

  test('that is no Debian, or that has another version, nothing can be added', async () => {
    const none = await failureOf(layersOf([shell], fsOf([])));
    expect(none.code).toBe('DEB_PARENT_MISSING');
    const below = await layersOf([base, shell]);
    const other = await failureOf(layersOf([{ ...shell, version: '2.0' }], fsOf(below)));
    expect(other.code).toBe('DEB_PARENT_MISSING');
    expect(other.words).toContain('the image below has dash 1.0, and the lock has 2.0');
  });
});

describe('two packages with one file', () => {
  const one: DebSpec = { name: 'one', data: [{ path: './usr/bin/x', text: 'one' }] };
  const two: DebSpec = { name: 'two', data: [{ path: './bin/x', text: 'two' }] };

  test('are refused, by both of their names', async () => {
    const { code, words } = await failureOf(layersOf([base, one, two]));
    expect(code).toBe('DEB_INVALID');
    expect(words).toContain('one and two both bring /usr/bin/x');
  });

  test('are fine where one says that it replaces the other', async () => {
    for (const [first, second] of [
      [one, { ...two, fields: { Replaces: 'one (<< 2)' } }],
      [{ ...two, fields: { Replaces: 'one' } }, one],
    ] as const) {
      expect(await text(fsOf(await layersOf([base, first, second])), 'usr/bin/x')).toBe('two');
    }
  });

  test('are fine where one moves the other away', async () => {
    const preinst = 'dpkg-divert --package two --rename --add --divert /usr/bin/x.one /usr/bin/x\n';
    const fs = fsOf(await layersOf([base, one, { ...two, control: { preinst } }]));
    expect(await text(fs, 'usr/bin/x')).toBe('two');
    expect(await text(fs, 'usr/bin/x.one')).toBe('one');
    expect(await text(fs, 'var/lib/dpkg/diversions')).toBe('/usr/bin/x\n/usr/bin/x.one\ntwo\n');
  });

  test('one a folder where the other has a link to a folder, are one folder', async () => {
    const linked: DebSpec = { name: 'linked', data: [{ path: './usr/lib/a', type: 'symlink', target: 'b' }] };
    const within: DebSpec = {
      name: 'within',
      data: [
        { path: './usr/lib/a', type: 'directory' },
        { path: './usr/lib/a/file', text: 'in b' },
      ],
    };
    const fs = fsOf(await layersOf([base, linked, within]));
    expect(await fs.stat('usr/lib/a/file')).toMatchObject({ path: 'usr/lib/b/file' });
  });
});

describe('fetching', () => {
  test('takes security updates from their own archive', async () => {
    const { locked, bytes } = makeDeb(base);
    const moved = { ...locked, path: 'pool/updates/main/b/base_1~x.deb' };
    on.files.set('http://security.example.com/debian-security/pool/updates/main/b/base_1~x.deb', bytes);
    const security = { ...mirror, security: 'http://security.example.com/debian-security' };
    const step = { ...stepOf([]), packages: [moved], mirror: security };
    expect(await debianLayers(step, null, 'gzip', on.means)).not.toHaveLength(0);
  });

  test('of a package that the mirror has no more says to lock again', async () => {
    const { code, words } = await failureOf(debianLayers(stepOf([makeDeb(base)]), null, 'gzip', on.means));
    expect(code).toBe('DOWNLOAD_REFUSED');
    expect(words).toContain('rebake lock');
  });

  test('without any mirror says so, unless all is there already', async () => {
    const debs = [makeDeb(base)];
    const step = { ...stepOf(debs), mirror: null };
    expect(await failureOf(debianLayers(step, null, 'gzip', on.means))).toMatchObject({ code: 'MIRROR_MISSING' });
    for (const { locked, bytes } of debs) await on.cache.write({ digest: locked.digest }, pieces(bytes));
    expect(await debianLayers(step, null, 'gzip', on.means)).not.toHaveLength(0);
  });

  test('of a package that calls itself something else is refused', async () => {
    const { locked, bytes } = makeDeb(base);
    const lied = { ...locked, version: '9' };
    on.files.set(`${mirror.url}/${locked.path}`, bytes);
    const step = { ...stepOf([]), packages: [lied] };
    const { code, words } = await failureOf(debianLayers(step, null, 'gzip', on.means));
    expect(code).toBe('DEB_INVALID');
    expect(words).toContain('calls its version 1.0, and the lock calls it 9');
  });
});

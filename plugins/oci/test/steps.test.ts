/** Steps without an engine do what the commands do that they stand for. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { digestOfBytes, BuildFailure, type FileSet, type ImageSpec, type Output, type Step } from '@rebake/image';
import { afterAll, describe, expect, it } from 'vitest';
import { context, jobOf, linesOf, ociBuilder, temporaryFolder } from './kit.ts';
import { documentsOf, layersOf, textOf, withFs } from './files.ts';
import { rootfsOf, type Entries } from './tar.ts';

const folder = temporaryFolder();
const layout = join(folder, 'layout');
const builder = await ociBuilder({ cache: join(folder, 'cache'), store: { layout } }, folder);
afterAll(async () => builder.close());

const ACCOUNTS: Entries = {
  'etc/': { text: '', mode: 0o755 },
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n',
  'etc/group': 'root:x:0:\nstaff:x:50:\napp:x:1001:\n',
  'etc/shadow': { text: 'root:*::0:99999:7:::\n', mode: 0o640, owner: '0:42' },
  'etc/gshadow': { text: 'root:*::\n', mode: 0o640, owner: '0:42' },
};

async function base(entries: Entries): Promise<Output> {
  return builder.build(jobOf(null, [rootfsOf(folder, entries)]), context());
}

async function make(parent: Output, steps: readonly Step[], spec: Partial<ImageSpec> = {}): Promise<Output> {
  return builder.build(jobOf(parent, steps, spec), context());
}

async function refused(work: Promise<unknown>): Promise<BuildFailure['error']> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BuildFailure)) throw new Error('it was not refused', { cause: error });
  return error.error;
}

let sets = 0;
function files(contents: Readonly<Record<string, string>>): FileSet {
  const root = join(folder, `set-${(sets += 1)}`);
  for (const [path, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const all = Object.entries(contents).map(([path, text]) => ({ path, digest: digestOfBytes(text), exec: false }));
  return { root, files: all };
}

const USER = { step: 'user', name: 'dataiku', uid: 500, gid: 500, home: '/home/dataiku' } as const;

describe('a user', () => {
  it('is entered into all four files, whose modes and owners stay, and gets a home of group 0', async () => {
    const image = await make(await base(ACCOUNTS), [USER]);
    const [lines] = await layersOf(layout, image, 1);
    expect(lines).toEqual([
      'etc directory 755 0:0',
      'etc/group file 644 0:0',
      'etc/gshadow file 640 0:42',
      'etc/passwd file 644 0:0',
      'etc/shadow file 640 0:42',
      'home directory 755 0:0',
      'home/dataiku directory 775 500:0',
    ]);
    await withFs(folder, layout, image, async (fs) => {
      expect((await textOf(fs, 'etc/passwd'))?.split('\n').at(-2)).toBe('dataiku:x:500:500::/home/dataiku:/bin/sh');
      expect((await textOf(fs, 'etc/group'))?.split('\n').at(-2)).toBe('dataiku:x:500:');
      expect((await textOf(fs, 'etc/shadow'))?.split('\n').at(-2)).toBe('dataiku:!::0:99999:7:::');
      expect((await textOf(fs, 'etc/gshadow'))?.split('\n').at(-2)).toBe('dataiku:!::');
    });
  });

  it('joins a group that has the number, whatever its name', async () => {
    const image = await make(await base(ACCOUNTS), [{ ...USER, gid: 50 }]);
    const [lines] = await layersOf(layout, image, 1);
    expect(lines?.filter((line) => line.includes('group'))).toEqual([]);
  });

  it('that is there already gets its home, and no second line', async () => {
    const app = { step: 'user', name: 'app', uid: 1000, gid: 1001, home: '/home/app' } as const;
    const [lines] = await layersOf(layout, await make(await base(ACCOUNTS), [app]), 1);
    expect(lines).toEqual(['home directory 755 0:0', 'home/app directory 775 1000:0']);
  });

  it.each([
    [{ ...USER, uid: 1000 }, 'app'],
    [{ ...USER, name: 'app' }, 'app'],
    [{ ...USER, name: 'staff' }, 'staff'],
  ])('is refused where name or number are somebody else’s', async (step, word) => {
    const { code, words } = await refused(make(await base(ACCOUNTS), [step]));
    expect(code).toBe('STEP_FAILED');
    expect(words).toContain(word);
  });

  it('has no x for a password where there is no shadow', async () => {
    const image = await make(await base({ 'etc/': '', 'etc/passwd': 'root:x:0:0::/:/bin/sh\n' }), [USER]);
    await withFs(folder, layout, image, async (fs) => {
      expect((await textOf(fs, 'etc/passwd'))?.split('\n')[1]).toBe('dataiku:!:500:500::/home/dataiku:/bin/sh');
      expect(await fs.stat('etc/shadow')).toBeNull();
    });
  });
});

describe('a copy', () => {
  it('follows links on its way, as a link that is replaced by a folder would lose what it led to', async () => {
    const parent = await base({ 'usr/': '', 'usr/lib/': { text: '', mode: 0o750, owner: '5:6' }, lib: '->usr/lib' });
    const image = await make(parent, [{ step: 'copy', files: files({ 'sub/a.txt': 'a' }), to: '/lib', owner: '7:8' }]);
    expect(await layersOf(layout, image, 1)).toEqual([
      [
        'usr directory 755 0:0',
        'usr/lib directory 750 5:6',
        'usr/lib/sub directory 755 7:8',
        'usr/lib/sub/a.txt file 644 7:8',
      ],
    ]);
  });

  it('gives folders that it makes, and those of the set, to the owner, and leaves the target as it is', async () => {
    const parent = await base({
      'opt/': { text: '', mode: 0o711, owner: '1:2' },
      'opt/sub/': { text: '', mode: 0o700, owner: '3:4' },
    });
    const set = files({ 'sub/a.txt': 'a', 'new/b.txt': 'b' });
    const image = await make(parent, [{ step: 'copy', files: set, to: '/opt/', owner: '7' }]);
    expect(await layersOf(layout, image, 1)).toEqual([
      [
        'opt directory 711 1:2',
        'opt/new directory 755 7:7',
        'opt/new/b.txt file 644 7:7',
        'opt/sub directory 755 7:7',
        'opt/sub/a.txt file 644 7:7',
      ],
    ]);
  });

  it('knows users and groups by the names of the image', async () => {
    const parent = await base(ACCOUNTS);
    const copied = async (owner: string) => {
      const step = { step: 'copy', files: files({ 'a.txt': 'a' }), to: '/etc', owner } as const;
      return (await layersOf(layout, await make(parent, [step]), 1))[0]?.[1];
    };
    expect(await copied('app')).toBe('etc/a.txt file 644 1000:1001');
    expect(await copied('app:staff')).toBe('etc/a.txt file 644 1000:50');
    expect(await copied('9:app')).toBe('etc/a.txt file 644 9:1001');
    const step = { step: 'copy', files: files({ 'a.txt': 'a' }), to: '/etc', owner: 'nobody-knows' } as const;
    expect(await refused(make(parent, [step]))).toMatchObject({ code: 'STEP_FAILED', retry: 'never' });
  });

  it('is refused where a file is in the way of a folder', async () => {
    const parent = await base({ opt: 'a file' });
    const step = { step: 'copy', files: files({ 'a.txt': 'a' }), to: '/opt/data', owner: '0:0' } as const;
    const { code, words } = await refused(make(parent, [step]));
    expect([code, words.includes('/opt')]).toEqual(['STEP_FAILED', true]);
  });

  it('of no files makes the folder, as root, and nothing where it is there', async () => {
    const parent = await base({ 'opt/': { text: '', mode: 0o700, owner: '3:4' } });
    const nothing = (to: string) => ({ step: 'copy', files: { root: '/', files: [] }, to, owner: '7:8' }) as const;
    expect(await layersOf(layout, await make(parent, [nothing('/opt/a/b')]), 1)).toEqual([
      ['opt directory 700 3:4', 'opt/a directory 755 0:0', 'opt/a/b directory 755 0:0'],
    ]);
    const { diffIds } = await documentsOf(layout, await make(parent, [nothing('/opt')]));
    expect(diffIds).toHaveLength(1);
  });
});

describe('a link', () => {
  const step = { step: 'link', folder: '/opt/bin', name: 'python', target: '/opt/env/bin/python3' } as const;

  it.each([
    ['nothing', {}, 'opt/bin/python'],
    ['a file', { 'opt/': '', 'opt/bin/': '', 'opt/bin/python': 'a file' }, 'opt/bin/python'],
    ['a link to a folder', { 'opt/': '', 'opt/bin/': '', 'opt/bin/python': '->/opt' }, 'opt/bin/python'],
    ['a folder', { 'opt/': '', 'opt/bin/': '', 'opt/bin/python/': '' }, 'opt/bin/python/python3'],
  ] as const)('takes the place of %s as `ln -sfn` does', async (_what, entries, path) => {
    const image = await make(await base({ 'a.txt': 'a', ...entries }), [step]);
    await withFs(folder, layout, image, async (fs) => {
      expect(await fs.stat(path, { follow: false })).toMatchObject({ type: 'symlink', target: step.target });
    });
    const { config } = await documentsOf(layout, image);
    expect(config.config.WorkingDir).toBe('/');
  });

  it('does not take the place of a folder within a folder', async () => {
    const parent = await base({ 'opt/': '', 'opt/bin/': '', 'opt/bin/python/': '', 'opt/bin/python/python3/': '' });
    expect(await refused(make(parent, [step]))).toMatchObject({ code: 'STEP_FAILED', retry: 'never' });
  });
});

describe('a working directory', () => {
  it('is made where it is not there, for the user of the image', async () => {
    const parent = await base({ 'srv/': { text: '', mode: 0o700, owner: '3:4' } });
    const image = await make(parent, [], { workdir: '/srv/a/b', user: '55:66' });
    expect(await layersOf(layout, image, 1)).toEqual([
      ['srv directory 700 3:4', 'srv/a directory 755 55:66', 'srv/a/b directory 755 55:66'],
    ]);
  });

  it('makes no layer where it is there', async () => {
    const image = await make(await base({ 'srv/': '' }), [], { workdir: '/srv' });
    const { config, diffIds } = await documentsOf(layout, image);
    expect([config.config.WorkingDir, diffIds.length]).toEqual(['/srv', 1]);
  });
});

describe('an image', () => {
  it('is refused where its parts do not fit together', async () => {
    const parent = await base({ 'a.txt': 'a' });
    const ground = rootfsOf(folder, { 'b.txt': 'b' });
    for (const job of [jobOf(null, [USER]), jobOf(parent, [ground]), jobOf(parent, [USER, ground]), jobOf(null, [])])
      expect(await refused(builder.build(job, context()))).toMatchObject({ code: 'SPEC_INVALID', retry: 'never' });
  });

  it('takes packages from locks alone, and says how they come to be', async () => {
    const packages = { requirements: ['six'] };
    const step = { step: 'python-env', prefix: '/opt/env', interpreter: '3.11', packages, bytecode: true } as const;
    const { code, retry, words } = await refused(make(await base({ 'a.txt': 'a' }), [step]));
    expect([code, retry]).toEqual(['STEP_UNSUPPORTED', 'elsewhere']);
    expect(words).toContain('rebake lock');
  });

  it('that cannot fit on the disk is refused before anything is fetched', async () => {
    const deb = {
      name: 'huge',
      version: '1',
      architecture: 'all',
      path: 'pool/huge.deb',
      size: 2 ** 50,
      digest: digestOfBytes('huge'),
    };
    const job = jobOf(null, [{ step: 'debian', suite: 'bookworm', packages: [deb], mirror: null }]);
    expect(await refused(builder.build(job, context()))).toMatchObject({ code: 'CACHE_FULL' });
  });

  it('without a network takes what is in the cache, and nothing else', async () => {
    const deb = {
      name: 'a',
      version: '1',
      architecture: 'all',
      path: 'pool/a.deb',
      size: 5,
      digest: digestOfBytes('none'),
    };
    const mirror = { url: 'http://mirror.example.com/debian' };
    const step = { step: 'debian', suite: 'bookworm', packages: [deb], mirror } as const;
    const job = jobOf(null, [step], {}, { access: { network: 'none', secrets: {} } });
    const { code, words } = await refused(builder.build(job, context()));
    expect(code).toBe('DOWNLOAD_REFUSED');
    expect(words).toContain('no network');
  });

  it('has its copied files from the cache the next time, once they were read again', async () => {
    const set = files({ 'a.txt': 'as planned' });
    const parent = await base({ 'opt/': '' });
    const step = { step: 'copy', files: set, to: '/opt', owner: '0:0' } as const;
    const first = await make(parent, [step]);
    const ctx = context();
    expect((await builder.build(jobOf(parent, [step]), ctx)).identity).toBe(first.identity);
    expect(linesOf(ctx)).toContain('copy /opt: layer from the cache');
    writeFileSync(join(set.root, 'a.txt'), 'another text');
    expect(await refused(make(parent, [step]))).toMatchObject({ code: 'INPUT_MOVED', retry: 'never' });
  });
});

describe('a layout', () => {
  it('is taken over with its layers and its config, and steps go on top', async () => {
    const parent = await base({ 'opt/': '', 'opt/here.txt': 'here' });
    const below = await make(parent, [], { env: { OF_LAYOUT: 'yes' }, entrypoint: ['/bin/below'] });
    const [place] = below.at;
    const name = place !== undefined && 'name' in place ? place.name : '';
    const paths = readdirSync(layout, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => relative(layout, join(one.parentPath, one.name)))
      .filter((path) => !path.startsWith('.rebake'));
    const entries = paths.map((path) => ({
      path,
      digest: digestOfBytes(readFileSync(join(layout, path))),
      exec: false,
    }));
    const ground = { step: 'layout', files: { root: layout, files: entries }, name } as const;
    const copied = { step: 'copy', files: files({ 'top.txt': 'top' }), to: '/opt', owner: '0:0' } as const;
    const other = join(folder, 'other-layout');
    const apart = await ociBuilder({ cache: join(folder, 'other-cache'), store: { layout: other } }, folder);
    try {
      const image = await apart.build(jobOf(null, [ground, copied]), context());
      const { config, diffIds } = await documentsOf(other, image);
      expect(diffIds.slice(0, 1)).toEqual((await documentsOf(layout, below)).diffIds);
      expect([config.config.Entrypoint, config.config.Env?.includes('OF_LAYOUT=yes')]).toEqual([['/bin/below'], true]);
      await withFs(folder, other, image, async (fs) => {
        expect([await textOf(fs, 'opt/here.txt'), await textOf(fs, 'opt/top.txt')]).toEqual(['here', 'top']);
      });
    } finally {
      await apart.close();
    }
  });

  it('that holds no image is refused', async () => {
    const ground = { step: 'layout', files: files({ 'oci-layout': '{}' }), name: null } as const;
    expect(await refused(builder.build(jobOf(null, [ground]), context()))).toMatchObject({ retry: 'never' });
  });
});

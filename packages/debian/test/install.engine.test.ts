// A system that is laid out here is the one that Debian's own tools install, but for a list of differences; and it runs.
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LockedDeb } from '@rebake/image';
import { openImageFs, type Layer } from '@rebake/layers';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debianLayers } from '../src/index.ts';
import { debianRoots } from './roots.ts';
import { listing, lockOf, pipeInto, real, run, SUITE, unpack, type Real } from './real.ts';

let on: Real;
let lock: readonly LockedDeb[];
let layers: readonly Layer[];
let root: string;

const stepOf = (packages: readonly LockedDeb[]) => ({ step: 'debian', suite: SUITE, packages, mirror: null }) as const;

beforeAll(async () => {
  on = await real();
  lock = await lockOf(on, debianRoots({ python: ['3.11'], r: false }));
  layers = await debianLayers(stepOf(lock), null, 'gzip', on.means);
  root = await unpack(on, layers, 'ours');
});
afterAll(async () => on.close());

/** What differs from an installation, and why that is right. `where`: in which of the two it is, or that both have it otherwise. */
const DIFFERENCES: readonly {
  readonly where: 'only there' | 'only here' | 'other';
  readonly paths: RegExp;
  readonly why: string;
}[] = [
  {
    where: 'only there',
    paths: /^usr\/share\/(?:doc|doc-base|info|lintian|locale|man)\//,
    why: 'manuals, translations and documents are left out',
  },
  { where: 'only there', paths: /^etc\/alternatives\/.*\.(?:[a-z]{2})?\d\.gz$/, why: 'they lead to manuals' },
  {
    where: 'only there',
    paths: /(?:^|\/)__pycache__(?:\/|$)/,
    why: 'bytecode is a layer of its own, which the builder puts on top (packages/python)',
  },
  {
    where: 'only there',
    paths: /^etc\/(?:hostname|hosts|resolv\.conf|fstab|networks)$/,
    why: 'files of the machine: engines bring their own',
  },
  {
    where: 'only there',
    paths:
      /^(?:etc\/apt\/(?:sources\.list|preferences\.d|sources\.list\.d|apt\.conf\.d\/99mmdebstrap)|var\/(?:lib|cache|log)\/apt)(?:\.d)?(?:\/|$)/,
    why: 'apt is not installed; its settings are the tool’s',
  },
  {
    where: 'only there',
    paths:
      /^(?:etc\/(?:passwd|group|shadow|gshadow|\.pwd)[-.].*|etc\/(?:passwd|group)-|var\/lib\/dpkg\/(?:lock(?:-frontend)?|status-old|diversions-old|arch|triggers\/Lock))$/,
    why: 'locks and copies of before',
  },
  {
    where: 'only there',
    paths: /^(?:etc\/rc[0-9S]\.d\/|etc\/systemd\/system\/|var\/lib\/systemd\/)/,
    why: 'no service is started in a container',
  },
  { where: 'only there', paths: /^var\/cache\/debconf\/.+/, why: 'answers to questions that nobody asked' },
  {
    where: 'only there',
    paths: /^var\/lib\/(?:pam\/.+|shells\.state)$/,
    why: 'notes of pam-auth-update and update-shells, which make them again',
  },
  { where: 'only there', paths: /^dev\/.+/, why: 'devices: engines bring their own' },
  { where: 'only here', paths: /^etc\/dpkg\/dpkg\.cfg\.d\/rebake-excludes$/, why: 'says what is left out' },
  { where: 'other', paths: /^var\/lib\/dpkg\/info\/.*\.(?:list|md5sums)$/, why: 'do not name what is left out' },
  {
    where: 'other',
    paths: /^var\/lib\/dpkg\/diversions$/,
    why: 'of dash, whose script decides by what it finds; it moves nothing away',
  },
  { where: 'other', paths: /^etc\/shadow$/, why: 'has the day of the installation' },
];

/** As all installers of today: the links are there before the first package. */
const MERGE = 'for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done';

test('is what mmdebstrap installs, but for what is listed', { timeout: 400_000 }, async () => {
  const installed = join(on.folder, 'installed');
  await run(
    'mmdebstrap',
    [
      '--variant=custom',
      `--setup-hook=${MERGE}`,
      `--include=${lock.map(({ name }) => name).join(',')}`,
      '--aptopt=APT::Install-Recommends "false"',
      SUITE,
      installed,
    ],
    { maxBuffer: 64 << 20 },
  );
  const [there, here] = await Promise.all([listing(installed), listing(root)]);
  const used = new Set<RegExp>();
  const surprises: string[] = [];
  for (const path of new Set([...there.keys(), ...here.keys()])) {
    const [a, b] = [there.get(path), here.get(path)];
    if (a === b) continue;
    const where = b === undefined ? 'only there' : a === undefined ? 'only here' : 'other';
    const reason = DIFFERENCES.find((one) => one.where === where && one.paths.test(path));
    if (reason === undefined) surprises.push(`${path}: ${where}: ${a} / ${b}`);
    else used.add(reason.paths);
  }
  expect(surprises).toEqual([]);
  // A row that says nothing any more goes.
  expect(DIFFERENCES.filter(({ paths }) => !used.has(paths)).map(({ why }) => why)).toEqual([]);
});

test('has the same layers in a cache of its own, made by another user', async () => {
  const home = join(on.folder, 'home');
  await mkdir(home);
  await chmod(on.folder, 0o755);
  await chmod(home, 0o777);
  const file = join(home, 'lock.json');
  await writeFile(file, JSON.stringify(lock.toReversed()), { mode: 0o644 });
  const script = new URL('lay-out.ts', import.meta.url).pathname;
  const command = ['--conditions=@rebake/source', script, file, join(home, 'cache')];
  const { stdout } = await run(
    'setpriv',
    ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, ...command],
    {
      env: { ...process.env, HOME: home, TZ: 'Asia/Kolkata', LC_ALL: 'C' },
    },
  );
  expect(JSON.parse(stdout)).toEqual({ uid: 65534, layers: layers.map(({ diffId }) => diffId) });
});

describeEngine('in Docker', 'docker', ({ docker }) => {
  const images: string[] = [];
  const env = { ...process.env, DOCKER_HOST: docker.host };
  afterAll(async () => {
    if (images.length > 0) await run(docker.cli, ['rmi', '-f', ...images], { env });
  });

  async function load(folder: string): Promise<string> {
    const id = await pipeInto(['tar', '-C', folder, '--numeric-owner', '-c', '.'], [docker.cli, 'import', '-'], env);
    images.push(id);
    return id;
  }

  async function inside(image: string, script: string): Promise<string> {
    const { stdout } = await run(docker.cli, ['run', '--rm', '--network=none', image, '/bin/sh', '-ec', script], {
      env,
      maxBuffer: 16 << 20,
    });
    return stdout.trim();
  }

  test('a base for Python runs, and dpkg finds it whole', async () => {
    const image = await load(root);
    const said = await inside(
      image,
      [
        'python3.11 -c "import ssl, sqlite3, ctypes, distutils, lzma; print(sqlite3.sqlite_version)"',
        "python3.11 -c \"from ctypes.util import find_library; assert find_library('ssl') == 'libssl.so.3'\"",
        'dpkg -l python3.11 | tail -1',
        'dpkg --verify',
        'dpkg --audit',
        'update-alternatives --list awk',
        'echo hello | awk "{print \\$1}"',
        'test "$(dpkg -S /usr/bin/python3.11)" = "python3.11-minimal: /usr/bin/python3.11"',
        'python3.11 -m venv /tmp/env && /tmp/env/bin/pip --version | cut -c1-4',
        'useradd -m ann && su ann -c "id -un"',
        'openssl x509 -noout -hash -in /etc/ssl/certs/$(ls /etc/ssl/certs | grep -m1 pem)',
        // By the hash of its subject, as TLS looks an authority up.
        'openssl verify -no-CAfile -CApath /etc/ssl/certs /usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt',
        'date +%Z',
      ].join('\n'),
    );
    expect(said).toMatch(/^3\.\d+/);
    expect(said).toMatch(/\nii {2}python3\.11 /);
    expect(said).not.toContain('missing');
    expect(said).toMatch(/\n\/usr\/bin\/mawk\nhello\npip \nann\n[0-9a-f]{8}\n.*ISRG_Root_X1\.crt: OK\nUTC$/);
  });

  test('packages on top run, and the database goes on', async () => {
    const sources = layers.map((layer) => ({ ...layer, read: () => on.means.cache.read(layer.digest) }));
    const fs = openImageFs(on.means.cache, sources, on.means.signal);
    const more = await lockOf(on, ['git', 'less', 'gawk'], lock);
    const names = new Set(lock.map(({ name }) => name));
    expect(more.filter(({ name }) => names.has(name))).toEqual([]);
    const added = await debianLayers(stepOf(more), fs, 'gzip', on.means);
    const image = await load(await unpack(on, [...layers, ...added], 'with-git'));
    const said = await inside(
      image,
      'git --version; dpkg --verify; dpkg --audit; readlink -f "$(which awk)"; readlink -f "$(which pager)"; dpkg -l git python3.11 | grep -c ^ii; update-alternatives --query awk | grep Best',
    );
    expect(said).toMatch(/^git version .*\n\/usr\/bin\/gawk\n\/usr\/bin\/less\n2\nBest: \/usr\/bin\/gawk$/);
  });

  describe('with R', () => {
    test('packages of CRAN load, apt finds everything in order', async () => {
      const wanted = [...debianRoots({ python: [], r: true }), 'r-cran-dplyr', 'apt'];
      const packages = await lockOf(on, wanted);
      const made = await debianLayers(stepOf(packages), null, 'gzip', on.means);
      const image = await load(await unpack(on, made, 'with-r'));
      const said = await inside(
        image,
        'R --no-save -s -e "suppressMessages(library(dplyr)); print(nrow(filter(mtcars, cyl == 4))); print(solve(matrix(c(2, 0, 0, 2), 2))[1, 1])"; dpkg --verify; dpkg --audit; apt-get check -qq; cat /etc/papersize; ldconfig -X -C /tmp/libraries; cmp /tmp/libraries /etc/ld.so.cache && echo same',
      );
      expect(said).toBe('[1] 11\n[1] 0.5\nletter\nsame');
    });
  });
});

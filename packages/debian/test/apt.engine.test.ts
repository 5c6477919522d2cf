// The same answers as dpkg and apt give, from the mirror of this machine.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchIndex } from '../src/index/fetch.ts';
import type { PackageIndex } from '../src/index/packages.ts';
import { compareVersions } from '../src/resolve/version.ts';
import { debianRoots } from './roots.ts';
import { lockOf, real, run, SUITE, type Real } from './real.ts';

let on: Real;
let index: PackageIndex;
beforeAll(async () => {
  on = await real();
  index = await fetchIndex(SUITE, 'amd64', on.mirror, on.means);
  await makeApt();
});
afterAll(async () => on.close());

/** What dpkg says of many pairs, by one shell. */
function byDpkg(pairs: readonly (readonly [string, string])[]): readonly number[] {
  const script = pairs
    .map(
      ([a, b]) =>
        `if dpkg --compare-versions '${a}' lt '${b}'; then echo -1; elif dpkg --compare-versions '${a}' eq '${b}'; then echo 0; else echo 1; fi`,
    )
    .join('\n');
  return execFileSync('sh', ['-s'], { input: script, encoding: 'utf8' }).trim().split('\n').map(Number);
}

describe('the order of versions', () => {
  test('is that of dpkg for versions that differ in small ways', () => {
    const part = fc.array(fc.constantFrom('0', '1', '9', '10', '00', 'a', 'Z', '~', '+', '.', '-', '~~', 'rc'), {
      maxLength: 6,
    });
    const version = fc
      .tuple(fc.constantFrom('', '', '0:', '1:', '10:'), part, fc.constantFrom('', '-0', '-1', '-1~deb12u1', '-1+b2'))
      .map(([epoch, middle, revision]) => `${epoch}1${middle.join('')}${revision}`.replace(/-+$/, ''));
    const pairs = fc.sample(fc.tuple(version, version), { numRuns: 500, seed: 7 });
    const ours = pairs.map(([a, b]) => Math.sign(compareVersions(a, b)));
    expect(pairs.map((pair, at) => [...pair, ours[at]])).toEqual(
      byDpkg(pairs).map((order, at) => [...(pairs[at] ?? []), order]),
    );
  });

  test('is that of dpkg for versions of the archive', () => {
    const versions = [...index.names()]
      .filter((_, at) => at % 199 === 0)
      .map((name) => index.named(name)[0]?.version ?? '');
    const pairs = versions.slice(1).map((version, at) => [versions[at] ?? '', version] as const);
    expect(pairs.map(([a, b]) => Math.sign(compareVersions(a, b)))).toEqual(byDpkg(pairs));
  });
});

let options: readonly string[] = [];

/** An apt of its own, that knows the mirror and has nothing installed. */
async function makeApt(): Promise<void> {
  const dir = join(on.folder, 'apt');
  await mkdir(join(dir, 'state/lists/partial'), { recursive: true });
  await mkdir(join(dir, 'cache/archives/partial'), { recursive: true });
  await writeFile(join(dir, 'status'), '');
  const keyring = on.mirror.keyring ?? '/usr/share/keyrings/debian-archive-keyring.gpg';
  const line = (url: string, suite: string): string => `deb [signed-by=${keyring}] ${url} ${suite} main\n`;
  const { url, security } = on.mirror;
  const last = security === undefined ? '' : line(security, `${SUITE}-security`);
  await writeFile(join(dir, 'sources.list'), line(url, SUITE) + line(url, `${SUITE}-updates`) + last);
  options = Object.entries({
    'Dir::State': join(dir, 'state'),
    'Dir::State::status': join(dir, 'status'),
    'Dir::Cache': join(dir, 'cache'),
    'Dir::Etc::sourcelist': join(dir, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'APT::Architecture': 'amd64',
    'APT::Architectures': 'amd64',
    'APT::Sandbox::User': 'root',
  }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run('apt-get', [...options, '-qq', 'update']);
}

/** What apt would install where nothing is. */
async function byApt(names: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run('apt-get', [...options, '-s', '-y', '--no-install-recommends', 'install', ...names], {
    maxBuffer: 64 << 20,
  });
  return [...stdout.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name, version]) => `${name}=${version}`).toSorted();
}

describe('what is chosen', () => {
  const python = debianRoots({ python: ['3.11'], r: false });
  test.each([
    ['a base for Python', python],
    [
      'R with packages of CRAN',
      [...debianRoots({ python: ['3.11'], r: true }), 'r-cran-dplyr', 'r-cran-data.table', 'r-cran-shiny'],
    ],
    ['tools of developers', [...python, 'git', 'curl', 'build-essential', 'python3-dev', 'libpq-dev', 'unixodbc-dev']],
    ['servers and clients', ['openjdk-17-jre-headless', 'postgresql', 'nginx', 'openssh-client', 'krb5-user']],
    [
      'a desktop’s libraries',
      ['libgtk-3-0', 'libgl1', 'ffmpeg', 'poppler-utils', 'tesseract-ocr', 'libreoffice-writer-nogui'],
    ],
    ['mail, with alternatives that nobody names', ['bsd-mailx', 'default-mta', 'cron', 'apt', 'systemd-sysv']],
  ])('is what apt chooses: %s', async (_title, names) => {
    const ours = (await lockOf(on, names)).map(({ name, version }) => `${name}=${version}`).toSorted();
    const apt = await byApt([...names, ...index.essential, 'usr-is-merged']);
    expect(ours).toEqual(apt);
    expect(ours.length).toBeGreaterThan(50);
  });
});

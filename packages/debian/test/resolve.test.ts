// Which packages a wish comes to, in small indexes where each rule can be seen.
import type { LockedDeb } from '@rebake/image';
import { describe, expect, test } from 'vitest';
import { compactPackages, openPackages } from '../src/index/packages.ts';
import { debianPythons, glibcOf } from '../src/index.ts';
import { resolveIn, type Resolution } from '../src/resolve/resolve.ts';
import { lockedOf, packagesText, type DebSpec } from './make.ts';

function resolve(
  specs: readonly DebSpec[],
  packages: readonly string[],
  installed: readonly LockedDeb[] | null = [],
): Resolution {
  const index = openPackages([compactPackages(packagesText(specs))]);
  return resolveIn({ suite: 'bookworm', architecture: 'amd64', packages, installed }, index);
}

function names(result: Resolution): readonly string[] {
  return result.ok ? result.packages.map(({ name, version }) => `${name}=${version}`) : [result.words];
}

const words = (result: Resolution): string => (result.ok ? '' : result.words);
const pkg = (name: string, fields: Readonly<Record<string, string>> = {}, version = '1.0'): DebSpec => ({
  name,
  version,
  fields,
});
const present = (name: string, version: string): LockedDeb => lockedOf({ name, version }, new Uint8Array());

describe('what is chosen', () => {
  test('is the newest version, with all that it needs', () => {
    const specs = [
      pkg('a', { 'Pre-Depends': 'b', Depends: 'c (>= 1.1), d [arm64]' }),
      pkg('b'),
      pkg('c'),
      pkg('c', {}, '1.10'),
      pkg('d'),
    ];
    expect(names(resolve(specs, ['a']))).toEqual(['a=1.0', 'b=1.0', 'c=1.10']);
  });

  test('is of alternatives the one that is there, else the first that can be had', () => {
    const specs = [pkg('a', { Depends: 'x | y | z' }), pkg('y'), pkg('z')];
    expect(names(resolve(specs, ['a']))).toEqual(['a=1.0', 'y=1.0']);
    expect(names(resolve(specs, ['a', 'z']))).toEqual(['a=1.0', 'z=1.0']);
    expect(names(resolve(specs, ['a'], [present('z', '1.0')]))).toEqual(['a=1.0']);
  });

  test('is an alternative whose own needs can be met', () => {
    const specs = [pkg('a', { Depends: 'x | y' }), pkg('x', { Depends: 'good, missing' }), pkg('good'), pkg('y')];
    expect(names(resolve(specs, ['a']))).toEqual(['a=1.0', 'y=1.0']);
  });

  test('may stand for another, with a version where one is asked for; the more important one goes first', () => {
    const specs = [
      pkg('a', { Depends: 'mail' }),
      pkg('old', { Provides: 'mail', Priority: 'extra' }),
      pkg('main', { Provides: 'mail (= 3)', Priority: 'required' }),
      pkg('b', { Depends: 'mail (>= 2)' }),
      pkg('c', { Depends: 'mail (>= 4)' }),
    ];
    expect(names(resolve(specs, ['a']))).toEqual(['a=1.0', 'main=1.0']);
    expect(names(resolve(specs, ['b']))).toEqual(['b=1.0', 'main=1.0']);
    expect(words(resolve(specs, ['c']))).toContain('needs mail (>= 4)');
  });

  test('has every essential package in a whole system, and none besides on top of one', () => {
    const specs = [pkg('sh', { Essential: 'yes', Depends: 'libsh' }), pkg('libsh'), pkg('usr-is-merged'), pkg('a')];
    expect(names(resolve(specs, ['a'], null))).toEqual(['a=1.0', 'libsh=1.0', 'sh=1.0', 'usr-is-merged=1.0']);
    expect(names(resolve(specs, ['a']))).toEqual(['a=1.0']);
  });

  test('may need each other in circles', () => {
    const specs = [pkg('a', { Depends: 'b' }), pkg('b', { Depends: 'a' })];
    expect(names(resolve(specs, ['a']))).toEqual(['a=1.0', 'b=1.0']);
  });

  test('can be named with a version and an architecture', () => {
    const specs = [pkg('a'), pkg('a', {}, '2.0')];
    expect(names(resolve(specs, ['a=1.0']))).toEqual(['a=1.0']);
    expect(names(resolve(specs, ['a:amd64']))).toEqual(['a=2.0']);
    expect(words(resolve(specs, ['a:i386']))).toContain('only packages for amd64');
    expect(words(resolve(specs, ['a=3']))).toContain("Debian's index has a in 1.0, 2.0, not in 3");
  });

  test('is pinned to the file that the index names', () => {
    const result = resolve([pkg('a')], ['a']);
    expect(result).toMatchObject({
      packages: [
        { architecture: 'amd64', path: 'pool/main/a/a/a_1.0_amd64.deb', digest: expect.stringMatching(/^sha256:/) },
      ],
    });
  });
});

describe('what cannot be', () => {
  test('is a name that nobody knows: near ones are named, and all wrong names at once', () => {
    const specs = [pkg('python3.11'), pkg('r-cran-dplyr')];
    const said = words(resolve(specs, ['python3.10', 'r-cran-dplyrr', '../x']));
    expect(said).toContain('Debian has no package python3.10; there is python3.11');
    expect(said).toContain('Debian has no package r-cran-dplyrr for the R package dplyrr; there is r-cran-dplyr');
    expect(said).toContain('"../x" is no name of a Debian package');
  });

  test('is a name that several stand for', () => {
    const specs = [pkg('x', { Provides: 'mail' }), pkg('y', { Provides: 'mail' })];
    expect(words(resolve(specs, ['mail']))).toBe('several packages stand for mail, choose one of them: x, y');
    expect(names(resolve(specs.slice(1), ['mail']))).toEqual(['y=1.0']);
  });

  test('is two that are against each other, whoever says it', () => {
    for (const field of ['Conflicts', 'Breaks']) {
      const specs = [pkg('a', { [field]: 'b (<< 2)' }), pkg('b')];
      expect(words(resolve(specs, ['a', 'b']))).toBe('a 1.0 cannot be together with b (<< 2), and that is b 1.0');
      expect(words(resolve(specs, ['b', 'a']))).toBe('a 1.0 cannot be together with b (<< 2), and that is b 1.0');
    }
    expect(names(resolve([pkg('a', { Breaks: 'b (<< 2)' }), pkg('b', {}, '2')], ['a', 'b']))).toEqual(['a=1.0', 'b=2']);
  });

  test('is a need that nothing meets, named with who needs it', () => {
    const specs = [pkg('a', { Depends: 'b' }), pkg('b', { Depends: 'c (>= 2) | d' }), pkg('c')];
    const said = words(resolve(specs, ['a']));
    expect(said).toContain('a 1.0 needs b: b 1.0 needs c (>= 2) | d: the index has c 1.0');
  });

  test('is what would need a newer package than the image below has', () => {
    const specs = [pkg('a', { Depends: 'libc (>= 2)' }), pkg('libc', {}, '2.0')];
    const said = words(resolve(specs, ['a'], [present('libc', '1.0')]));
    expect(said).toContain('the image below has libc 1.0, so its lock has to be renewed first');
    expect(names(resolve(specs, ['a'], [present('libc', '2.0')]))).toEqual(['a=1.0']);
  });

  test('is what the image below is against', () => {
    const specs = [pkg('a'), pkg('b', { Conflicts: 'a' })];
    expect(words(resolve(specs, ['a'], [present('b', '1.0')]))).toContain('b 1.0 cannot be together with a');
  });
});

test('an index with broken stanzas is read without them', () => {
  const text = `Package: no-file\nVersion: 1\n\n${packagesText([pkg('a')])}garbage\n\nPackage: b\n`;
  const index = openPackages([compactPackages(text)]);
  expect([...index.names()]).toEqual(['a']);
});

test('the glibc of a lock is the version of its libc6', () => {
  expect(glibcOf([present('libc6', '2.36-9+deb12u10')])).toBe('2.36');
  expect(glibcOf([present('musl', '1.2')])).toBeNull();
});

test('Pythons of Debian are found by the packages that are installed', async () => {
  const info = ['base-files.list', 'python3-minimal.list', 'python3.11-minimal.list', 'python3.11-minimal.md5sums'];
  const fs = { list: async (path: string) => Promise.resolve(path === 'var/lib/dpkg/info' ? info : []) };
  expect(await debianPythons(fs)).toEqual([
    {
      version: '3.11',
      program: 'usr/bin/python3.11',
      folders: ['usr/lib/python3.11', 'usr/lib/python3/dist-packages'],
    },
  ]);
});

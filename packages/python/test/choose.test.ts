// Which file of a package is installed, without any index: the best that fits, then the source, else what is missing is named.
import { describe, expect, test } from 'vitest';
import type { LockedFile, LockedPackage } from '@rebake/image';
import { chooseFiles } from '../src/choose/choose.ts';
import { parseWheelName, type Target } from '../src/choose/tags.ts';
import { readElf } from '../src/interpreter/elf.ts';
import { fullVersion } from '../src/interpreter/find.ts';
import { parseRecord, formatRecord } from '../src/wheel/record.ts';
import { imageWith } from './support/rig.ts';

const target: Target = { interpreter: '3.11', glibc: '2.28', platform: 'linux/amd64' };
const file = (name: string): LockedFile => ({
  name,
  url: `https://example.com/${name}`,
  size: 1,
  digest: `sha256:${'0'.repeat(64)}`,
});

function pkg(wheels: readonly string[], more: Partial<LockedPackage> = {}): LockedPackage {
  return { name: 'demo', version: '1.0', marker: null, direct: false, wheels: wheels.map(file), sdist: null, ...more };
}

const chosen = (locked: readonly LockedPackage[], full = '3.11.4', wanted = target): readonly string[] =>
  chooseFiles(locked, wanted, full).map((choice) => choice.file.name);

describe('of the wheels of a package', () => {
  test.each([
    [
      'its own Python before abi3 before any',
      [
        'demo-1.0-py3-none-any.whl',
        'demo-1.0-cp39-abi3-manylinux_2_17_x86_64.whl',
        'demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl',
      ],
      'demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl',
    ],
    [
      'the newest glibc that is there',
      [
        'demo-1.0-cp311-cp311-manylinux2014_x86_64.whl',
        'demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl',
        'demo-1.0-cp311-cp311-manylinux_2_34_x86_64.whl',
      ],
      'demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl',
    ],
    [
      'one of several tags',
      [
        'demo-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
        'demo-1.0-cp311-cp311-musllinux_1_2_x86_64.whl',
      ],
      'demo-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
    ],
    [
      'the highest build',
      ['demo-1.0-2-py3-none-any.whl', 'demo-1.0-10-py3-none-any.whl', 'demo-1.0-py3-none-any.whl'],
      'demo-1.0-10-py3-none-any.whl',
    ],
    ['py2.py3', ['demo-1.0-py2.py3-none-any.whl'], 'demo-1.0-py2.py3-none-any.whl'],
  ])('%s is taken, in whatever order they are', (_, wheels, expected) => {
    expect(chosen([pkg(wheels)])).toEqual([expected]);
    expect(chosen([pkg(wheels.toReversed())])).toEqual([expected]);
  });

  test.each([
    'demo-1.0-cp311-cp311-musllinux_1_2_x86_64.whl',
    'demo-1.0-cp312-abi3-manylinux1_x86_64.whl',
    'demo-1.0-cp311-cp311-manylinux_2_31_x86_64.whl',
    'demo-1.0-cp311-cp311-manylinux_2_17_aarch64.whl',
    'demo-1.0-py2-none-any.whl',
    'demo-1.0-cp311-cp311t-manylinux_2_17_x86_64.whl',
    'demo-1.0.whl',
  ])('%s does not fit', (name) => {
    expect(() => chosen([pkg([name])])).toThrow(
      /^WHEEL_MISSING: nothing fits Python 3\.11 on linux\/amd64 with glibc 2\.28: demo 1\.0 is there as /,
    );
  });

  test('none that fits, the source is taken', () => {
    expect(chosen([pkg(['demo-1.0-cp312-cp312-win_amd64.whl'], { sdist: file('demo-1.0.tar.gz') })])).toEqual([
      'demo-1.0.tar.gz',
    ]);
  });

  test('all that is missing is named at once', () => {
    expect(() => chosen([pkg([]), pkg(['x-1-cp37-cp37m-linux_x86_64.whl'], { name: 'other' })])).toThrow(
      /demo 1\.0 has no file at all; other 1\.0 is there as cp37-cp37m-linux_x86_64/,
    );
  });
});

describe('markers', () => {
  const any = ['demo-1.0-py3-none-any.whl'];

  test('leave out what is for others, and choose between versions', () => {
    const locked = [
      pkg(any, { marker: 'python_version < "3.11"', version: '0.9' }),
      pkg(any, { marker: 'python_version >= "3.11"' }),
      pkg(['win-1.0-py3-none-any.whl'], { name: 'win', marker: "sys_platform == 'win32'" }),
    ];
    expect(chosen(locked)).toEqual(any);
  });

  test('see the whole version of the interpreter, and the machine', () => {
    const locked = [pkg(any, { marker: 'python_full_version > "3.11.3" and platform_machine == "x86_64"' })];
    expect(chosen(locked, '3.11.4')).toEqual(any);
    expect(chosen(locked, '3.11.2')).toEqual([]);
    expect(chosen(locked, '3.11.4', { ...target, platform: 'linux/arm64' })).toEqual([]);
  });

  test('that are none, and two versions for one target, are told', () => {
    expect(() => chosen([pkg(any, { marker: 'color == "red"' })])).toThrow(
      /WHEEL_INVALID: the marker of demo: color is no variable of markers/,
    );
    expect(() => chosen([pkg(any, { marker: '('.repeat(5000) })])).toThrow(/WHEEL_INVALID/);
    expect(() => chosen([pkg(any), pkg(any)])).toThrow(/two versions of demo/);
  });
});

test('names of wheels are read as they are written', () => {
  expect(parseWheelName('Flask_Thing-1.0+local.1-3b-py2.py3-none-any.whl')).toEqual({
    name: 'Flask_Thing',
    version: '1.0+local.1',
    build: '3b',
    tags: ['py2-none-any', 'py3-none-any'],
  });
  for (const name of [
    'demo.tar.gz',
    'demo-1.0-any.whl',
    'demo-1.0-x-py3-none-any.whl',
    '../demo-1.0-py3-none-any.whl',
    'a-1-2-3-4-5-6.whl',
  ])
    expect(parseWheelName(name)).toBeNull();
});

test('the whole version of an interpreter is read out of its file', async () => {
  const image = imageWith({ 'usr/bin/python3.11': null });
  const withBytes = {
    ...image,
    read: async (path: string) =>
      Promise.resolve(
        path === 'usr/bin/python3.11' ? Buffer.from(['x', '3.11', '3.110.1', '3.11.9rc1', 'y'].join('\0')) : null,
      ),
  };
  expect(await fullVersion(withBytes, { path: '/usr/bin/python3.11', real: 'usr/bin/python3.11' }, '3.11')).toBe(
    '3.11.9rc1',
  );
  expect(await fullVersion(image, { path: '/usr/bin/python3.11', real: 'usr/bin/python3.11' }, '3.11')).toBeNull();
});

test('what is no program, or a broken one, is none', () => {
  expect(readElf(Buffer.from('#!/bin/sh\n'))).toBeNull();
  const broken = Buffer.alloc(64, 0xff);
  Buffer.from('7f454c460201', 'hex').copy(broken);
  expect(readElf(broken)).toBeNull();
});

test('RECORD is read and written as CSV', () => {
  const rows = [
    { path: 'a,"b".py', hash: 'sha256=x', size: '1' },
    { path: 'plain.py', hash: '', size: '' },
  ];
  expect(formatRecord(rows)).toBe('"a,""b"".py",sha256=x,1\nplain.py,,\n');
  expect(parseRecord(formatRecord(rows))).toEqual(rows);
  expect(parseRecord('\uFEFFa.py,,\r\n\r\nb.py\r\n')).toEqual([
    { path: 'a.py', hash: '', size: '' },
    { path: 'b.py', hash: '', size: '' },
  ]);
  for (const text of ['"open,,\n', ',sha256=x,1\n', 'a,b,c,d\n']) expect(parseRecord(text)).toBeNull();
});

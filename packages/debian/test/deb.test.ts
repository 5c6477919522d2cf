// Packages that are broken, or that would do what none may do.
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { describe, expect, test } from 'vitest';
import { openDeb } from '../src/deb/open.ts';
import { unxz } from '../src/xz.ts';
import { arOf, controlOf, failureOf, makeDeb, tarOf, type TarItem } from './make.ts';

const control = gzipSync(tarOf([{ path: './control', text: controlOf({ name: 'a' }) }]));
const file: TarItem = { path: './usr/a', text: 'hello' };
const version = ['debian-binary', Buffer.from('2.0\n')] as const;

function debOf(name: string, data: Uint8Array): Buffer {
  return arOf([version, ['control.tar.gz', control], [name, data]]);
}

describe('a package', () => {
  test.each([
    ['data.tar', (tar: Buffer) => tar],
    ['data.tar.gz', (tar: Buffer) => gzipSync(tar)],
    ['data.tar.zst', (tar: Buffer) => zstdCompressSync(tar)],
    ['data.tar.xz', async (tar: Buffer) => xz.compress(tar)],
  ])('is read with %s', async (name, pack) => {
    const { entries, data, control: texts } = await openDeb(debOf(name, await pack(tarOf([file]))), 'a');
    expect(entries).toMatchObject([{ path: 'usr/a', type: 'file', size: 5 }]);
    const { offset = 0, size = 0 } = entries[0] ?? {};
    expect(Buffer.from(data.subarray(offset, offset + size)).toString()).toBe('hello');
    expect(texts['control']).toContain('Package: a');
  });

  const tarred = (...items: TarItem[]): Buffer => debOf('data.tar.gz', gzipSync(tarOf(items)));
  const whole = makeDeb({ name: 'a', data: [file] }).bytes;
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['that is no archive', Buffer.from('PK\x03\x04')],
    ['that is empty', Buffer.alloc(0)],
    ['that is cut off', whole.subarray(0, whole.length - 40)],
    [
      'with members in another order',
      arOf([version, ['data.tar.gz', gzipSync(tarOf([file]))], ['control.tar.gz', control]]),
    ],
    [
      'of another format',
      arOf([
        ['debian-binary', Buffer.from('3.0\n')],
        ['control.tar.gz', control],
        ['data.tar', tarOf([])],
      ]),
    ],
    [
      'with a member too many',
      arOf([version, ['control.tar.gz', control], ['data.tar', tarOf([])], ['more', Buffer.alloc(1)]]),
    ],
    [
      'without a control file',
      arOf([version, ['control.tar', tarOf([{ path: './md5sums', text: '' }])], ['data.tar', tarOf([])]]),
    ],
    ['compressed in a way that nobody knows', debOf('data.tar.lz', Buffer.from('LZIP'))],
    ['with broken gzip', debOf('data.tar.gz', Buffer.from('no gzip'))],
    ['with broken xz', debOf('data.tar.xz', Buffer.from('no xz'))],
    ['with broken zstd', debOf('data.tar.zst', Buffer.from('no zstd'))],
    ['with a path that leads out', tarred({ path: '../etc/passwd', text: 'x' })],
    ['with an absolute path', tarred({ path: '/etc/passwd', text: 'x' })],
    ['with a device', tarred({ path: './dev/null', type: 'character' })],
    ['with a hard link that leads out', tarred({ path: './a', type: 'hardlink', target: '../../etc/shadow' })],
    ['with a hard link to what is not in it', tarred({ path: './a', type: 'hardlink', target: './etc/shadow' })],
    [
      'with a file below its own link',
      tarred({ path: './a', type: 'symlink', target: '/etc' }, { path: './a/passwd', text: '' }),
    ],
    ['with a file twice', tarred(file, { ...file, text: 'other' })],
  ];
  test.each(cases)('%s is refused', async (_words, bytes) => {
    const { code, words } = await failureOf(openDeb(bytes, 'evil 1.0'));
    expect(code).toBe('DEB_INVALID');
    expect(words).toContain('evil 1.0');
  });
});

describe('a bomb ends in a message before it fills the memory', () => {
  test('in gzip', async () => {
    const deb = arOf([
      version,
      ['control.tar.gz', gzipSync(Buffer.alloc(80 << 20), { level: 1 })],
      ['data.tar', tarOf([])],
    ]);
    const { code, words } = await failureOf(openDeb(deb, 'bomb 1.0'));
    expect(code).toBe('DEB_INVALID');
    expect(words).toContain('control.tar.gz cannot be decompressed');
  });

  test('in xz', async () => {
    const bomb = await xz.compress(Buffer.alloc(4 << 20));
    await expect(unxz(bomb, 1 << 20)).rejects.toThrow('more than 1048576 bytes when decompressed');
    expect(await unxz(bomb, 4 << 20)).toHaveLength(4 << 20);
  });
});

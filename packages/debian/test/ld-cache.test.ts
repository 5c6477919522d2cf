// The cache of libraries against the rules of glibc's loader, which reads it by binary search.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareNames, ldCache, type Library } from '../src/layout/ld-cache.ts';
import { sonameOf } from '../src/deb/soname.ts';

/** As the loader reads it. */
function read(text: string): readonly Library[] {
  const bytes = Buffer.from(text, 'latin1');
  const string = (at: number): string => bytes.toString('latin1', at, bytes.indexOf(0, at));
  return Array.from({ length: bytes.readUInt32LE(20) }, (_, i) => ({
    soname: string(bytes.readUInt32LE(48 + 24 * i + 4)),
    path: string(bytes.readUInt32LE(48 + 24 * i + 8)),
  }));
}

const names = fc.stringMatching(/^lib[a-c1-3.]{0,6}\.so(?:\.[0-3]{1,2}){0,2}$/);

test('holds every library, in the order of the loader, whatever they are called', () => {
  fc.assert(
    fc.property(fc.uniqueArray(names, { maxLength: 20 }), (all) => {
      const libraries = all.map((soname) => ({ soname, path: `/usr/lib/${soname}` }));
      const found = read(ldCache(libraries, 'amd64', 'test') ?? '');
      expect(new Set(found.map(({ path }) => path))).toEqual(new Set(libraries.map(({ path }) => path)));
      for (const { soname, path } of found) expect(path).toBe(`/usr/lib/${soname}`);
      for (const [i, { soname }] of found.entries())
        expect(compareNames(found[i - 1]?.soname ?? soname, soname)).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('numbers in names count as numbers, and more than letters', () => {
  const sorted = ['libz.so.1', 'libz3.so', 'libz.so.10', 'libz.so.9', 'libz.so'].toSorted(compareNames);
  expect(sorted).toEqual(['libz.so', 'libz.so.1', 'libz.so.9', 'libz.so.10', 'libz3.so']);
});

test('says the kind of library of its architecture, and nothing for others', () => {
  const one = [{ soname: 'liba.so.1', path: '/lib/liba.so.1' }];
  const kind = (architecture: string): number | undefined => {
    const text = ldCache(one, architecture, 'test');
    return text === null ? undefined : Buffer.from(text, 'latin1').readInt32LE(48);
  };
  expect([kind('amd64'), kind('arm64'), kind('mips64el')]).toEqual([0x303, 0xa03, undefined]);
});

test('what is no library, or is broken, has no name', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(sonameOf(bytes)).toBeNull();
      const head = Buffer.alloc(64 + bytes.length);
      head.write('\x7fELF\x02\x01', 0, 'latin1');
      head.writeUInt16LE(62, 18);
      Buffer.from(bytes).copy(head, 32);
      expect([null, '']).toContain(sonameOf(head));
    }),
  );
});

/** The order in which BuildKit wants files, and the parts that it asks for. */
import { compareBytes } from '@rebake/image';
import type { ContextFile } from '@rebake/image';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { follow, walk } from '../src/file-tree.ts';

const file = (path: string): ContextFile => ({ path, text: path, digest: 'sha256:0', exec: false });
const paths = (...names: string[]) => walk(names.map(file)).map((entry) => entry.path);

describe('walk', () => {
  it('puts directories before what they hold, and a directory before names that only begin like it', () => {
    expect(paths('a.b', 'a/c', 'a-b', 'a/b/z')).toEqual(['a', 'a/b', 'a/b/z', 'a/c', 'a-b', 'a.b'].toSorted(byNames));
    expect(paths('a/b', 'a.txt')).toEqual(['a', 'a/b', 'a.txt']);
  });

  it('sorts names by their UTF-8 bytes', () => {
    expect(paths('é', 'z', '\u{1F40B}', '\uFFFD')).toEqual(['z', 'é', '\uFFFD', '\u{1F40B}']);
  });

  it('holds every file once, each after its parents, for any set of files', () => {
    const name = fc.stringMatching(/^[a-c.\-é]{1,3}$/).filter((text) => text !== '.' && text !== '..');
    const tree = fc.uniqueArray(
      fc
        .array(name, { minLength: 1, maxLength: 4 })
        .map((names) => [...names.slice(0, -1).map((dir) => `d${dir}`), `f${names.at(-1)}`].join('/')),
    );
    fc.assert(
      fc.property(tree, (files) => {
        const order = paths(...files);
        expect(order).toEqual(order.toSorted(byNames));
        expect(new Set(order).size).toBe(order.length);
        for (const path of files) expect(order).toContain(path);
        for (const path of order) if (path.includes('/')) expect(order).toContain(path.slice(0, path.lastIndexOf('/')));
      }),
    );
  });

  it.each(['../x', 'a//b', '/etc/passwd', 'a/./b', 'a\0', ''])('refuses the path %j', (path) => {
    expect(() => walk([file(path)])).toThrow(/not a path of a context/);
  });

  it('refuses a name that is both a file and a directory, and a file given twice', () => {
    expect(() => walk([file('a'), file('a/b')])).toThrow(/both a file and a directory/);
    expect(() => walk([file('a/b'), file('a')])).toThrow(/twice/);
    expect(() => walk([file('a'), file('a')])).toThrow(/twice/);
  });
});

describe('follow', () => {
  const entries = walk(['a/b/c', 'a/d', 'ab/c', 'x[1].txt', 'y'].map(file));
  const followed = (...names: string[]) => follow(entries, names).map((entry) => entry.path);

  it('gives the named paths with what is above and below them', () => {
    expect(followed('a/b')).toEqual(['a', 'a/b', 'a/b/c']);
    expect(followed('/y', './a/d/')).toEqual(['a', 'a/d', 'y']);
    expect(followed('nothing')).toEqual([]);
  });

  it('gives everything for no names, for the root and for wildcards in it', () => {
    for (const names of [[], ['/'], ['.'], ['*.txt'], ['y', 'x[1].txt']])
      expect(followed(...names)).toHaveLength(entries.length);
  });

  it('narrows a wildcard to the directory that it is in', () => {
    expect(followed('a/b/*')).toEqual(['a', 'a/b', 'a/b/c']);
  });
});

/** The receiver's own rule: paths are compared name by name. */
function byNames(a: string, b: string): number {
  return compareBytes(a.replaceAll('/', '\0'), b.replaceAll('/', '\0'));
}

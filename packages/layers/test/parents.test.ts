/** Parent folders of a layer's entries. */
import { expect, it } from 'vitest';
import { withParents } from '../src/index.ts';
import { file, folder } from './support/rig.ts';

const root = { mode: 0o755, uid: 0, gid: 0 };

it('names each parent once, before what is in it', async () => {
  const all = await withParents([file('opt/env/bin/python'), file('opt/env/lib/x'), file('top')], root);
  expect(all.map(({ path, type }) => `${type} ${path}`)).toEqual([
    'directory opt',
    'directory opt/env',
    'directory opt/env/bin',
    'file opt/env/bin/python',
    'directory opt/env/lib',
    'file opt/env/lib/x',
    'file top',
  ]);
});

it('takes a folder as it is among the entries, also when it comes late, and only once', async () => {
  const own = { ...folder('a/b', 0o2775), gid: 7 };
  const all = await withParents([file('a/b/c'), own, folder('d'), folder('d')], root);
  expect(all).toEqual(
    [folder('a'), own, file('a/b/c'), folder('d')].map((entry) =>
      expect.objectContaining({ ...entry, ...(entry.type === 'file' ? { bytes: expect.any(Function) } : {}) }),
    ),
  );
});

it('leaves folders of the layers below as they are there', async () => {
  const known = async (path: string): Promise<typeof root | null> =>
    Promise.resolve(path === 'tmp' ? { mode: 0o1777, uid: 1, gid: 2 } : null);
  const all = await withParents([file('tmp/x/y')], { ...root, known });
  expect(all.slice(0, 2)).toEqual([
    { path: 'tmp', type: 'directory', mode: 0o1777, uid: 1, gid: 2 },
    { path: 'tmp/x', type: 'directory', mode: 0o755, uid: 0, gid: 0 },
  ]);
});

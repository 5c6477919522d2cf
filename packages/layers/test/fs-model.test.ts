/** The file system of any layers is that which applying them one by one makes, as an engine does it. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { openCache } from '@rebake/cache';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openImageFs, writeLayer, type ImageFs, type LayerSource, type TreeEntry } from '../src/index.ts';
import { file, folder, signal, sourceOf, temporaryFolder } from './support/rig.ts';

type Change = { readonly path: string; readonly kind: 'file' | 'folder' | 'gone' | 'opaque'; readonly mode: number };

const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const change: fc.Arbitrary<Change> = fc.record({
  path,
  kind: fc.constantFrom('file', 'file', 'folder', 'folder', 'gone', 'opaque'),
  mode: fc.constantFrom(0o600, 0o644, 0o755),
});

const isBelow = (one: string, other: string): boolean => one.startsWith(`${other}/`);

/** Without what contradicts itself: a path twice, or something below a file. */
const layer = fc.array(change, { maxLength: 7 }).map((changes) => {
  const kept: Change[] = [];
  for (const one of changes) {
    const clashes = kept.some((other) => {
      if (one.path === other.path)
        return (
          one.kind === other.kind ||
          (one.kind !== 'gone' && other.kind !== 'gone' && [one.kind, other.kind].includes('file'))
        );
      if (isBelow(one.path, other.path)) return other.kind === 'file';
      return isBelow(other.path, one.path) && one.kind === 'file';
    });
    if (!clashes) kept.push(one);
  }
  return kept;
});

function entriesOf(changes: readonly Change[]): TreeEntry[] {
  return changes.map(({ path: at, kind, mode }) => {
    if (kind === 'file') return file(at, '', mode);
    if (kind === 'folder') return folder(at, mode);
    const slash = at.lastIndexOf('/') + 1;
    return kind === 'gone' ? file(`${at.slice(0, slash)}.wh.${at.slice(slash)}`) : file(`${at}/.wh..wh..opq`);
  });
}

/** Path → kind and mode. */
type Model = Map<string, string>;

function remove(model: Model, at: string): void {
  for (const one of model.keys()) if (one === at || isBelow(one, at)) model.delete(one);
}

function parents(model: Model, at: string): void {
  for (let slash = at.indexOf('/'); slash > 0; slash = at.indexOf('/', slash + 1)) {
    const parent = at.slice(0, slash);
    if (model.get(parent)?.startsWith('directory') === true) continue;
    remove(model, parent);
    model.set(parent, 'directory 755');
  }
}

function apply(model: Model, changes: readonly Change[]): void {
  for (const { path: at, kind } of changes) {
    if (kind === 'gone') remove(model, at);
    if (kind === 'opaque') for (const one of model.keys()) if (isBelow(one, at)) model.delete(one);
  }
  for (const { path: at, kind, mode } of changes) {
    parents(model, at);
    if (kind === 'gone') continue;
    if (kind === 'opaque') {
      parents(model, `${at}/x`);
      continue;
    }
    const before = model.get(at);
    if (kind === 'file' || before?.startsWith('directory') !== true) remove(model, at);
    model.set(at, `${kind === 'file' ? 'file' : 'directory'} ${mode.toString(8)}`);
  }
}

async function shown(fs: ImageFs, at = '', found: Model = new Map()): Promise<Model> {
  for (const child of await fs.list(at)) {
    const below = at === '' ? child : `${at}/${child}`;
    const { type, mode } = (await fs.stat(below, { follow: false }))!;
    found.set(below, `${type} ${mode.toString(8)}`);
    if (type === 'directory') await shown(fs, below, found);
  }
  return found;
}

const sorted = (model: Model): unknown => [...model].toSorted(([a], [b]) => (a < b ? -1 : 1));

it('is that of an engine, whatever the layers, in whatever order it is asked, noted while they were written or not', async () => {
  const home = temporaryFolder();
  await fc.assert(
    fc.asyncProperty(
      fc.array(layer, { minLength: 1, maxLength: 4 }),
      fc.array(path, { maxLength: 4 }),
      fc.boolean(),
      async (layers, asked, isGround) => {
        // One of its own: what was noted of a layer before would answer for this one.
        const cache = openCache(mkdtempSync(join(home, 'cache-')));
        const model: Model = new Map();
        const sources: LayerSource[] = [];
        for (const changes of layers) {
          apply(model, changes);
          const options = { compression: 'zstd', signal, isGround } as const;
          sources.push(sourceOf(cache, await writeLayer(cache, entriesOf(changes), options)));
        }
        const fs = openImageFs(cache, sources, signal);
        const answers = await Promise.all(asked.map(async (at) => fs.stat(at, { follow: false })));
        expect(answers.map((one) => one?.type ?? null)).toEqual(
          asked.map((at) => model.get(at)?.split(' ')[0] ?? null),
        );
        expect(sorted(await shown(fs))).toEqual(sorted(model));
        await cache.close();
      },
    ),
    { numRuns: 100 },
  );
}, 120_000);

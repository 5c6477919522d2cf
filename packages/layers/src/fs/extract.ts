/** Files of an image as files of this machine: which ones, and where their contents are. Each layer is gone through once. */
import { posix } from 'node:path';
import type { Found, LayerSource } from '../types.ts';
import { passOver, type Span } from './contents.ts';
import { openFolder, type FileFacts } from './folder.ts';
import { layerAt, type Located, type Lookup } from './lookup.ts';

/** A content of one layer, and all files that have it. */
interface Wanted extends Span {
  readonly files: FileFacts[];
}

/** As `ImageFs.extract`. */
export async function extract(
  layers: readonly LayerSource[],
  lookup: Lookup,
  folder: string,
  choose: (path: string) => boolean,
  signal: AbortSignal,
): Promise<number> {
  const byLayer = new Map<number, Map<number, Wanted>>();
  const links: { readonly path: string; readonly target: string }[] = [];
  const to = openFolder(folder);
  let count = 0;
  for await (const { found, content } of walk(lookup, '', choose)) {
    signal.throwIfAborted();
    const { path, mode, size } = found;
    if (content === null) {
      const target = await lookup.locate(path, 'last');
      if (target === null) continue;
      // Its end, seen from where it is, through real folders only: no other link of the image can lead it astray.
      links.push({ path, target: posix.relative(posix.dirname(`/${path}`), `/${target.found.path}`) || '.' });
    } else if (size === 0) {
      await to.write([{ path, mode }], nothing());
    } else {
      const ofLayer = byLayer.get(content.layer) ?? new Map<number, Wanted>();
      byLayer.set(content.layer, ofLayer);
      const wanted = ofLayer.get(content.offset) ?? { offset: content.offset, size, files: [] };
      ofLayer.set(content.offset, wanted);
      wanted.files.push({ path, mode });
    }
    count++;
  }
  for (const [i, ofLayer] of byLayer) {
    await passOver(layerAt(layers, i), [...ofLayer.values()], signal, async ({ files }, pieces) =>
      to.write(files, pieces),
    );
  }
  // The last of all: nothing is written through them.
  for (const { path, target } of links) to.link(path, target);
  return count;
}

/** Files and symbolic links that are chosen, folder by folder. */
async function* walk(lookup: Lookup, folder: string, choose: (path: string) => boolean): AsyncGenerator<Located> {
  for (const name of await lookup.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`;
    const located = await lookup.locate(path, 'folders');
    if (located === null) continue;
    if (located.found.type === 'directory') yield* walk(lookup, path, choose);
    else if (isWritten(located.found) && choose(path)) yield located;
  }
}

const isWritten = ({ type }: Found): boolean => type === 'file' || type === 'symlink';

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Files of this machine, as `COPY --chown` puts them into an image. */
import { stat } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { BuildFailure, digestOf, readContextFile, verifyFileSet, type FileEntry, type Step } from '@rebake/image';
import { writeLayer, type Layer } from '@rebake/layers';
import { clean, createAdditions, join, ROOT_FOLDER } from '../additions.ts';
import { ownerIds } from '../accounts.ts';
import type { Draft, Workbench } from '../draft.ts';

type Copy = Extract<Step, { step: 'copy' }>;

/**
 * Folders that are made belong to the owner of the files; those of the set that are there already are given to him, the target itself is
 * not. An empty set makes the folder, as root. All of it as BuildKit does it.
 */
export async function copy({ files: set, to, owner }: Copy, draft: Draft, bench: Workbench): Promise<void> {
  const by = `rebake copy ${to}`;
  const additions = createAdditions(draft.fs());
  if (set.files.length === 0) {
    await additions.folder(to, ROOT_FOLDER);
    return draft.write(additions.entries(), by);
  }
  const ids = await ownerIds(draft.fs(), owner);
  const folder = { mode: 0o755, ...ids };
  await additions.folder(to, folder);
  const files = new Map<string, FileEntry>();
  for (const file of set.files) {
    const path = `${to}/${file.path}`;
    const parent = await additions.folder(path.slice(0, path.lastIndexOf('/')), folder);
    if (file.path.includes('/')) await own(file.path, to, additions, folder);
    const at = join(parent, path.slice(path.lastIndexOf('/') + 1));
    files.set(at, file);
    const source = joinPath(set.root, file.path);
    additions.put({
      path: at,
      type: 'file',
      mode: file.exec ? 0o755 : 0o644,
      ...ids,
      size: await sizeOf(source),
      bytes: () => readContextFile({ path: file.path, digest: file.digest, exec: file.exec, source }),
    });
  }
  const entries = additions.entries();
  const facts = entries.map((entry) => {
    const { path, type, mode, uid, gid } = entry;
    return [path, type, mode, uid, gid, files.get(path)?.digest ?? null];
  });
  const { cache, compression, signal, onLayer } = bench;
  const key = digestOf([compression, facts]);
  const known = await cache.recall<Layer & Record<string, string | number>>('copied', key);
  let layer: Layer;
  if (known !== null) {
    await verifyFileSet(set);
    layer = known;
    bench.log(`copy ${to}: layer from the cache`);
  } else {
    try {
      layer = await writeLayer(cache, entries, { compression, signal, isGround: true });
    } catch (error) {
      // A file that changed looks too long or too short before its digest is known.
      if (error instanceof BuildFailure && error.error.code === 'ARCHIVE_INVALID') await verifyFileSet(set);
      throw error;
    }
    const { diffId, digest, size, mediaType } = layer;
    await cache.keep('copied', key, { value: { diffId, digest, size, mediaType }, blobs: [digest] });
  }
  onLayer(layer);
  draft.add([layer], by);
}

/** Gives the folders of a set, below the target, to the owner. */
async function own(
  path: string,
  to: string,
  additions: ReturnType<typeof createAdditions>,
  facts: { readonly mode: number; readonly uid: number; readonly gid: number },
): Promise<void> {
  const parts = path.split('/').slice(0, -1);
  for (let count = 1; count <= parts.length; count++)
    additions.change(await additions.folder(clean(`${to}/${parts.slice(0, count).join('/')}`), facts), facts);
}

/** Size of a file; 0 where it is gone, which is found when it is read. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

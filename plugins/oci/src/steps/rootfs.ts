/** The root file system of a tar, as it stands. */
import { join } from 'node:path';
import type { Step } from '@rebake/image';
import { importTar } from '@rebake/layers';
import { failure } from '@rebake/sdk/building';
import type { Draft, Workbench } from '../draft.ts';

export async function rootfs(
  { files }: Extract<Step, { step: 'rootfs' }>,
  draft: Draft,
  bench: Workbench,
): Promise<void> {
  const [file] = files.files;
  if (file === undefined) throw failure('SPEC_INVALID', 'never', 'the file set of "rootfs" is empty');
  const { cache, compression, signal } = bench;
  const layer = await importTar(cache, join(files.root, file.path), file.digest, { compression, signal });
  bench.onLayer(layer);
  draft.add([layer], 'rebake rootfs');
}

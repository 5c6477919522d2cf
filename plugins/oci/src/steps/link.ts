/** A symbolic link, as `mkdir -p FOLDER; cd FOLDER; ln -sfn TARGET NAME` makes it. */
import type { Step } from '@rebake/image';
import { failure } from '@rebake/sdk/building';
import { createAdditions, join, ROOT_FOLDER } from '../additions.ts';
import type { Draft } from '../draft.ts';

export async function link({ folder, name, target }: Extract<Step, { step: 'link' }>, draft: Draft): Promise<void> {
  const additions = createAdditions(draft.fs());
  const parent = await additions.folder(folder, ROOT_FOLDER);
  let path = join(parent, name);
  if ((await additions.look(path))?.type === 'directory') {
    // Into a folder, `ln` puts the link inside.
    await additions.folder(path, ROOT_FOLDER);
    path = join(path, target.slice(target.replace(/\/+$/, '').lastIndexOf('/') + 1).replace(/\/+$/, ''));
    if ((await additions.look(path))?.type === 'directory')
      throw failure('STEP_FAILED', 'never', `/${path} is a folder in the image below, and no link can take its place`);
  }
  additions.put({ path, type: 'symlink', mode: 0o777, uid: 0, gid: 0, target });
  await draft.write(additions.entries(), `rebake link ${join(folder, name)} -> ${target}`);
}

/** The working directory of the finished image: as with Docker, it is made where it is not there, and belongs to the image's user. */
import { ownerIds } from '../accounts.ts';
import { createAdditions } from '../additions.ts';
import type { Draft } from '../draft.ts';

export async function workdir(path: string, user: string, draft: Draft): Promise<void> {
  const fs = draft.fs();
  const additions = createAdditions(fs);
  await additions.folder(path, { mode: 0o755, ...(await ownerIds(fs, user)) });
  const entries = additions.entries();
  if (entries.length > 0) await draft.write(entries, `rebake workdir ${path}`);
}

/** A user with its group and home, as useradd and groupadd enter it into the files of an image. */
import type { Step } from '@rebake/image';
import { failure } from '@rebake/sdk/building';
import type { ImageFs } from '@rebake/layers';
import { lineWith, linesOf } from '../accounts.ts';
import { createAdditions, join, ROOT_FOLDER, type Additions } from '../additions.ts';
import type { Draft } from '../draft.ts';

type User = Extract<Step, { step: 'user' }>;

/** Of files that are not there yet. */
const MODES: Readonly<Record<string, number>> = { passwd: 0o644, group: 0o644 };

/**
 * Enters the user where it is not there yet; its home can be written to by any user of group 0. Rejects with `STEP_FAILED` where name or numbers
 * belong to others.
 */
export async function user(step: User, draft: Draft): Promise<void> {
  const fs = draft.fs();
  const additions = createAdditions(fs);
  await enterGroup(step, fs, additions);
  await enterUser(step, fs, additions);
  const home = await additions.folder(step.home, ROOT_FOLDER);
  additions.change(home, { mode: 0o775, uid: step.uid, gid: 0 });
  await draft.write(additions.entries(), `rebake user ${step.name}`);
}

async function enterGroup({ name, gid }: User, fs: ImageFs | null, additions: Additions): Promise<void> {
  const groups = (await linesOf(fs, 'etc/group')) ?? [];
  if (lineWith(groups, 2, String(gid)) !== undefined) return;
  const other = lineWith(groups, 0, name);
  if (other !== undefined) throw taken(`the group ${name} is ${other[2]} in the image below, not ${gid}`);
  await append('group', `${name}:x:${gid}:`, fs, additions);
  if ((await linesOf(fs, 'etc/gshadow')) !== null) await append('gshadow', `${name}:!::`, fs, additions);
}

async function enterUser({ name, uid, gid, home }: User, fs: ImageFs | null, additions: Additions): Promise<void> {
  const users = (await linesOf(fs, 'etc/passwd')) ?? [];
  const holder = lineWith(users, 2, String(uid))?.[0];
  if (holder === name) return;
  if (holder !== undefined) throw taken(`the uid ${uid} is that of ${holder} in the image below, not of ${name}`);
  const other = lineWith(users, 0, name);
  if (other !== undefined) throw taken(`the user ${name} is ${other[2]} in the image below, not ${uid}`);
  const hasShadow = (await linesOf(fs, 'etc/shadow')) !== null;
  await append('passwd', `${name}:${hasShadow ? 'x' : '!'}:${uid}:${gid}::${home}:/bin/sh`, fs, additions);
  // The day of the last change is left out: it would be that of the build.
  if (hasShadow) await append('shadow', `${name}:!::0:99999:7:::`, fs, additions);
}

/** Adds a line to a file in /etc, whose owner and mode stay what they are. */
async function append(file: string, line: string, fs: ImageFs | null, additions: Additions): Promise<void> {
  const etc = await additions.folder('etc', ROOT_FOLDER);
  const found = await fs?.stat(join(etc, file));
  const lines = (await linesOf(fs, join(etc, file))) ?? [];
  const text = Buffer.from([...lines, line, ''].join('\n'));
  additions.put({
    path: found?.path ?? join(etc, file),
    type: 'file',
    mode: found?.mode ?? MODES[file] ?? 0o640,
    uid: found?.uid ?? 0,
    gid: found?.gid ?? 0,
    size: text.byteLength,
    bytes: async () => text,
  });
}

function taken(words: string) {
  return failure('STEP_FAILED', 'never', words);
}

/** Users and groups of an image, as its files have them. */
import { failure } from '@rebake/sdk/building';
import type { ImageFs } from '@rebake/layers';

const MOST_BYTES = 8 << 20;

/** The lines of a file of accounts, without empty ones; null: there is no such file. */
export async function linesOf(fs: ImageFs | null, path: string): Promise<readonly string[] | null> {
  const bytes = await fs?.read(path, MOST_BYTES);
  if (bytes === undefined || bytes === null) return null;
  return Buffer.from(bytes)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}

/** The first line whose field has a value. */
export function lineWith(lines: readonly string[], field: number, value: string): readonly string[] | undefined {
  return lines.map((line) => line.split(':')).find((fields) => fields[field] === value);
}

/** Numbers of `user` or `user:group`, by number or by a name of the image. A number alone is its group, too, as with Docker's --chown. */
export async function ownerIds(
  fs: ImageFs | null,
  owner: string,
): Promise<{ readonly uid: number; readonly gid: number }> {
  const [user = '', group] = owner.split(':');
  let uid = numberOf(user);
  let gid = uid;
  if (uid === null) {
    const fields = lineWith((await linesOf(fs, 'etc/passwd')) ?? [], 0, user);
    uid = numberOf(fields?.[2] ?? '');
    gid = numberOf(fields?.[3] ?? '');
    // Whatever an image calls him.
    if (uid === null && user === 'root') [uid, gid] = [0, 0];
    if (uid === null || gid === null) throw unknown('user', user, 'passwd');
  }
  if (group !== undefined) {
    gid = numberOf(group) ?? numberOf(lineWith((await linesOf(fs, 'etc/group')) ?? [], 0, group)?.[2] ?? '');
    if (gid === null && group === 'root') gid = 0;
    if (gid === null) throw unknown('group', group, 'group');
  }
  return { uid, gid: gid ?? uid };
}

function numberOf(text: string): number | null {
  return /^[0-9]{1,10}$/.test(text) ? Number(text) : null;
}

function unknown(what: string, name: string, file: string) {
  return failure('STEP_FAILED', 'never', `there is no ${what} ${JSON.stringify(name)} in /etc/${file} of the image`);
}

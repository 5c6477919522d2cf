/** Which keys an index has to be signed by. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DebianMirror } from '@rebake/image';
import { failure } from '../failures.ts';
import type { Keyring } from './release.ts';

/** Where Debian's package of its keys puts them. */
export const DEBIAN_KEYRINGS = '/usr/share/keyrings';

/**
 * The mirror's own keyring; else Debian's keys for this suite (`debian-archive-SUITE-*`), so that a key of one suite vouches for no other; else,
 * where the suite has none of its own, all of Debian's. `dist`: the folder below `dists`, `bookworm-security`.
 */
export async function keyringsFor(
  dist: string,
  mirror: DebianMirror,
  folder: string = DEBIAN_KEYRINGS,
): Promise<readonly Keyring[]> {
  if (mirror.keyring !== undefined) return [await readKeyring(mirror.keyring)];
  const names = await readdir(folder).catch((): string[] => []);
  const isSecurity = dist.endsWith('-security');
  const suite = dist.replace(/-(?:security|updates)$/, '');
  const own = names.filter((name) => {
    const [, of, security] =
      /^debian-archive-([a-z]+)-(security-)?(?:automatic|stable)\.(?:gpg|pgp|asc)$/.exec(name) ?? [];
    return of === suite && (security !== undefined) === isSecurity;
  });
  const all = names.filter((name) => /^debian-archive-keyring\.(?:gpg|pgp|asc)$/.test(name));
  const chosen = (own.length > 0 ? own : all).toSorted();
  if (chosen.length === 0) {
    throw failure(
      'DEBIAN_INDEX_INVALID',
      `there are no keys of Debian for ${dist} in ${folder} to check its index with: install debian-archive-keyring, or name a keyring at the mirror`,
    );
  }
  return Promise.all(chosen.map(async (name) => readKeyring(join(folder, name))));
}

async function readKeyring(path: string): Promise<Keyring> {
  try {
    return { path, bytes: await readFile(path) };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw failure('DEBIAN_INDEX_INVALID', `the keyring cannot be read: ${words}`, error);
  }
}

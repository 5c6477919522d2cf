/** Which packages a wish comes to. */
import type { DebianMirror, LockedDeb } from '@rebake/image';
import { failure } from '../failures.ts';
import type { Means } from '../means.ts';

export interface DebianWish {
  /** Such as `bookworm`. */
  readonly suite: string;
  readonly architecture: 'amd64' | 'arm64';
  /** Names as `apt install` takes them: `NAME`, `NAME=VERSION`, `NAME:ARCHITECTURE`. */
  readonly packages: readonly string[];
  /** Packages of the parent: what need not be there again. Null: a whole system, essential packages included. */
  readonly installed: readonly LockedDeb[] | null;
}

/** The packages, sorted by name, or in words why there is no answer (`DEBIAN_UNRESOLVABLE` for who throws it). */
export type Resolution =
  | { readonly ok: true; readonly packages: readonly LockedDeb[] }
  | { readonly ok: false; readonly words: string };

/**
 * What has to be installed for a wish, as `apt-get install --no-install-recommends` decides it, from the index of a mirror. Rejects with
 * `DEBIAN_INDEX_INVALID`, and with the failures of downloads.
 */
export async function resolveDebian(_wish: DebianWish, _mirror: DebianMirror, _means: Means): Promise<Resolution> {
  return Promise.reject(failure('DEBIAN_UNRESOLVABLE', 'not yet'));
}

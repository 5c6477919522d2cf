/** The failures of this package: `DEBIAN_INDEX_INVALID`, `DEBIAN_UNRESOLVABLE`, `DEB_INVALID`, `DEB_PARENT_MISSING`, `MIRROR_MISSING`. */
import { BuildFailure } from '@rebake/image';

export type Code =
  /** An index that is not signed as it has to be, is not what its signature covers, has expired or is of another suite. */
  | 'DEBIAN_INDEX_INVALID'
  /** Packages that cannot be together, or are not there. */
  | 'DEBIAN_UNRESOLVABLE'
  /** A package that is broken, or that would do what none may do. */
  | 'DEB_INVALID'
  /** An image below that has no Debian packages, or others than the lock was made for. */
  | 'DEB_PARENT_MISSING'
  /** No mirror is configured, and this machine has none. */
  | 'MIRROR_MISSING';

/** A failure that trying again does not mend. */
export function failure(code: Code, words: string, cause?: unknown): BuildFailure {
  return new BuildFailure({ code, retry: 'never', words }, cause === undefined ? {} : { cause });
}

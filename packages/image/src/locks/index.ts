/** Locks as data: reading them, and what of them counts. */
export { debianLockDifferences, debianLockDigest, lockDifferences, lockDigests } from './compare.ts';
export { debianLockText, parseDebianLock } from './debian-lock.ts';
export { wheelFits } from './fits.ts';
export type { WheelTarget } from './fits.ts';
export { debianLockFileName, lockFileName } from './file-names.ts';
export { parsePylock } from './pylock.ts';
export { pylockText } from './pylock-text.ts';
export type {
  DebianLock,
  DebianMadeFrom,
  DebianMirror,
  LockedDeb,
  LockedFile,
  LockedPackage,
  MadeFrom,
  ParsedLock,
  Pylock,
} from './types.ts';

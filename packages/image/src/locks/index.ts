/** Locks as data: reading them, and what of them counts. */
export { debianLockDifferences, debianLockDigest, lockDifferences, lockDigests } from './compare.ts';
export { debianLockText, parseDebianLock } from './debian-lock.ts';
export { debianLockFileName, lockFileName } from './file-names.ts';
export { parsePylock } from './pylock.ts';
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

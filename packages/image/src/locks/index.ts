/** Locks as data: reading them, and what of them counts. */
export type { DebianMirror, LockedDeb, LockedFile, LockedPackage } from './types.ts';

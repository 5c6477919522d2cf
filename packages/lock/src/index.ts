/** Resolving: requirements to pylock.toml with uv, Debian packages to their lock. */
export { createLocker, type Locker } from './locker.ts';
export { pipLogins, type LoginPlace, type Logins } from './pip/logins.ts';
export { findUv, type Uv } from './uv/find.ts';
export { readPipSettings, type PipSettings } from './pip/settings.ts';
export { withoutLogin } from './words.ts';
export type {
  DebianLockRequest,
  IndexAccess,
  LockMeans,
  LockOutcome,
  PythonLockRequest,
  SourceKind,
  Upgrade,
} from './types.ts';

/** What images install from locks. */
import type { DebianMirror, Platform } from '@rebake/sdk';
import type { LoadedDebianLock, LoadedPylock } from '../contract.ts';
import type { BaseFacts, CodeEnvFacts } from './facts.ts';

/** What one image installs from locks. */
export interface Pins {
  /** False: a lock that it needs is not there or cannot be used, so that there is no such image. */
  readonly sound: boolean;
  /** The same for images that install the same. */
  readonly key: string;
  readonly builder: string;
  readonly python: PinnedPython | null;
  readonly debian: PinnedDebian | null;
}

/** Python packages of a lock. */
export interface PinnedPython {
  readonly file: string;
  readonly lock: LoadedPylock;
  readonly glibc: string;
}

/** Debian packages of a lock. */
export interface PinnedDebian {
  readonly file: string;
  readonly lock: LoadedDebianLock;
  readonly suite: string;
  readonly mirror: DebianMirror | null;
}

/** There is no such image. */
export function unsound(builder: string): Pins {
  return { sound: false, key: '', builder, python: null, debian: null };
}

/** Names a base on a platform, or an env on it. */
export function pinsKey(base: BaseFacts, platform: Platform, env?: CodeEnvFacts): string {
  return `${base.name} ${platform} ${env?.id ?? ''}`;
}

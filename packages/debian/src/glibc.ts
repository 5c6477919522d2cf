/** Which glibc an image has, by its packages. */
import type { LockedDeb } from '@rebake/image';

/** `2.36` for a lock with `libc6` at `2.36-9+deb12u10`; null when it has no libc6. */
export function glibcOf(packages: readonly LockedDeb[]): string | null {
  const version = packages.find(({ name }) => name === 'libc6')?.version;
  return /^(?:\d+:)?(\d+\.\d+)/.exec(version ?? '')?.[1] ?? null;
}

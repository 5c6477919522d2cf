/** A lock as lines for pip: every file by hash, and nothing but these. */
import type { LockedPackage } from './types.ts';

/** Lines of a requirements file with which pip installs exactly the files of a lock: each with all the hashes that it may have. */
export function lockedRequirements(locked: readonly LockedPackage[]): string[] {
  return ['--require-hashes', ...locked.map(line)];
}

function line({ name, version, marker, direct, wheels, sdist }: LockedPackage): string {
  const files = [...wheels, ...(sdist === null ? [] : [sdist])];
  const [first] = files;
  const what = direct && first !== undefined ? `${name} @ ${first.url}` : `${name}==${version ?? ''}`;
  // A marker after an address needs the space before its semicolon.
  const condition = marker === null ? '' : ` ; ${marker}`;
  return [`${what}${condition}`, ...new Set(files.map(({ digest }) => `--hash=${digest}`))].join(' ');
}

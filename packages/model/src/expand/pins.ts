/** What locks pin, in the ledger and as steps. */
import type { Packages, Step, Where } from '@rebake/sdk';
import type { PinnedDebian, PinnedPython } from '../rules/pins.ts';
import type { KeyPath } from '../rules/problems.ts';
import type { Ledger } from './inputs.ts';

type Images = Ledger<'base image'> | Ledger<'env image'>;

/** Notes what counts of Python packages: neither addresses nor the order in the lock. */
export function pinnedPython(ledger: Images, { file, lock, glibc }: PinnedPython, path: KeyPath): void {
  ledger.text('glibc', glibc);
  ledger.lock('lock/', lock.counts, (name) => placeIn(file, lock.text(), `name = "${name}"`, path));
}

/** Notes what counts of Debian packages: neither mirrors nor paths on them. */
export function pinnedDebian(ledger: Images, { file, lock, suite }: PinnedDebian, path: KeyPath): void {
  ledger.text('debian-suite', suite);
  ledger.lock('debian/', lock.counts, (name) => placeIn(file, lock.text(), `"name":"${name}"`, path));
}

/** The Python packages of a step. */
export function lockedPackages({ lock, glibc }: PinnedPython): Packages {
  return { locked: lock.packages(), glibc };
}

/** The step that lays Debian packages out. */
export function debianStep({ lock, suite, mirror }: PinnedDebian): Step {
  return { step: 'debian', suite, packages: lock.packages(), mirror };
}

/** The line where a package stands, as uv and rebake write it; else the first. */
function placeIn(file: string, text: string, words: string, path: KeyPath): Where {
  const line = text.slice(0, Math.max(0, text.indexOf(words))).split('\n').length;
  return { file, line, column: 1, path: path.join('.') };
}

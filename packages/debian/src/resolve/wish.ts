/** What a user may write in place of a package's name, as apt takes it. */
import { compareBytes } from '@rebake/image';
import type { Candidate, Universe } from './universe.ts';

const WISH = /^([a-z0-9][a-z0-9+.-]*)(?::([a-z0-9-]+))?(?:=([A-Za-z0-9.+:~-]+))?$/;

/** The package of `NAME`, `NAME=VERSION` or `NAME:ARCHITECTURE`, or what is wrong, in words. */
export function findWish(wish: string, architecture: string, universe: Universe): Candidate | string {
  const match = WISH.exec(wish);
  if (match === null) return `${JSON.stringify(wish)} is no name of a Debian package`;
  const [, name = '', arch, version] = match;
  if (arch !== undefined && arch !== architecture && arch !== 'all' && arch !== 'any') {
    return `${wish}: only packages for ${architecture} can be installed`;
  }
  if (version !== undefined) {
    const exact = universe.exactly(name, version);
    if (exact !== null) return exact;
    const there = universe.candidate(name);
    if (there?.isInstalled === true) return `the image below has ${name} ${there.version}, not ${version}`;
    const versions = universe.versions(name);
    if (versions.length > 0) return `Debian's index has ${name} in ${versions.join(', ')}, not in ${version}`;
    return unknown(name, universe);
  }
  const candidate = universe.candidate(name);
  if (candidate !== null) return candidate;
  // A name that others stand for is taken where there is no choice.
  const providers = universe.providers(name);
  const there = providers.find(({ isInstalled }) => isInstalled);
  if (there !== undefined) return there;
  if (providers.length === 1 && providers[0] !== undefined) return providers[0];
  if (providers.length > 1) {
    const names = providers.map((one) => one.name).toSorted(compareBytes);
    return `several packages stand for ${name}, choose one of them: ${names.slice(0, 10).join(', ')}`;
  }
  return unknown(name, universe);
}

const R_PREFIX = 'r-cran-';

function unknown(name: string, universe: Universe): string {
  const near = nearest(name, universe.names());
  const hint = near.length === 0 ? '' : `; there is ${near.join(', ')}`;
  if (name.startsWith(R_PREFIX)) {
    return `Debian has no package ${name} for the R package ${name.slice(R_PREFIX.length)}${hint}`;
  }
  return `Debian has no package ${name}${hint}`;
}

/** Up to three names that differ little, the nearest first. */
function nearest(name: string, names: Iterable<string>): readonly string[] {
  const most = Math.max(1, Math.min(3, Math.ceil(name.length / 4)));
  const found: { readonly name: string; readonly distance: number }[] = [];
  for (const other of names) {
    if (Math.abs(other.length - name.length) > most) continue;
    const distance = distanceOf(name, other, most);
    if (distance <= most) found.push({ name: other, distance });
  }
  return found
    .toSorted((a, b) => a.distance - b.distance || compareBytes(a.name, b.name))
    .slice(0, 3)
    .map((one) => one.name);
}

/** Letters to change, add or leave out; anything above `most` once it is more. */
function distanceOf(a: string, b: string, most: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const cost = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      next.push(cost);
      least = Math.min(least, cost);
    }
    if (least > most) return least;
    row = next;
  }
  return row[b.length] ?? 0;
}

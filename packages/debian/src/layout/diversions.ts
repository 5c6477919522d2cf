/** Files of other packages that a package moves out of the way (`dpkg-divert`), as far as its scripts say it in so many words. */
import type { Deb } from '../deb/store.ts';
import { callsOf } from './shell.ts';

export interface Diversion {
  readonly by: string;
  /** Paths from the root. */
  readonly path: string;
  readonly to: string;
}

export function diversionsOf(deb: Deb): readonly Diversion[] {
  return callsOf(deb.control['preinst'] ?? '', 'dpkg-divert').flatMap((words) => {
    if (words.some((word) => /^--(?:remove|list|listpackage|truename)$/.test(word))) return [];
    const at = words.indexOf('--divert');
    const to = words[at + 1];
    const path = words.findLast((word, index) => word.startsWith('/') && (at < 0 || index !== at + 1));
    if (path === undefined) return [];
    const target = at < 0 || to === undefined ? `${path}.distrib` : to;
    return [{ by: deb.locked.name, path: path.slice(1), to: target.replace(/^\//, '') }];
  });
}

/** The file in which dpkg keeps them, with what stood there before. */
export function diversionsFile(before: string, diversions: readonly Diversion[]): string {
  return before + diversions.map(({ by, path, to }) => `/${path}\n/${to}\n${by}\n`).join('');
}

/** Folders that are links to other folders: what a package puts below the link is really below what it leads to. */

export interface Aliases {
  /** Where a path really is; its last part is not followed. */
  resolve(path: string): string;
  /** Whether a path is such a link. */
  has(path: string): boolean;
  /** `target`: path from the root. */
  add(path: string, target: string): void;
}

/** Links lead to links; what leads in circles is as it stands. */
const MAX_HOPS = 40;

export function aliases(): Aliases {
  const links = new Map<string, string>();
  // Nearly all paths of a folder share their answer.
  const known = new Map<string, string>();

  function folder(path: string, hops: number): string {
    if (path === '' || links.size === 0) return path;
    const cached = known.get(path);
    if (cached !== undefined) return cached;
    const slash = path.lastIndexOf('/');
    const above = slash < 0 ? '' : folder(path.slice(0, slash), hops);
    const name = path.slice(slash + 1);
    const real = above === '' ? name : `${above}/${name}`;
    const target = links.get(real);
    const found = target === undefined || hops >= MAX_HOPS ? real : folder(target, hops + 1);
    known.set(path, found);
    return found;
  }

  return {
    resolve(path) {
      const slash = path.lastIndexOf('/');
      if (slash < 0) return path;
      return `${folder(path.slice(0, slash), 0)}${path.slice(slash)}`;
    },
    has: (path) => links.has(path),
    add(path, target) {
      if (path === target) return;
      links.set(path, target);
      known.clear();
    },
  };
}

/** Where a link leads, as a path from the root. Null: out of it, or nowhere. */
export function targetOf(path: string, target: string): string | null {
  const parts = target.startsWith('/') ? [] : path.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.length === 0 ? null : parts.join('/');
}

/** Names of DSS as names of a declaration: kept where they can be, unique in any case. */

const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/;
const LONGEST = 90;
const inherited = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Hands out unique names; paths are made of them, so they differ in more than case. */
export class Names {
  private readonly taken = new Set<string>();

  /** The name itself where it can stand, else the nearest one that can. */
  take(wanted: string): string {
    const base = nameOf(wanted);
    let name = base;
    for (let count = 2; this.taken.has(name.toLowerCase()); count += 1) name = `${base}-${count}`;
    this.taken.add(name.toLowerCase());
    return name;
  }
}

/** A name that a declaration accepts. */
export function nameOf(wanted: string): string {
  if (isName(wanted)) return wanted;
  const made = wanted
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/\.{2,}/g, '.')
    .slice(0, LONGEST)
    .replaceAll(/^[.-]+|[.-]+$/g, '');
  return isName(made) ? made : `unnamed-${made.replaceAll(/\W/g, '')}`.replace(/-$/, '');
}

function isName(text: string): boolean {
  return text.length <= LONGEST && NAME.test(text) && !text.includes('..') && !inherited.has(text);
}

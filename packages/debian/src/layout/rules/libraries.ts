/** The cache of libraries, as ldconfig makes it in a new system: programs that look a library up by its name read it. */
import type { Deb } from '../../deb/store.ts';
import { glibcOf } from '../../glibc.ts';
import { compareVersions } from '../../resolve/version.ts';
import { compareNames, ldCache, type Library } from '../ld-cache.ts';
import type { Ground } from '../ground.ts';

/** Earlier ones write the cache in another form. */
const OLDEST_GLIBC = '2.36';
/** Where ldconfig looks in the end, whatever its settings say. */
const ALWAYS = ['/lib', '/usr/lib'];

/** Only for whole systems: what is put on top is found by the loader in the folders that it knows. */
export async function makeLibraries(ground: Ground, debs: readonly Deb[]): Promise<void> {
  const tool = debs.find(({ locked }) => locked.name === 'libc-bin');
  const glibc = glibcOf(debs.map(({ locked }) => locked));
  if (!ground.isWhole || tool === undefined || glibc === null || compareVersions(glibc, OLDEST_GLIBC) < 0) return;
  const libraries: Library[] = [];
  for (const folder of await folders(ground)) libraries.push(...inFolder(folder, ground));
  const { version, architecture } = tool.locked;
  const generator = `ldconfig (Debian GLIBC ${version}) stable release version ${glibc}`;
  const text = ldCache(libraries, architecture, generator);
  if (text !== null) ground.text('etc/ld.so.cache', text);
}

/** Each folder once, by the first of its names. */
async function folders(ground: Ground): Promise<readonly string[]> {
  const found = new Map<string, string>();
  const add = (path: string): void => {
    const real = ground.real(`${path.slice(1)}/x`);
    if (!found.has(real)) found.set(real, path);
  };
  const lines = async (path: string): Promise<readonly string[]> =>
    ((await ground.read(path)) ?? '').split('\n').map((line) => line.replace(/#.*/, '').trim());
  for (const line of await lines('etc/ld.so.conf')) {
    if (line === 'include /etc/ld.so.conf.d/*.conf') {
      for (const path of ground.below('etc/ld.so.conf.d'))
        if (path.endsWith('.conf')) for (const one of await lines(path)) if (one.startsWith('/')) add(one);
    } else if (line.startsWith('/')) add(line);
  }
  for (const path of ALWAYS) add(path);
  return [...found.values()];
}

/** What a library's file may be called. */
const NAME = /^(?:lib|ld-).*\.so/;

function inFolder(folder: string, ground: Ground): readonly Library[] {
  const found = new Map<string, Library>();
  for (const path of ground.in(folder.slice(1))) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!NAME.test(name) || name.endsWith('-gdb.py')) continue;
    const library = ground.library(path);
    if (library === null) continue;
    const soname = library.soname === '' ? name : library.soname;
    // A link that is called as the library, or by the first part of it, is known by its own name.
    const isOwn = library.isLink && (name === soname || (name.endsWith('.so') && soname.startsWith(name)));
    const known = isOwn ? name : soname;
    if (!found.has(known)) found.set(known, { soname: known, path: `${folder}/${known}` });
  }
  return [...found.values()].toSorted((a, b) => compareNames(a.soname, b.soname));
}

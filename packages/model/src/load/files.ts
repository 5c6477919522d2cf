/** Reads and hashes the files that a declaration names. No path leaves the config's folder unnoticed, also not through a link. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { FileProblem, type FileHasher, type FileSet } from '@rebake/image';
import type { Diagnostic } from '@rebake/sdk';
import type { LoadedText } from '../contract.ts';
import { diagnostic, type DiagnosticCode } from '../diagnostic-codes.ts';
import type { Config } from '../schema.ts';
import { FILE_CODES, FILE_WORDS } from './file-words.ts';
import { OWN_FOLDER } from './find.ts';
import { shown } from './finding.ts';
import { namedFiles, releases, type NamedFile } from './named-files.ts';
import { dotted, type KeyPath, type Source } from './source.ts';

/** How much of a path is watched: the path itself, or everything below it too. */
export type Watch = 'itself' | 'below';

/** What was read. `watched`: absolute paths whose change, also to being there at all, changes the outcome. */
export interface ReadFiles {
  readonly texts: ReadonlyMap<string, LoadedText>;
  readonly sets: ReadonlyMap<string, FileSet>;
  readonly kitVersions: ReadonlyMap<string, string>;
  readonly diagnostics: readonly Diagnostic[];
  readonly watched: ReadonlyMap<string, Watch>;
  /** Whether links were followed, so that watching the paths themselves is not enough. */
  readonly linked: boolean;
}

interface Reading {
  readonly source: Source;
  readonly root: string;
  readonly realRoot: string;
  readonly hasher: FileHasher;
  readonly texts: Map<string, LoadedText>;
  readonly sets: Map<string, FileSet>;
  readonly trees: Map<string, FileSet>;
  readonly diagnostics: Diagnostic[];
  readonly watched: Map<string, Watch>;
  linked: boolean;
}

/** Reads them all; what is wrong with one does not hide the others. */
export function readFiles(source: Source, config: Config, hasher: FileHasher): ReadFiles {
  const root = dirname(source.file);
  const reading: Reading = {
    source,
    root,
    realRoot: realpathSync.native(root),
    hasher,
    texts: new Map(),
    sets: new Map(),
    trees: new Map(),
    diagnostics: [],
    watched: new Map(),
    linked: false,
  };
  for (const named of namedFiles(config)) read(reading, named);
  return { ...reading, kitVersions: kitVersions(reading, config), linked: reading.linked };
}

function read(reading: Reading, named: NamedFile): void {
  const key = dotted(named.path);
  const places = named.names.map((name, index) => {
    const path = named.use === 'several' ? [...named.path, index] : named.path;
    return { name, path, absolute: locate(reading, named, name, path) };
  });
  const absolute = places.flatMap((place) => place.absolute ?? []);
  const [first] = absolute;
  if (first === undefined || absolute.length < places.length) return;
  const { path, name } = places[0] ?? { path: named.path, name: '' };
  // Names may hold dots, so that two paths of keys could be written alike; guessing between them would take the wrong file.
  if (reading.texts.has(key) || reading.sets.has(key)) {
    problem(reading, 'BAD_NAME', path, `\`${key}\` can be read in two ways`);
    return;
  }
  try {
    switch (named.use) {
      case 'text':
        reading.texts.set(key, { path: relative(reading.root, first), text: reading.hasher.text(first).text });
        return;
      case 'file':
        reading.sets.set(key, tree(reading, dirname(first), [basename(first)]));
        return;
      case 'folder':
        reading.sets.set(key, folder(reading, named, first));
        return;
      case 'either': {
        const isFile = statSync(first).isFile();
        reading.sets.set(
          key,
          isFile ? tree(reading, dirname(first), [basename(first)]) : folder(reading, named, first),
        );
        return;
      }
      case 'several':
        reading.sets.set(
          key,
          tree(
            reading,
            reading.root,
            absolute.map((one) => relative(reading.root, one) || '.'),
          ),
        );
        return;
      case 'present':
      case 'confined':
        return;
      default:
        named.use satisfies never;
    }
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    const inside = relative(first, error.path);
    const shownPath = inside === '' || inside.startsWith('..') ? name : join(name, inside);
    problem(reading, FILE_CODES[error.code], path, `${shown(shownPath)} ${FILE_WORDS[error.code]}`);
  }
}

/** Absolute path of a named file that is there and may be read; null after a diagnostic. */
function locate(reading: Reading, named: NamedFile, name: string, path: KeyPath): string | null {
  const absolute = resolve(reading.root, name);
  const free = named.anywhere && isAbsolute(name);
  if (!free && !inside(reading.root, absolute)) {
    problem(reading, 'PATH_ESCAPES_ROOT', path, `${shown(name)} leads out of the folder of the declaration`);
    return null;
  }
  // A lock may be written later.
  if (named.use === 'confined') return null;
  watch(reading, absolute, 'itself');
  let real: string;
  try {
    real = realpathSync.native(absolute);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const missing = code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
    const message = missing ? `There is no ${shown(name)}` : `${shown(name)} cannot be reached`;
    problem(reading, missing ? 'FILE_MISSING' : 'FILE_UNREADABLE', path, message);
    return null;
  }
  if (real !== join(reading.realRoot, relative(reading.root, absolute))) {
    reading.linked = true;
    if (!free && !inside(reading.realRoot, real)) {
      problem(
        reading,
        'PATH_ESCAPES_ROOT',
        path,
        `${shown(name)} is a link that leads out of the folder of the declaration`,
      );
      return null;
    }
  }
  return kindFits(reading, named, name, path, absolute) ? absolute : null;
}

function kindFits(reading: Reading, named: NamedFile, name: string, path: KeyPath, absolute: string): boolean {
  const stat = statSync(absolute, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  const wanted = named.use === 'folder' ? 'a folder' : named.use === 'text' || named.use === 'file' ? 'a file' : null;
  if (wanted === null || (wanted === 'a folder' ? stat.isDirectory() : stat.isFile())) return true;
  const found = stat.isDirectory() ? 'a folder' : stat.isFile() ? 'a file' : 'neither a file nor a folder';
  problem(reading, 'FILE_WRONG_KIND', path, `${shown(name)} is ${found}, and ${wanted} is needed`);
  return false;
}

function inside(root: string, absolute: string): boolean {
  const way = relative(root, absolute);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function folder(reading: Reading, named: NamedFile, absolute: string): FileSet {
  if (named.parts !== undefined) {
    // A part that appears later is noticed by the folder's own change.
    return tree(
      reading,
      absolute,
      named.parts.filter((part) => existsSync(join(absolute, part))),
    );
  }
  return tree(
    reading,
    absolute,
    undefined,
    named.dockerfile === undefined ? '' : ignored(reading, named.dockerfile, absolute),
  );
}

/** Text of the ignore file of a context, by Docker's rule: the one beside the Dockerfile goes first. */
function ignored(reading: Reading, dockerfile: string, context: string): string {
  for (const path of [`${resolve(reading.root, dockerfile)}.dockerignore`, join(context, '.dockerignore')]) {
    watch(reading, path, 'itself');
    if (existsSync(path)) return reading.hasher.text(path).text;
  }
  return '';
}

function tree(reading: Reading, root: string, only?: readonly string[], ignore = ''): FileSet {
  const own = root === reading.root ? `${ignore}\n${OWN_FOLDER}\n` : ignore;
  const key = JSON.stringify([root, only, own]);
  const known = reading.trees.get(key);
  if (known !== undefined) return known;
  // What is hashed is watched: named files one at a time, folders by whoever watches what is in them.
  for (const part of only ?? []) watch(reading, join(root, part), 'below');
  if (only === undefined) watch(reading, root, 'below');
  const set = reading.hasher.tree(root, {
    ...(only === undefined ? {} : { only }),
    ...(own === '' ? {} : { ignore: own }),
  });
  reading.trees.set(key, set);
  return set;
}

function watch(reading: Reading, path: string, what: Watch): void {
  if (what === 'below' || !reading.watched.has(path)) reading.watched.set(path, what);
}

/** Versions of kits, by release; the only `release` is called so. */
function kitVersions(reading: Reading, config: Config): Map<string, string> {
  const versions = new Map<string, string>();
  for (const [path, release] of releases(config)) {
    const set = reading.sets.get(dotted([...path, 'kit']));
    if (release.kit === undefined || set === undefined) continue;
    const version = kitVersion(reading, join(set.root, 'dss-version.json'));
    if (version !== null) versions.set(String(path.at(-1)), version);
    else
      problem(
        reading,
        'KIT_WITHOUT_VERSION',
        [...path, 'kit'],
        `${shown(release.kit)} has no \`dss-version.json\` with a \`product_version\``,
      );
  }
  return versions;
}

function kitVersion(reading: Reading, file: string): string | null {
  try {
    const parsed: unknown = JSON.parse(reading.hasher.text(file).text);
    const version = (parsed as { readonly product_version?: unknown } | null)?.product_version;
    return typeof version === 'string' ? version : null;
  } catch (error) {
    if (error instanceof FileProblem || error instanceof SyntaxError) return null;
    throw error;
  }
}

function problem(reading: Reading, code: DiagnosticCode, path: KeyPath, message: string): void {
  reading.diagnostics.push(diagnostic(code, message, reading.source.place(path, 'value')));
}

/** Many packages as one tree, by dpkg's rules for what two of them bring. */
import type { Deb } from '../deb/store.ts';
import { fieldOf } from '../deb/control.ts';
import type { DebEntry } from '../deb/open.ts';
import { failure } from '../failures.ts';
import { parseRelations } from '../resolve/relations.ts';
import { satisfies } from '../resolve/version.ts';
import { targetOf, type Aliases } from './aliases.ts';
import { diversionsOf, type Diversion } from './diversions.ts';
import { isExcluded } from './exclude.ts';
import type { Folder, Node, Tree } from './node.ts';

export interface Merged extends Tree {
  /** Path → the package that brought it. */
  readonly owners: ReadonlyMap<string, Deb>;
  readonly diversions: readonly Diversion[];
}

/** `debs`: sorted by name. `aliases` is added to: a link of one package where another has a folder is one. Throws `DEB_INVALID`. */
export function merge(debs: readonly Deb[], aliases: Aliases): Merged {
  const diversions = debs.flatMap(diversionsOf);
  findAliases(debs, aliases);
  const tree = new Merging(aliases, diversions);
  for (const deb of inOrder(debs)) tree.add(deb);
  return { nodes: tree.nodes, folders: tree.folders, owners: tree.owners, diversions };
}

/** Who says first what a folder is like is right; base-files is asked before all others, as when a system is installed. */
function inOrder(debs: readonly Deb[]): readonly Deb[] {
  const isBase = (deb: Deb): boolean => deb.locked.name === 'base-files';
  return [...debs.filter(isBase), ...debs.filter((deb) => !isBase(deb))];
}

function findAliases(debs: readonly Deb[], aliases: Aliases): void {
  const folders = new Set<string>();
  for (const { entries } of debs) for (const { path, type } of entries) if (type === 'directory') folders.add(path);
  for (const { entries } of debs) {
    for (const { path, type, target } of entries) {
      if (type !== 'symlink' || !folders.has(path) || aliases.has(path)) continue;
      const real = targetOf(path, target);
      if (real !== null) aliases.add(path, real);
    }
  }
}

class Merging {
  readonly nodes = new Map<string, Node>();
  readonly folders = new Map<string, Folder>();
  readonly owners = new Map<string, Deb>();
  readonly #aliases: Aliases;
  readonly #diversions: ReadonlyMap<string, Diversion>;

  constructor(aliases: Aliases, diversions: readonly Diversion[]) {
    this.#aliases = aliases;
    this.#diversions = new Map(diversions.map((one) => [aliases.resolve(one.path), one]));
  }

  add(deb: Deb): void {
    const originals = new Map<string, DebEntry>();
    for (const entry of deb.entries) {
      if (entry.type === 'file') originals.set(entry.path, entry);
      if (isExcluded(entry.path, entry.type)) continue;
      const path = this.#place(entry.path, deb);
      if (entry.type === 'directory') this.#addFolder(path, entry);
      else this.#addNode(path, nodeOf(entry, deb, originals), deb);
    }
  }

  #place(path: string, deb: Deb): string {
    const real = this.#aliases.resolve(path);
    const diversion = this.#diversions.get(real);
    if (diversion === undefined || diversion.by === deb.locked.name) return real;
    return this.#aliases.resolve(diversion.to);
  }

  #addFolder(path: string, { mode, uid, gid }: DebEntry): void {
    if (this.#aliases.has(path) || this.folders.has(path)) return;
    this.#refuse(path, this.nodes.has(path), 'a folder and something else');
    this.folders.set(path, { mode, uid, gid });
  }

  #addNode(path: string, node: Node, deb: Deb): void {
    this.#refuse(path, this.folders.has(path), 'a folder and something else');
    const other = this.owners.get(path);
    if (other !== undefined) {
      if (replaces(other, deb)) return;
      const both = `${other.locked.name} and ${deb.locked.name}`;
      if (!replaces(deb, other)) {
        throw failure('DEB_INVALID', `${both} both bring /${path}, and neither says that it replaces the other`);
      }
    }
    this.nodes.set(path, node);
    this.owners.set(path, deb);
  }

  #refuse(path: string, isWrong: boolean, words: string): void {
    if (isWrong) throw failure('DEB_INVALID', `/${path} is ${words} in the packages`);
  }
}

function nodeOf(entry: DebEntry, deb: Deb, originals: ReadonlyMap<string, DebEntry>): Node {
  const { mode, uid, gid } = entry;
  if (entry.type === 'symlink') return { type: 'symlink', target: entry.target, mode, uid, gid };
  const original = entry.type === 'hardlink' ? originals.get(entry.target) : entry;
  if (original === undefined) {
    throw failure(
      'DEB_INVALID',
      `${deb.locked.name}: /${entry.path} is a link to ${entry.target}, which is no file of it`,
    );
  }
  const id = `${deb.locked.digest} ${original.path}`;
  const { offset, size } = original;
  const content = { from: 'deb', deb, offset, size, id, soname: deb.sonames[original.path] } as const;
  return { type: 'file', content, mode: original.mode, uid: original.uid, gid: original.gid };
}

/** Whether a package says that it takes over files of another at its version. */
function replaces(deb: Deb, other: Deb): boolean {
  const groups = parseRelations(fieldOf(deb.fields, 'Replaces') ?? '', deb.locked.architecture) ?? [];
  return groups
    .flat()
    .some(
      ({ name, operator, version }) =>
        name === other.locked.name && (operator === null || satisfies(other.locked.version, operator, version)),
    );
}

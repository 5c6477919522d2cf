/**
 * The text of a `Packages` file, cut down to what resolving needs: one line a package, fields between tabs. A quarter of the size, and read
 * without looking at most of it.
 */

/** Raised when the form of the lines changes: they are kept in the cache. */
export const COMPACT_VERSION = 1;

/** Order of the fields in a line. The first two are what looking up needs. */
const FIELDS = [
  'Package',
  'Provides',
  'Version',
  'Architecture',
  'Filename',
  'Size',
  'SHA256',
  'Essential',
  'Priority',
  'Pre-Depends',
  'Depends',
  'Conflicts',
  'Breaks',
] as const;

const PLACES: ReadonlyMap<string, number> = new Map(FIELDS.map((name, at) => [name, at]));
const SPACE = 32;
const TAB = 9;

/** Field names by their first letter: most lines are told apart by one character. */
const INITIALS = new Set(FIELDS.map((name) => name.charCodeAt(0)));

/** `text`: of a Packages file, as latin1 (what is kept is ASCII). A stanza without a needed field is left out, as apt does. */
export function compactPackages(text: string): string {
  const lines: string[] = [];
  const fields: string[] = Array.from({ length: FIELDS.length }, () => '');
  let last = -1;
  const end = text.length;
  for (let at = 0; at <= end;) {
    let newline = text.indexOf('\n', at);
    if (newline < 0) newline = end;
    const first = text.charCodeAt(at);
    if (newline === at || at === end) {
      flush(fields, lines);
      last = -1;
    } else if (first === SPACE || first === TAB) {
      if (last >= 0) fields[last] += ` ${clean(text.slice(at, newline))}`;
    } else if (INITIALS.has(first)) {
      const colon = text.indexOf(':', at);
      last = colon < 0 || colon > newline ? -1 : (PLACES.get(text.slice(at, colon)) ?? -1);
      if (last >= 0) fields[last] = clean(text.slice(colon + 1, newline));
    } else last = -1;
    at = newline + 1;
  }
  flush(fields, lines);
  return lines.join('\n');
}

function clean(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes('\t') ? trimmed.replaceAll('\t', ' ') : trimmed;
}

function flush(fields: string[], lines: string[]): void {
  const [name, , version, , path, size, digest] = fields;
  if (name && version && path && size && digest) lines.push(fields.join('\t'));
  fields.fill('');
}

/** One package at one version, as an index has it. */
export interface IndexedPackage {
  readonly name: string;
  readonly provides: string;
  readonly version: string;
  readonly architecture: string;
  readonly path: string;
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
  readonly isEssential: boolean;
  readonly priority: string;
  readonly preDepends: string;
  readonly depends: string;
  readonly conflicts: string;
  readonly breaks: string;
}

function parseLine(line: string): IndexedPackage {
  const [
    name = '',
    provides = '',
    version = '',
    architecture = '',
    path = '',
    size = '',
    sha256 = '',
    essential = '',
    priority = '',
    preDepends = '',
    depends = '',
    conflicts = '',
    breaks = '',
  ] = line.split('\t');
  const numbers = { size: Number(size), isEssential: essential === 'yes' };
  return {
    name,
    provides,
    version,
    architecture,
    path,
    sha256,
    priority,
    preDepends,
    depends,
    conflicts,
    breaks,
    ...numbers,
  };
}

/** Looks packages up in the compact texts of several indexes. */
export interface PackageIndex {
  /** All versions, in the order of the texts. */
  named(name: string): readonly IndexedPackage[];
  /** Names of packages that say that they stand for another. */
  providing(name: string): readonly string[];
  readonly essential: readonly string[];
  names(): Iterable<string>;
}

interface Span {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export function openPackages(texts: readonly string[]): PackageIndex {
  const spans = new Map<string, Span[]>();
  const provided = new Map<string, Set<string>>();
  const essential = new Set<string>();
  const parsed = new Map<string, readonly IndexedPackage[]>();
  for (const text of texts) {
    for (let from = 0; from < text.length;) {
      let to = text.indexOf('\n', from);
      if (to < 0) to = text.length;
      const first = text.indexOf('\t', from);
      const second = text.indexOf('\t', first + 1);
      const name = text.slice(from, first);
      push(spans, name, { text, from, to });
      if (second > first + 1) addProvided(provided, name, text.slice(first + 1, second));
      from = to + 1;
    }
    for (let at = text.indexOf('\tyes\t'); at >= 0; at = text.indexOf('\tyes\t', at + 1)) {
      const from = text.lastIndexOf('\n', at) + 1;
      essential.add(text.slice(from, text.indexOf('\t', from)));
    }
  }
  return {
    named(name) {
      let all = parsed.get(name);
      if (all === undefined) {
        all = (spans.get(name) ?? []).map(({ text, from, to }) => parseLine(text.slice(from, to)));
        parsed.set(name, all);
      }
      return all;
    },
    providing: (name) => [...(provided.get(name) ?? [])],
    essential: [...essential].toSorted(),
    names: () => spans.keys(),
  };
}

function push(spans: Map<string, Span[]>, name: string, span: Span): void {
  const all = spans.get(name);
  if (all === undefined) spans.set(name, [span]);
  else all.push(span);
}

function addProvided(provided: Map<string, Set<string>>, by: string, field: string): void {
  for (const part of field.split(',')) {
    const name = /^[^\s:(]+/.exec(part.trim())?.[0];
    if (name === undefined) continue;
    const all = provided.get(name);
    if (all === undefined) provided.set(name, new Set([by]));
    else all.add(by);
  }
}

/** Reads YAML into plain data and spots: one walk over the nodes, so that aliases, merges and duplicate keys are judged where they stand. */
import type { Diagnostic, Where } from '@rebake/sdk';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml';
import { diagnostic } from '../diagnostic-codes.ts';
import { dotted, spotOf, type KeyPath, type ReadSource, type Source, type Spot, type SpotTree } from './source.ts';

/** Values that a declaration may have, what an alias stands for counted at each use: a bomb of aliases ends here, unexploded. */
const MAX_VALUES = 1_000_000;
/** Deeper than any declaration, shallower than any stack. */
const MAX_DEPTH = 64;

/** A YAML document that was parsed, with what is needed to say where things stand. */
export interface ParsedYaml {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

/** Parses without judging: errors are in the document. Throws a RangeError for nesting that no parser can follow. */
export function parseYaml(text: string): ParsedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, version: '1.2' });
  return { document, lines };
}

class TooLarge extends Error {
  readonly offset: number;
  constructor(offset: number) {
    super('too large');
    this.offset = offset;
  }
}

interface Walk {
  readonly lines: LineCounter;
  readonly file: string;
  readonly diagnostics: Diagnostic[];
  values: number;
  /** Anchors so far, in the order of the document: an alias means the latest one before it. Null while it is being read itself. */
  readonly anchors: Map<string, Anchored | null>;
}

interface Converted {
  readonly value: unknown;
  readonly spots: SpotTree;
  /** Levels below it. */
  readonly depth: number;
}

/** What an anchor names: read once, and shared by all that mean it. */
interface Anchored extends Converted {
  readonly values: number;
}

/** Reads a YAML declaration. */
export function readYaml(file: string, text: string): ReadSource {
  const at = (path: KeyPath, [line, column]: Spot): Where => ({ file, line, column, path: dotted(path) });
  const tooLarge = (spot: Spot): ReadSource => ({
    source: null,
    diagnostics: [
      diagnostic('CONFIG_TOO_LARGE', 'The declaration is nested too deeply, or its aliases multiply it', at([], spot)),
    ],
  });
  let parsed: ParsedYaml;
  try {
    parsed = parseYaml(text);
  } catch (error) {
    if (error instanceof RangeError) return tooLarge([1, 1]);
    throw error;
  }
  const { document, lines } = parsed;
  // The first error is the cause; those after it are mostly echoes.
  const broken = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0])[0];
  if (broken !== undefined) {
    // The parser catches the end of the stack and takes it for an error in the text.
    if (broken.message.includes('call stack')) return tooLarge(spotAt(lines, broken.pos[0]));
    const message = `The YAML is not valid: ${sentence(broken.message)}`;
    return { source: null, diagnostics: [diagnostic('CONFIG_SYNTAX', message, at([], spotAt(lines, broken.pos[0])))] };
  }
  const walk: Walk = { lines, file, diagnostics: [], values: 0, anchors: new Map() };
  try {
    const { value, spots } = convert(walk, document.contents, [], undefined);
    const source: Source = {
      file,
      value,
      spots,
      place: (path, what) => at(path, spotOf(spots, path, what)),
      written: (path) => writtenAt(spots, path),
    };
    return { source, diagnostics: walk.diagnostics };
  } catch (error) {
    if (error instanceof TooLarge) return tooLarge(spotAt(lines, error.offset));
    throw error;
  }
}

function convert(walk: Walk, node: Node | null | undefined, path: KeyPath, key: Spot | undefined): Converted {
  const range = node?.range ?? null;
  const offset = range?.[0] ?? 0;
  const value = range === null ? (key ?? [1, 1]) : spotAt(walk.lines, offset);
  const spots: SpotTree = key === undefined ? { value } : { value, key };
  walk.values += 1;
  if (node === null || node === undefined) return { value: null, spots, depth: 0 };
  if (isAlias(node)) {
    const meant = walk.anchors.get(node.source);
    // An alias before its anchor is an error of the parser's already; one inside of what it means never ends.
    if (meant === undefined) return { value: null, spots, depth: 0 };
    if (meant === null) throw new TooLarge(offset);
    walk.values += meant.values;
    limit(walk, path.length + meant.depth, offset);
    return { value: meant.value, spots: { ...meant.spots, ...spots }, depth: meant.depth };
  }
  limit(walk, path.length, offset);
  if (node.anchor === undefined) return convertNode(walk, node, path, spots);
  const before = walk.values;
  walk.anchors.set(node.anchor, null);
  const converted = convertNode(walk, node, path, spots);
  walk.anchors.set(node.anchor, { ...converted, values: walk.values - before });
  return converted;
}

function limit(walk: Walk, depth: number, offset: number): void {
  if (walk.values > MAX_VALUES || depth > MAX_DEPTH) throw new TooLarge(offset);
}

function convertNode(walk: Walk, node: Node, path: KeyPath, spots: SpotTree): Converted {
  if (isMap(node)) return convertMap(walk, node.items as Pair<Node, Node | null>[], path, spots);
  if (isSeq(node)) {
    const children = new Map<string, SpotTree>();
    let depth = 0;
    const items = (node.items as Node[]).map((item, index) => {
      const converted = convert(walk, item, [...path, index], undefined);
      children.set(String(index), converted.spots);
      depth = Math.max(depth, converted.depth);
      return converted.value;
    });
    return { value: items, spots: { ...spots, children }, depth: depth + 1 };
  }
  if (!isScalar(node)) return { value: null, spots, depth: 0 };
  if (typeof node.value === 'number' && !Number.isFinite(node.value)) {
    const [line, column] = spots.value;
    const message = `\`${dotted(path)}\` is ${node.value}, which is no number that a declaration can hold`;
    walk.diagnostics.push(diagnostic('WRONG_TYPE', message, { file: walk.file, line, column, path: dotted(path) }));
    return { value: 0, spots, depth: 0 };
  }
  const written = node.source;
  const known = written === undefined || typeof node.value === 'string' ? spots : { ...spots, written };
  return { value: node.value, spots: known, depth: 0 };
}

function convertMap(walk: Walk, pairs: readonly Pair<Node, Node | null>[], path: KeyPath, spots: SpotTree): Converted {
  const members: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const children = new Map<string, SpotTree>();
  const merged: Converted[] = [];
  let depth = 0;
  for (const pair of pairs) {
    const keySpot = spotAt(walk.lines, pair.key.range?.[0] ?? 0);
    const name = keyText(walk, pair.key);
    const where: Where = {
      file: walk.file,
      line: keySpot[0],
      column: keySpot[1],
      path: dotted([...path, name ?? '?']),
    };
    if (name === null || name === '__proto__') {
      walk.diagnostics.push(
        diagnostic('BAD_NAME', name === null ? 'A key is no text' : `\`${name}\` is no name`, where),
      );
      continue;
    }
    if (name === '<<') {
      merged.push(...mergeSources(walk, convert(walk, pair.value, path, keySpot), where));
      continue;
    }
    if (Object.hasOwn(members, name)) {
      const first = children.get(name);
      const message = `\`${name}\` stands here a second time; the first is in line ${first?.key?.[0] ?? first?.value[0] ?? 1}`;
      walk.diagnostics.push(diagnostic('DUPLICATE_KEY', message, where));
      continue;
    }
    const converted = convert(walk, pair.value, [...path, name], keySpot);
    depth = Math.max(depth, converted.depth);
    members[name] = converted.value;
    children.set(name, converted.spots);
  }
  // What stands in the mapping itself goes first, then the earlier of what is merged.
  for (const { value, spots: from, depth: below } of merged) {
    depth = Math.max(depth, below - 1);
    for (const [name, member] of Object.entries(value as Record<string, unknown>)) {
      if (Object.hasOwn(members, name)) continue;
      members[name] = member;
      const child = from.children?.get(name);
      if (child !== undefined) children.set(name, child);
    }
  }
  return { value: members, spots: { ...spots, children }, depth: depth + 1 };
}

/** The mappings that a `<<` brings. */
function mergeSources(walk: Walk, { value, spots, depth }: Converted, where: Where): Converted[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      const child = spots.children?.get(String(index)) ?? spots;
      return mergeSources(walk, { value: item, spots: child, depth: depth - 1 }, where);
    });
  }
  if (typeof value === 'object' && value !== null) return [{ value, spots, depth }];
  walk.diagnostics.push(
    diagnostic(
      'WRONG_TYPE',
      '`<<` takes a mapping, or a list of them',
      where,
      'Write `<<: *NAME` with the anchor of a mapping.',
    ),
  );
  return [];
}

/** A key as it was written: `3.10:` is the key `3.10`, whatever number YAML makes of it. */
function keyText(walk: Walk, key: Node | null): string | null {
  if (isAlias(key)) {
    const meant = walk.anchors.get(key.source)?.value;
    return typeof meant === 'string' ? meant : null;
  }
  if (!isScalar(key)) return null;
  const text = typeof key.value === 'string' ? key.value : (key.source ?? null);
  if (key.anchor !== undefined)
    walk.anchors.set(key.anchor, { value: text, spots: { value: [1, 1] }, depth: 0, values: 1 });
  return text;
}

function spotAt(lines: LineCounter, offset: number): Spot {
  const { line, col } = lines.linePos(offset);
  return [Math.max(line, 1), Math.max(col, 1)];
}

function writtenAt(tree: SpotTree, path: KeyPath): string | undefined {
  let at: SpotTree | undefined = tree;
  for (const key of path) at = at?.children?.get(String(key));
  return at?.written;
}

/** The parser's words as a part of our sentence. */
function sentence(text: string): string {
  const line = text.split('\n')[0] ?? '';
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/\.$/, '');
}

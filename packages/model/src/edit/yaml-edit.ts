/** Finds where a text of a YAML declaration is to be changed: by the ranges of its nodes, so that quoting and comments stay. */
import { isAlias, isMap, isScalar, isSeq, Scalar, type Document, type Node, type Pair, type YAMLMap } from 'yaml';
import { parseYaml } from '../load/yaml.ts';
import type { KeyPath } from '../load/source.ts';
import type { FoundSplice, SetText } from './edits.ts';

type Member = Pair<Node, Node | null>;

/** Splice for one text. `text` is a declaration that was read without an error. */
export function yamlSplice(text: string, edit: SetText): FoundSplice {
  const { document } = parseYaml(text);
  const missing: FoundSplice = { ok: false, path: [...edit.mapping, edit.key] };
  const mapping = mappingAt(document, edit.mapping);
  if (mapping === null) return missing;
  const present = memberOf(document, mapping, edit.key);
  if (present !== null) {
    const scalar = resolved(document, present.value);
    const range = scalar?.range ?? null;
    if (!isScalar(scalar) || range === null) return missing;
    const written = scalarText(edit.value, scalar.type);
    const [start, end] = range;
    return written === null ? missing : { ok: true, splice: { start, end, text: written } };
  }
  const before = memberOf(document, mapping, edit.after);
  const end = before?.value?.range?.[1];
  const start = before?.key.range?.[0];
  if (end === undefined || start === undefined) return missing;
  const member = `${edit.key}: ${scalarText(edit.value, Scalar.PLAIN) ?? ''}`;
  if (mapping.flow === true) return { ok: true, splice: { start: end, end, text: `, ${member}` } };
  // Behind a comment that stands on the line, if any.
  const newline = text.indexOf('\n', end);
  const at = newline < 0 ? text.length : newline;
  const carriage = text[at - 1] === '\r';
  const place = carriage ? at - 1 : at;
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  // A key behind something else on its line (`- version:`) is aligned by blanks.
  const blanks = indent.replaceAll(/\S/g, ' ');
  return { ok: true, splice: { start: place, end: place, text: `${carriage ? '\r\n' : '\n'}${blanks}${member}` } };
}

function mappingAt(document: Document.Parsed, path: KeyPath): YAMLMap | null {
  let node: Node | null = resolved(document, document.contents);
  for (const key of path) {
    if (!isMap(node)) return null;
    node = resolved(document, memberOf(document, node, String(key))?.value ?? null);
  }
  return isMap(node) ? node : null;
}

/** A member of a mapping, or of what is merged into it. */
function memberOf(document: Document.Parsed, mapping: YAMLMap, key: string): Member | null {
  const members = mapping.items as Member[];
  const own = members.find((pair) => keyOf(document, pair) === key);
  if (own !== undefined) return own;
  for (const pair of members.filter((one) => keyOf(document, one) === '<<')) {
    const from = resolved(document, pair.value);
    const sources = isSeq(from) ? (from.items as Node[]).map((item) => resolved(document, item)) : [from];
    for (const source of sources) {
      const found = isMap(source) ? memberOf(document, source, key) : null;
      if (found !== null) return found;
    }
  }
  return null;
}

function keyOf(document: Document.Parsed, pair: Member): string | null {
  const key = resolved(document, pair.key);
  if (!isScalar(key)) return null;
  return typeof key.value === 'string' ? key.value : (key.source ?? null);
}

function resolved(document: Document.Parsed, node: Node | null): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}

/** A text in the style of the one it replaces; null for block scalars, which have none. */
function scalarText(value: string, style: Scalar.Type | undefined | null): string | null {
  switch (style) {
    case Scalar.QUOTE_DOUBLE:
      return JSON.stringify(value);
    case Scalar.QUOTE_SINGLE:
      return `'${value.replaceAll("'", "''")}'`;
    case Scalar.PLAIN:
      return isPlain(value) ? value : JSON.stringify(value);
    default:
      return null;
  }
}

/** Whether a text needs no quotes: made of harmless characters, and neither a number nor a word with a meaning. */
function isPlain(text: string): boolean {
  return (
    /^[A-Za-z0-9_./][A-Za-z0-9_./-]*$/.test(text) &&
    !/^[0-9._]*$/.test(text.replace(/^(\d+\.\d+\.)[\d.]+$/, 'x')) &&
    !/^(true|false|null|[.](inf|nan)|0[xo].*|[\d.]+e[\d+-]+)$/i.test(text)
  );
}

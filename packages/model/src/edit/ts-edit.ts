/** Finds where a text of a TypeScript declaration is to be changed: the literal that it is written as. */
import { tsMorph, tsPlaces } from '../load/ts-places.ts';
import type { FoundSplice, SetText } from './edits.ts';

/** Splice for one text. `text` is a config that was run without an error. */
export function tsSplice(text: string, edit: SetText): FoundSplice {
  const { Node } = tsMorph();
  const places = tsPlaces(text);
  const path = [...edit.mapping, edit.key];
  const missing: FoundSplice = { ok: false, path };
  const literal = places.node(path);
  if (literal !== null) {
    if (!Node.isStringLiteral(literal) && !Node.isNoSubstitutionTemplateLiteral(literal)) return missing;
    const quote = literal.getText().charAt(0);
    return {
      ok: true,
      splice: { start: literal.getStart(), end: literal.getEnd(), text: quoted(edit.value, quote) },
    };
  }
  const mapping = places.node(edit.mapping);
  if (mapping === null || !Node.isObjectLiteralExpression(mapping)) return missing;
  // A member that is there, but not written as a text, cannot be added a second time.
  if (mapping.getProperty(edit.key) !== undefined) return missing;
  const before = mapping.getProperty(edit.after);
  if (before === undefined) return missing;
  const value = places.node([...edit.mapping, edit.after]);
  const quote = value !== null && Node.isStringLiteral(value) ? value.getText().charAt(0) : "'";
  const lineStart = text.lastIndexOf('\n', before.getStart() - 1) + 1;
  const indent = text.slice(lineStart, before.getStart());
  const ownLine = /^\s*$/.test(indent);
  const newline = text[lineStart - 2] === '\r' ? '\r\n' : '\n';
  const separator = ownLine ? `,${newline}${indent}` : ', ';
  const end = before.getEnd();
  return { ok: true, splice: { start: end, end, text: `${separator}${edit.key}: ${quoted(edit.value, quote)}` } };
}

function quoted(value: string, quote: string): string {
  if (quote === '"') return JSON.stringify(value);
  const escaped = value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
  return `${quote}${quote === '`' ? escaped.replaceAll('${', '\\${') : escaped}${quote}`;
}

/** The form in which Debian writes facts of packages: stanzas of fields. */

/** A field with its name as written; the value may have several lines. */
export interface Field {
  readonly name: string;
  readonly value: string;
}

/** Fields of one stanza, in order. */
export function parseStanza(text: string): readonly Field[] {
  const fields: { name: string; value: string }[] = [];
  for (const line of text.split('\n')) {
    const last = fields.at(-1);
    if (/^[ \t]/.test(line)) {
      if (last !== undefined) last.value += `\n${line}`;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon > 0) fields.push({ name: line.slice(0, colon), value: line.slice(colon + 1).trim() });
  }
  return fields;
}

/** The value of a field whose name is written in any case, or null. */
export function fieldOf(fields: readonly Field[], name: string): string | null {
  const wanted = name.toLowerCase();
  return fields.find((field) => field.name.toLowerCase() === wanted)?.value ?? null;
}

/** Stanzas of a file, the text of each. */
export function stanzas(text: string): readonly string[] {
  return text.split(/\n(?:[ \t]*\n)+/).filter((stanza) => stanza.trim() !== '');
}

/** A declaration as YAML, for config files that rebake writes itself. Comments of a file that is edited stay. */
import { parse, parseDocument, stringify } from 'yaml';
import type { KeyPath } from '../load/source.ts';

/** Widest line of a list that stays on one line. */
const FORM = { lineWidth: 120, aliasDuplicateObjects: false } as const;

/** Sets the value at a path; undefined removes it. */
export interface ConfigEdit {
  readonly path: KeyPath;
  readonly value: unknown;
}

/** The text of a config file with these sections; what they hold is JSON. */
export function configText(sections: Readonly<Record<string, unknown>>): string {
  return stringify({ version: 1, ...sections }, FORM);
}

/** What a config file says; null: it is no YAML, or no mapping. */
export function configValue(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** An edit has no place in the file: it is no YAML, or what holds the value is written as something else than a mapping, such as an alias. */
export class ConfigNotEditable extends Error {}

/** The text with edits made. Throws {@link ConfigNotEditable}. */
export function editedConfig(text: string, edits: readonly ConfigEdit[]): string {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigNotEditable(error.message);
  for (const { path, value } of edits) {
    try {
      if (value === undefined) document.deleteIn(path);
      else document.setIn(path, document.createNode(value, { aliasDuplicateObjects: false }));
    } catch {
      throw new ConfigNotEditable(`\`${path.join('.')}\` cannot be set: what holds it is not written as a mapping`);
    }
  }
  return document.toString(FORM);
}

/** Entries and other rows as JSON text, and back, checked: a state file is input like any other. */
import { BuildFailure, isDigest } from '@rebake/sdk';
import type { Entry, Input, NewEntry } from '@rebake/sdk';

/** An entry as text. The places of inputs in an old declaration are left out: they are half of the bytes and of no use later. */
export function entryText(entry: NewEntry): string {
  const inputs: Record<string, Input> = {};
  for (const [key, input] of Object.entries(entry.inputs)) {
    inputs[key] = input.shown === undefined ? { digest: input.digest } : { digest: input.digest, shown: input.shown };
  }
  return JSON.stringify({ ...entry, inputs });
}

/** Reads what {@link entryText} wrote. */
export function readEntry(node: string, version: number, text: string): Entry {
  const entry = readJson(node, text);
  if (!isEntry(entry)) throw unreadable(`the entry of ${node}`);
  return { ...entry, version };
}

/** Whether something is an entry, in the parts that decide what is built; the rest is only shown. */
export function isEntry(value: unknown): value is NewEntry {
  if (!isRecord(value)) return false;
  const { contents, inputs, parents, output } = value as Partial<Record<keyof NewEntry, unknown>>;
  return (
    typeof contents === 'string' &&
    isRecord(inputs) &&
    isRecord(parents) &&
    isRecord(output) &&
    isDigest(output['identity']) &&
    Array.isArray(output['at'])
  );
}

/** Parses one JSON column. */
export function readJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(`the row of ${what}`);
  }
}

/** The failure of a state file that cannot be understood. */
export function unreadable(what: string): BuildFailure {
  const words = `${what} cannot be read: restore the file from a copy, or move it away and apply again (what is in engines and registries is adopted)`;
  return new BuildFailure({ code: 'STATE_UNREADABLE', retry: 'never', words });
}

/** An object that is no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

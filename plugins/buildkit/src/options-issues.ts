/** What is wrong with options, in the form of Standard Schema. */

export interface Issue {
  readonly message: string;
  readonly path: readonly string[];
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function unknownKeys(
  record: Record<string, unknown>,
  known: readonly string[],
  path: readonly string[],
): readonly Issue[] {
  return Object.keys(record)
    .filter((key) => !known.includes(key))
    .map((key) => ({ message: `unknown option; there are: ${known.join(', ')}`, path: [...path, key] }));
}

/** An issue unless the value is one of a few texts. */
export function oneOf(value: unknown, known: readonly string[], path: readonly string[]): readonly Issue[] {
  if (typeof value === 'string' && known.includes(value)) return [];
  return [{ message: `must be ${known.join(' or ')}`, path }];
}

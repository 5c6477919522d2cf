/** What an import would change in a declaration that is there: three versions of every field are compared. */

/** A field, or a file, that the instance has otherwise than the declaration. */
export interface ImportDifference {
  /** `codeEnvs.glm.packages`, or the path of a file. */
  readonly where: string;
  readonly path: readonly string[];
  readonly kind: 'added' | 'removed' | 'changed';
  /** What the declaration has; absent: nothing. */
  readonly before?: unknown;
  /** What the instance has; absent: nothing. */
  readonly after?: unknown;
  /** Whether it was edited by hand since the last import, and so stays. */
  readonly byHand: boolean;
}

type Values = Readonly<Record<string, unknown>>;

/** Compares field by field. `last` is what the last import wrote; what never came from an import is nobody's difference. */
export function differencesOf(current: Values, last: Values, next: Values): ImportDifference[] {
  const [now, before, then] = [fieldsOf(current), fieldsOf(last), fieldsOf(next)];
  return [...new Set([...then.keys(), ...before.keys()])].flatMap((where) => {
    const [own, was, wanted] = [now.get(where), before.get(where), then.get(where)];
    const path = own?.path ?? wanted?.path ?? was?.path ?? [];
    const found = difference(where, path, own?.value, was?.value, wanted?.value);
    return found === null ? [] : [found];
  });
}

/** Compares one value; null: the declaration has what the instance has. */
export function difference(
  where: string,
  path: readonly string[],
  own: unknown,
  was: unknown,
  wanted: unknown,
): ImportDifference | null {
  if (same(own, wanted)) return null;
  return {
    where,
    path,
    kind: own === undefined ? 'added' : wanted === undefined ? 'removed' : 'changed',
    ...(own === undefined ? {} : { before: own }),
    ...(wanted === undefined ? {} : { after: wanted }),
    byHand: !same(own, was),
  };
}

interface Field {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Fields of the members of sections; the fields of `release` are its own. */
function fieldsOf(values: Values): Map<string, Field> {
  const found = new Map<string, Field>();
  const add = (path: readonly string[], value: unknown, depth: number): void => {
    if (depth > 0 && isObject(value) && Object.keys(value).length > 0) {
      for (const [key, its] of Object.entries(value)) add([...path, key], its, depth - 1);
    } else found.set(path.join('.'), { path, value });
  };
  for (const [section, value] of Object.entries(values)) {
    if (section !== 'version') add([section], value, section === 'release' ? 1 : 2);
  }
  return found;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function same(left: unknown, right: unknown): boolean {
  return sorted(left) === sorted(right);
}

/** JSON in which the order of keys does not matter. */
function sorted(value: unknown): string | undefined {
  return JSON.stringify(value, (_, one: unknown) =>
    isObject(one) ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1))) : one,
  );
}

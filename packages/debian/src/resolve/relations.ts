/** The fields in which a package says what it needs, what it cannot be together with and what it stands for. */
import type { Operator } from './version.ts';

/** One package, at versions. `arch`: `any` or the name of an architecture after a colon, else null. */
export interface Relation {
  readonly name: string;
  readonly arch: string | null;
  readonly operator: Operator | null;
  readonly version: string;
}

const RELATION =
  /^([a-zA-Z0-9][a-zA-Z0-9+.-]*)(?::([a-z0-9-]+))?(?:\s*\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s)]+)\s*\))?(?:\s*\[([^\]]*)\])?\s*$/;

/** Groups of alternatives: all groups have to be satisfied, each by one. Null: this is no such field. */
export function parseRelations(field: string, architecture: string): readonly (readonly Relation[])[] | null {
  const groups: (readonly Relation[])[] = [];
  for (const group of field.split(',')) {
    if (group.trim() === '') continue;
    const alternatives: Relation[] = [];
    for (const text of group.split('|')) {
      const match = RELATION.exec(text.trim());
      if (match === null) return null;
      const [, name = '', arch = null, operator = null, version = '', only] = match;
      if (only !== undefined && !isFor(only, architecture)) continue;
      alternatives.push({ name, arch, operator: operator === null ? null : normal(operator), version });
    }
    if (alternatives.length > 0) groups.push(alternatives);
  }
  return groups;
}

/** `<` and `>` are old spellings of `<=` and `>=`. */
function normal(operator: string): Operator {
  return operator === '<' ? '<=' : operator === '>' ? '>=' : (operator as Operator);
}

function isFor(list: string, architecture: string): boolean {
  const names = list.split(/\s+/).filter((name) => name !== '');
  const isNegative = names[0]?.startsWith('!') === true;
  const named = names.some((name) => {
    const bare = name.replace(/^!/, '');
    return bare === architecture || bare === 'any' || bare === 'linux-any' || bare === `any-${architecture}`;
  });
  return named !== isNegative;
}

/** As people read it: `libc6 (>= 2.36)`. */
export function showRelation({ name, operator, version }: Relation): string {
  return operator === null ? name : `${name} (${operator} ${version})`;
}

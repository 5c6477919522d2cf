/** Looks into the schema: what is expected at a path, which keys are known there, in words for people. */
import type { z } from 'zod';
import { kindOf } from '../schema-parts.ts';
import { isMapping, valueAt, type KeyPath } from './source.ts';

/** Any schema of zod's. */
export type Shape = z.core.$ZodType;

/** A schema without what only says when it may be absent, or what becomes of it. */
export function bare(schema: Shape): Shape {
  let at = schema as z.core.$ZodTypes;
  for (;;) {
    const { def } = at._zod;
    switch (def.type) {
      case 'optional':
      case 'nullable':
      case 'default':
      case 'prefault':
        at = def.innerType as z.core.$ZodTypes;
        break;
      case 'pipe':
        at = def.in as z.core.$ZodTypes;
        break;
      default:
        return at;
    }
  }
}

/** Keys of a mapping with a closed set of them; null for everything else. */
export function knownKeys(schema: Shape): readonly string[] | null {
  const { def } = bare(schema)._zod as z.core.$ZodTypes['_zod'];
  return def.type === 'object' ? Object.keys(def.shape) : null;
}

/** Members of a union; null for everything else. */
export function options(schema: Shape): readonly Shape[] | null {
  const { def } = bare(schema)._zod as z.core.$ZodTypes['_zod'];
  return def.type === 'union' ? def.options : null;
}

/** Keys that a mapping of this schema cannot do without. */
export function neededKeys(schema: Shape): readonly string[] {
  const { def } = bare(schema)._zod as z.core.$ZodTypes['_zod'];
  if (def.type !== 'object') return [];
  return Object.entries(def.shape).flatMap(([key, member]) => (member._zod.optin === undefined ? [key] : []));
}

/** Schema of a member; null where there is none. */
function member(schema: Shape, key: string | number): Shape | null {
  const { def } = bare(schema)._zod as z.core.$ZodTypes['_zod'];
  switch (def.type) {
    case 'object':
      return Object.hasOwn(def.shape, key) ? (def.shape[String(key)] ?? null) : null;
    case 'record':
      return def.valueType;
    case 'array':
      return def.element;
    default:
      return null;
  }
}

/** Schema at a path like {@link shapeAt}; of a union, the member that the value was most likely meant for. */
export function leafAt(root: Shape, path: KeyPath, value: unknown): Shape | null {
  const shape = shapeAt(root, path, value);
  const members = shape === null ? null : options(shape);
  return members === null ? shape : chosen(members, valueAt(value, path));
}

/** Schema at a path, with the value there choosing between the members of unions; null where the schema knows no such path. */
export function shapeAt(root: Shape, path: KeyPath, value: unknown): Shape | null {
  let schema: Shape = root;
  let at = value;
  for (const key of path) {
    const members = options(schema);
    const next = member(members === null ? schema : chosen(members, at), key);
    if (next === null) return null;
    schema = next;
    at = typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[key] : undefined;
  }
  return schema;
}

/** The member of a union that a value was most likely meant for. */
export function chosen(members: readonly Shape[], value: unknown): Shape {
  let best = members[0] as Shape;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const candidate of members) {
    const score = fit(candidate, value);
    if (score > bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}

const MISFIT = -1000;

function fit(schema: Shape, value: unknown): number {
  const { def } = bare(schema)._zod as z.core.$ZodTypes['_zod'];
  switch (def.type) {
    case 'array':
      return Array.isArray(value) ? 0 : MISFIT;
    case 'object': {
      if (!isMapping(value)) return MISFIT;
      let score = 0;
      for (const [key, inner] of Object.entries(def.shape)) {
        if (!Object.hasOwn(value, key)) continue;
        const literal = (bare(inner)._zod as z.core.$ZodTypes['_zod']).def;
        // `mode: copy` decides more than any other key.
        if (literal.type === 'literal') score += literal.values.includes(value[key] as z.core.util.Literal) ? 100 : 0;
        else score += inner._zod.optin === undefined ? 10 : 1;
      }
      return score;
    }
    case 'literal':
      return def.values.includes(value as z.core.util.Literal) ? 1 : typeof value === 'string' ? -1 : MISFIT;
    case 'string':
      return typeof value === 'string' ? 0 : MISFIT - 1;
    default:
      return MISFIT;
  }
}

/** For unions of mappings in which one key tells the members apart, as in `from`: these keys, in order; null for other unions. */
export function tellingKeys(members: readonly Shape[]): readonly string[] | null {
  const mappings = members.filter((one) => knownKeys(one) !== null);
  const telling = mappings.flatMap((one) => neededKeys(one).slice(0, 1));
  return mappings.length > 1 && mappings.length === members.length && new Set(telling).size === mappings.length
    ? telling
    : null;
}

/** Texts that one key of a union's mappings takes, such as `mode`; of a single schema, what it takes itself. */
export function acceptedAt(root: Shape, path: KeyPath, value: unknown): readonly string[] {
  const parent = shapeAt(root, path.slice(0, -1), value);
  const members = parent === null ? null : options(parent);
  const key = path.at(-1);
  const shapes = members === null || typeof key !== 'string' ? [] : members.map((one) => member(one, key));
  const texts = shapes.flatMap((shape) => (shape === null ? [] : acceptedTexts(shape)));
  if (texts.length > 0) return [...new Set(texts)];
  const own = shapeAt(root, path, value);
  return own === null ? [] : acceptedTexts(own);
}

/** Texts that are accepted at a place, where it is one of a list. */
export function acceptedTexts(schema: Shape): readonly string[] {
  const { def } = bare(schema)._zod as z.core.$ZodTypes['_zod'];
  switch (def.type) {
    case 'enum':
      return Object.values(def.entries).map(String);
    case 'literal':
      return def.values.map(String);
    case 'union':
      return def.options.flatMap(acceptedTexts);
    default:
      return [];
  }
}

/** What is accepted at a place, as the object of a sentence: "a list", "`copy` or `script`". */
export function expected(schema: Shape): string {
  const at = bare(schema);
  const known = kindOf(at);
  if (known !== undefined) return known.means;
  const { def } = at._zod as z.core.$ZodTypes['_zod'];
  switch (def.type) {
    case 'string':
      return 'a text';
    case 'number':
      return 'a whole number';
    case 'boolean':
      return '`true` or `false`';
    case 'array':
      return 'a list';
    case 'object':
      return `a mapping with ${neededKeys(at).length > 0 ? neededKeys(at).map(quoted).join(', ') : 'keys'}`;
    case 'record':
      return 'a mapping of names';
    case 'enum':
    case 'literal':
      return alternatives(acceptedTexts(at).map(quoted));
    case 'union': {
      const telling = tellingKeys(def.options);
      if (telling !== null) return `a mapping with exactly one of ${telling.map(quoted).join(', ')}`;
      return alternatives([...new Set(def.options.map(expected))]);
    }
    default:
      return 'another value';
  }
}

/** "a", "a or b", "a, b or c". */
export function alternatives(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
}

const quoted = (text: string): string => `\`${text}\``;

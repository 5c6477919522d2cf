/** Turns what zod finds into diagnostics: one a place, the cause and not its echoes, with the nearest key or value that is known. */
import type { z } from 'zod';
import { diagnostic } from '../diagnostic-codes.ts';
import { listed, nearest } from '../names.ts';
import { configSchema } from '../schema.ts';
import { badName, badValue } from './bad-value.ts';
import { shown, type Finding } from './finding.ts';
import { chosen, expected, knownKeys, options, shapeAt, tellingKeys, type Shape } from './shape.ts';
import { dotted, isMapping, valueAt, type KeyPath, type Source } from './source.ts';

/** What was found wrong with the shape of a declaration. */
export function findings(source: Source, issues: readonly z.core.$ZodIssue[]): Finding[] {
  const found: Finding[] = [];
  for (const issue of issues) found.push(...findingsOf(source, issue, []));
  return withoutEchoes(found);
}

function findingsOf(source: Source, issue: z.core.$ZodIssue, above: KeyPath): Finding[] {
  const path: KeyPath = [...above, ...(issue.path as KeyPath)];
  const value = valueAt(source.value, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(source, path, key));
    case 'invalid_union':
      return value === undefined ? [missing(source, path)] : unionFindings(source, issue, path, value);
    case 'invalid_key':
      return [badName(source, path, String(path.at(-1)), 'key')];
    case 'invalid_type':
    case 'invalid_value':
      return [value === undefined ? missing(source, path) : badValue(source, path, value, issue)];
    default:
      return [value === undefined && path.length > 0 ? missing(source, path) : badValue(source, path, value, issue)];
  }
}

function unionFindings(source: Source, issue: z.core.$ZodIssueInvalidUnion, path: KeyPath, value: unknown): Finding[] {
  const shape = shapeAt(configSchema, path, source.value);
  const members = shape === null ? null : options(shape);
  if (shape === null || members === null) return [badValue(source, path, value, issue)];
  if (isMapping(value)) {
    const excluding = exclusive(source, path, members, value);
    if (excluding !== null) return [excluding];
  }
  const index = members.indexOf(chosen(members, value));
  const inner = issue.errors[index] ?? [];
  const fits = inner.some(
    ({ code, path: [first] }) => first !== undefined || code === 'unrecognized_keys' || code === 'invalid_format',
  );
  if (!fits) return [badValue(source, path, value, issue)];
  return inner.flatMap((one) => findingsOf(source, one, path));
}

/** For unions in which a key tells the members apart, as in `from`: none of these keys, or several. */
function exclusive(
  source: Source,
  path: KeyPath,
  members: readonly Shape[],
  value: Readonly<Record<string, unknown>>,
): Finding | null {
  const telling = tellingKeys(members.filter((member) => knownKeys(member) !== null));
  if (telling === null) return null;
  const there = telling.filter((key) => Object.hasOwn(value, key));
  if (there.length === 1) return null;
  const name = path.at(-1);
  if (there.length > 1) {
    const second = [...path, there.toSorted((a, b) => order(value, a) - order(value, b)).at(-1) ?? ''];
    const message = `${listed(there)} exclude each other in \`${name}\``;
    return { path: second, diagnostic: diagnostic('EXACTLY_ONE', message, source.place(second, 'key')) };
  }
  const all = members.flatMap((member) => knownKeys(member) ?? []);
  const unknown = Object.keys(value).find((key) => !all.includes(key));
  if (unknown !== undefined) return unknownKey(source, path, unknown, all);
  const message = `\`${name}\` needs exactly one of ${listed(telling)}`;
  return {
    path,
    diagnostic: diagnostic('EXACTLY_ONE', message, source.place(path, 'key'), `Add one of ${listed(telling)}.`),
  };
}

const order = (value: object, key: string): number => Object.keys(value).indexOf(key);

function unknownKey(source: Source, path: KeyPath, key: string, known?: readonly string[]): Finding {
  const at = [...path, key];
  const shape = shapeAt(configSchema, path, source.value);
  const members = shape === null ? null : options(shape);
  const here =
    shape === null ? null : knownKeys(members === null ? shape : chosen(members, valueAt(source.value, path)));
  const keys = known ?? here ?? [];
  const near = nearest(
    key,
    keys.filter((candidate) => valueAt(source.value, [...path, candidate]) === undefined),
  );
  const place = path.length === 0 ? 'at the top' : `in \`${dotted(path)}\``;
  const help =
    near === null ? `Known here: ${keys.map((name) => `\`${name}\``).join(', ')}.` : `Did you mean \`${near}\`?`;
  return {
    path: at,
    diagnostic: diagnostic('UNKNOWN_KEY', `There is no key ${shown(key)} ${place}`, source.place(at, 'key'), help),
    ...(near === null ? {} : { meant: [...path, near] }),
  };
}

function missing(source: Source, path: KeyPath): Finding {
  const parent = path.slice(0, -1);
  const shape = shapeAt(configSchema, path, source.value);
  const wanted = shape === null ? '' : `: ${expected(shape)}`;
  const place = parent.length === 0 ? 'The declaration' : `\`${dotted(parent)}\``;
  return {
    path,
    diagnostic: diagnostic(
      'MISSING_KEY',
      `${place} has no \`${path.at(-1)}\``,
      source.place(parent, 'key'),
      `Add \`${path.at(-1)}\`${wanted}.`,
    ),
  };
}

/** Drops what only follows from something else: a key that is missing because it is misspelt, a second finding at the same place. */
function withoutEchoes(all: readonly Finding[]): Finding[] {
  const misspelt = new Set(all.map(({ meant }) => (meant === undefined ? '' : dotted(meant))));
  const places = new Set<string>();
  return all.filter(({ path, diagnostic: { code, where } }) => {
    if ((code === 'MISSING_KEY' || code === 'EXACTLY_ONE') && misspelt.has(dotted(path))) return false;
    // All that a source declares has one place.
    const place = where === null || where.source !== undefined ? dotted(path) : `${where.line}:${where.column}`;
    if (places.has(place)) return false;
    places.add(place);
    return true;
  });
}

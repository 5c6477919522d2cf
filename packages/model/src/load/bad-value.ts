/** What is wrong with a single value, in words: its type, its form, or one of the values that are accepted instead. */
import type { z } from 'zod';
import { diagnostic } from '../diagnostic-codes.ts';
import { nearest } from '../names.ts';
import { configSchema } from '../schema.ts';
import { kindOf, NAME, VERSION } from '../schema-parts.ts';
import { shown, type Finding } from './finding.ts';
import { acceptedAt, alternatives, bare, expected, shapeAt, type Shape } from './shape.ts';
import { dotted, type KeyPath, type Source } from './source.ts';

/** A text that cannot name anything. */
export function badName(source: Source, path: KeyPath, name: string, what: 'key' | 'value'): Finding {
  const message = `${shown(name)} is no name that can be used here`;
  // What is left without its strange characters is likely what others mean.
  const meant = [...path.slice(0, -1), name.replaceAll(/[^A-Za-z0-9_.-]+/g, '')];
  return {
    path,
    diagnostic: diagnostic('BAD_NAME', message, source.place(path, what)),
    ...(what === 'key' ? { meant } : {}),
  };
}

/** A value of another type than its place takes, or of the right type in a form that is not accepted. */
export function badValue(source: Source, path: KeyPath, value: unknown, issue: z.core.$ZodIssue): Finding {
  const shape = shapeAt(configSchema, path, source.value);
  const where = source.place(path, 'value');
  const found = (code: Parameters<typeof diagnostic>[0], message: string, help?: string): Finding => ({
    path,
    diagnostic: diagnostic(code, message, where, help),
  });
  const subject = path.length === 0 ? 'The declaration' : `\`${dotted(path)}\``;
  if (shape === null) return found('WRONG_TYPE', `${subject} has a value that cannot be used here`);
  const kind = kindOf(bare(shape));
  const accepted = acceptedAt(configSchema, path, source.value);
  if (typeof value === 'number' && kind?.kind === VERSION) {
    const written = source.written(path) ?? String(value);
    return found(
      'VERSION_NOT_QUOTED',
      `${subject} is the number ${String(value)}, not a version`,
      `Put it in quotes: "${written}".`,
    );
  }
  if (
    typeof value === 'string' &&
    (accepted.length > 0 || issue.code !== 'invalid_type') &&
    issue.code !== 'invalid_union'
  ) {
    if (kind?.kind === NAME) return badName(source, path, value, 'value');
    if (accepted.length > 0) return unaccepted(value, accepted, found, subject);
    const form = issue.code === 'invalid_format' || issue.code === 'custom' ? issue.message : undefined;
    return found(
      'BAD_VALUE',
      `${subject} cannot be ${shown(value)}`,
      form === undefined ? limits(issue) : `Write ${form}.`,
    );
  }
  if (typeof value === 'string' && accepted.length > 0) return unaccepted(value, accepted, found, subject);
  if (issue.code === 'invalid_value' && typeof value === typeof firstLiteral(shape)) {
    return found('BAD_VALUE', `${subject} cannot be ${String(value)}`, `Write ${expected(shape)}.`);
  }
  if (issue.code === 'too_small' || issue.code === 'too_big' || issue.code === 'custom') {
    return found('BAD_VALUE', `${subject} has a value that is not accepted`, limits(issue));
  }
  return found('WRONG_TYPE', `${subject} is ${typeWords(value)}, not ${expected(shape)}`, quoteHelp(value, shape));
}

function unaccepted(
  value: string,
  accepted: readonly string[],
  found: (code: 'BAD_VALUE', message: string, help: string) => Finding,
  subject: string,
): Finding {
  const near = nearest(value, accepted);
  const help =
    near === null
      ? `Accepted: ${alternatives(accepted.map((text) => `\`${text}\``))}.`
      : `Did you mean \`${near}\`? Accepted: ${alternatives(accepted.map((text) => `\`${text}\``))}.`;
  return found('BAD_VALUE', `${subject} cannot be ${shown(value)}`, help);
}

function firstLiteral(shape: Shape): unknown {
  const { def } = bare(shape)._zod as z.core.$ZodTypes['_zod'];
  return def.type === 'literal' ? def.values[0] : undefined;
}

function limits(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'too_small') return `Write at least ${issue.minimum}${unit(issue.origin)}.`;
  if (issue.code === 'too_big') return `Write at most ${issue.maximum}${unit(issue.origin)}.`;
  return issue.code === 'custom' || issue.code === 'invalid_format' ? `Write ${issue.message}.` : undefined;
}

function unit(origin: string): string {
  return origin === 'string' ? ' characters' : origin === 'array' ? ' of them' : '';
}

function quoteHelp(value: unknown, shape: Shape): string | undefined {
  const { def } = bare(shape)._zod as z.core.$ZodTypes['_zod'];
  if (def.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return 'Put it in quotes.';
  return `Write ${expected(shape)}.`;
}

function typeWords(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'a text';
    case 'number':
      return Number.isInteger(value) ? 'a whole number' : 'a number';
    case 'boolean':
      return `\`${String(value)}\``;
    case 'object':
      return 'a mapping';
    default:
      return `a ${typeof value}`;
  }
}

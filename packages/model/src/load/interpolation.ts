/** Judges every `${…}` in a declaration: one interpolation is known, and only tags and repositories take it. */
import { diagnostic } from '../diagnostic-codes.ts';
import { configSchema } from '../schema.ts';
import { kindOf, TEMPLATE, VERBATIM } from '../schema-parts.ts';
import { shown, type Finding } from './finding.ts';
import { bare, leafAt } from './shape.ts';
import { isMapping, type KeyPath, type Source } from './source.ts';
import { RELEASE_VERSION } from '../schema-words.ts';

/** Finds interpolations that mean nothing. Texts that are handed on as they are (fragments, options, properties) are not looked at. */
export function interpolationFindings(source: Source): Finding[] {
  const found: Finding[] = [];
  visit(source, source.value, [], found);
  return found;
}

function visit(source: Source, value: unknown, path: KeyPath, found: Finding[]): void {
  if (typeof value === 'string') {
    if (value.includes('${')) judge(source, value, path, found);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(source, item, [...path, index], found);
  } else if (isMapping(value)) {
    for (const [key, member] of Object.entries(value)) visit(source, member, [...path, key], found);
  }
}

function judge(source: Source, text: string, path: KeyPath, found: Finding[]): void {
  const shape = leafAt(configSchema, path, source.value);
  const kind = shape === null ? undefined : kindOf(bare(shape))?.kind;
  if (kind === VERBATIM || shape === null || bare(shape)._zod.def.type === 'unknown') return;
  const unknown = [...text.matchAll(/\$\{[^}]*\}?/g)]
    .map(([match]) => match)
    .find((match) => match !== RELEASE_VERSION);
  const where = source.place(path, 'value');
  if (unknown !== undefined) {
    found.push({ path, diagnostic: diagnostic('INTERPOLATION_UNKNOWN', `${shown(unknown)} is not known`, where) });
  } else if (kind !== TEMPLATE) {
    const message = `\`${RELEASE_VERSION}\` is not replaced in \`${path.join('.')}\``;
    found.push({ path, diagnostic: diagnostic('INTERPOLATION_NOT_HERE', message, where) });
  }
}

/** Finds the codes that sources give to failures, so that none of them can be missing in the reference. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import type { Expression, ObjectExpression } from 'oxc-parser';

/** A code in a source, `file:line`. */
export interface Found {
  readonly code: string;
  readonly at: string;
}

/** Sources whose failures end at a user. The model has a table of its own, whose codes its compiler checks. */
const PACKAGES = [
  'image',
  'sdk',
  'buildkit',
  'cache',
  'layers',
  'dss',
  'python',
  'debian',
  'lock',
  'planner',
  'engine',
  'rebake',
  'cli',
];
const FOLDERS = [...PACKAGES.map((name) => `packages/${name}/src/*.ts`), 'plugins/*/src/*.ts'];

/** Generated messages; and the conformance suite, which only names what others give. */
const NO_FAILURES = /\/generated\/|^packages\/sdk\/src\/testing\//;

const WITH_UNDERSCORE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;
const IN_WORDS = /\(([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\)/g;
const UPPER_CASE = /^[A-Z][A-Z0-9_]+$/;

/** Every literal code of the sources below `root`. */
export function scanCodes(root: string): readonly Found[] {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', ...FOLDERS];
  const files = execFileSync('git', list, { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && !NO_FAILURES.test(file) && existsSync(join(root, file)));
  return files.flatMap((file) => scanText(file, readFileSync(join(root, file), 'utf8')));
}

/**
 * What looks like a code in one source: each literal in upper snake case wherever it stands, upper-case words as the `code` of an object, and
 * codes in parentheses in a text. Too much rather than too little: what is no code is named in a list.
 */
export function scanText(file: string, text: string): readonly Found[] {
  const found: Found[] = [];
  const add = (code: string, start: number): void => {
    found.push({ code, at: `${file}:${text.slice(0, start).split('\n').length}` });
  };
  const visitor = new Visitor({
    Literal: ({ value, start }) => {
      if (typeof value === 'string' && WITH_UNDERSCORE.test(value)) add(value, start);
    },
    TemplateElement: ({ value, start }) => {
      for (const match of value.raw.matchAll(IN_WORDS)) add(match[1] ?? '', start + match.index);
    },
    ObjectExpression: (node) => {
      for (const { value, start } of codeOf(node)) {
        if (UPPER_CASE.test(value) && !WITH_UNDERSCORE.test(value)) add(value, start);
      }
    },
  });
  visitor.visit(parseSync(file, text).program);
  return found;
}

interface Text {
  readonly value: string;
  readonly start: number;
}

function codeOf(node: ObjectExpression): readonly Text[] {
  return node.properties.flatMap((property) => {
    const isCode = property.type === 'Property' && property.key.type === 'Identifier' && property.key.name === 'code';
    return isCode ? textsOf(property.value) : [];
  });
}

/** Texts that an expression may be: a literal, or the branches of a condition. */
function textsOf(node: Expression): readonly Text[] {
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [{ value: node.value, start: node.start }] : [];
    case 'ConditionalExpression':
      return [...textsOf(node.consequent), ...textsOf(node.alternate)];
    default:
      return [];
  }
}

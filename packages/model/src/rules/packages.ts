/** Rules of packages: lines of a code env or a base, each package once in the ledger, whatever their order. */
import { compareBytes } from '@rebake/sdk';
import type { Where } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import { excerpt, readRequirements } from '../requirements.ts';
import type { RequirementItem, RequirementProblem } from '../requirements-items.ts';
import type { PackageFacts } from './facts.ts';
import { textOf } from './problems.ts';
import type { KeyPath, PlacedText, Problems } from './problems.ts';

/** Packages as the schema has them. */
export type PackagesConfig = readonly string[] | { readonly file: string };

// What to do about each problem of a line; the table of codes has the general advice.
const INSTEAD: Partial<Record<RequirementProblem['code'], string>> = {
  REQUIREMENT_INCLUDE: 'Put the lines of that file here.',
};

/** Reads packages; problems of lines are noted. Sorted by key, each key once, its lines sorted. */
export function readPackages(
  loaded: Loaded,
  config: PackagesConfig,
  path: KeyPath,
  language: 'python' | 'r',
  problems: Problems,
): PackageFacts[] {
  const byKey = new Map<string, { lines: string[]; at: () => Where }>();
  for (const { text, index } of sources(loaded, config, path)) {
    for (const item of language === 'python' ? readRequirements(text.text) : readRPackages(text.text)) {
      // Inline packages have their place from the declaration, whatever line of themselves it is.
      const at = (): Where => (index === null ? text.at(item.line, item.column) : loaded.locate([...path, index]));
      if (item.kind === 'problem') {
        problems.addAt(item.code, at(), item.message, INSTEAD[item.code]);
        continue;
      }
      const key = `${item.kind === 'package' ? 'packages' : 'package-options'}/${item.name}`;
      const before = byKey.get(key);
      if (before === undefined) byKey.set(key, { lines: [item.text], at });
      else if (!before.lines.includes(item.text)) before.lines.push(item.text);
    }
  }
  return [...byKey]
    .map(([key, { lines, at }]) => ({
      key,
      lines: key.startsWith('packages/') ? lines.toSorted(compareBytes) : lines,
      at,
    }))
    .toSorted((a, b) => compareBytes(a.key, b.key));
}

function* sources(
  loaded: Loaded,
  config: PackagesConfig,
  path: KeyPath,
): Generator<{ text: PlacedText; index: number | null }> {
  if ('file' in config) {
    const text = textOf(loaded, path, config);
    if (text !== null) yield { text, index: null };
    return;
  }
  for (const [index, line] of config.entries()) {
    yield { text: { text: line, at: () => loaded.locate([...path, index]) }, index };
  }
}

/** R packages, one a line: a name, perhaps in quotes. Versions cannot be asked of CRAN. */
function* readRPackages(text: string): Generator<RequirementItem> {
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/#.*$/, '').trim();
    if (line === '') continue;
    const place = { line: index + 1, column: raw.search(/\S/) + 1 };
    const name = /^(["']?)([A-Za-z][A-Za-z0-9.]*[A-Za-z0-9])\1\s*,?$/.exec(line)?.[2];
    if (name !== undefined) yield { ...place, kind: 'package', name, text: name };
    else
      yield {
        ...place,
        kind: 'problem',
        code: 'REQUIREMENT_INVALID',
        message: `\`${excerpt(line)}\` is no name of an R package (versions of R packages cannot be chosen)`,
      };
  }
}

/** Lines for a requirements file: options first, then packages; a function of what counts in the ledger. */
export function requirementLines(packages: readonly PackageFacts[]): string[] {
  return [
    ...packages.filter(({ key }) => key.startsWith('package-options/')),
    ...packages.filter(({ key }) => key.startsWith('packages/')),
  ].flatMap(({ lines }) => lines);
}

/** Rules of packages: lines of a code env or a base, each package once in the ledger, whatever their order. */
import { compareBytes } from '@rebake/sdk';
import type { Where } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import { excerpt, readRequirement, readRequirements } from '../requirements.ts';
import type { RequirementItem, RequirementLine } from '../requirements-items.ts';
import type { CodeEnvFacts, PackageFacts } from './facts.ts';
import { textOf } from './problems.ts';
import type { KeyPath, Problems } from './problems.ts';

/** Packages as the schema has them. */
export type PackagesConfig = readonly string[] | { readonly file: string };

/** Reads packages; problems of lines are noted. Sorted by key, each key once, its lines sorted (values of an option keep their order). */
export function readPackages(
  loaded: Loaded,
  config: PackagesConfig,
  path: KeyPath,
  language: 'python' | 'r',
  problems: Problems,
): readonly PackageFacts[] {
  const found = new Found(problems);
  const read = language === 'python' ? readRequirements : readRPackages;
  if ('file' in config) {
    const text = textOf(loaded, path, config);
    if (text !== null) for (const item of read(text.text)) found.add(item, () => text.at(item.line, item.column));
    return found.sorted();
  }
  for (const [index, line] of config.entries()) {
    // Inline packages have their place from the declaration, whatever line of themselves it is.
    const at = (): Where => loaded.locate([...path, index]);
    if (language === 'python' && PLAIN.test(line)) found.add(readRequirement(line), at);
    else for (const item of read(line)) found.add(item, at);
  }
  return found.sorted();
}

// Nothing in it that spans lines or ends one early.
const PLAIN = /^[^#\\\s]+$/;

class Found {
  private readonly byKey = new Map<
    string,
    { readonly key: string; lines: readonly string[]; readonly at: () => Where }
  >();
  private readonly problems: Problems;

  constructor(problems: Problems) {
    this.problems = problems;
  }

  add(item: RequirementLine, at: () => Where): void {
    if (item.kind === 'problem') {
      this.problems.addAt(item.code, at(), item.message);
      return;
    }
    const key = `${item.kind === 'package' ? 'packages' : 'package-options'}/${item.name}`;
    const before = this.byKey.get(key);
    if (before === undefined) this.byKey.set(key, { key, lines: [item.text], at });
    else if (!before.lines.includes(item.text)) {
      const lines = [...before.lines, item.text];
      before.lines = item.kind === 'package' ? lines.toSorted(compareBytes) : lines;
    }
  }

  sorted(): readonly PackageFacts[] {
    return [...this.byKey.values()].sort((a, b) => compareBytes(a.key, b.key));
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

/** Packages of an env as they are installed: with the kernel for notebooks, unless it is among them. */
export function installedPackages({
  language,
  packages,
  jupyter,
}: Pick<CodeEnvFacts, 'language' | 'packages' | 'jupyter'>): readonly PackageFacts[] {
  const kernel = language === 'r' ? 'IRkernel' : 'ipykernel';
  const key = `packages/${kernel}`;
  if (!jupyter || packages.some((one) => one.key === key)) return packages;
  return [...packages, { key, lines: [kernel], at: noPlace }].toSorted((a, b) => compareBytes(a.key, b.key));
}

function noPlace(): never {
  throw new TypeError('a kernel that is added has no place');
}

/** Lines for a requirements file: options first (by key they are), then packages; a function of what counts in the ledger. */
export function requirementLines(packages: readonly PackageFacts[]): string[] {
  return packages.flatMap(({ lines }) => lines);
}

/** Rules of Dockerfile fragments: text is joined safely, and only declared files can be copied. */
import { posix } from 'node:path';
import type { FileSet } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import { readFragment } from '../dockerfile-fragment.ts';
import type { FragmentSource } from '../dockerfile-fragment.ts';
import type { FragmentFacts, FragmentsFacts } from './facts.ts';
import { NO_FILES, setAt, withFiles } from './filesets.ts';
import { textOf } from './problems.ts';
import type { KeyPath, Problems } from './problems.ts';

/** Fragments of one owner as the schema has them: text or file by field, in the order in which they are carried out. */
export type FragmentsConfig = readonly (readonly [
  place: string,
  field: string,
  value: string | { readonly file: string } | undefined,
])[];

/** Reads the fragments of a base or an env below `path`. `more`: files that they may copy besides those of `files`. */
export function readFragments(
  loaded: Loaded,
  path: KeyPath,
  config: FragmentsConfig,
  problems: Problems,
  more: FileSet = NO_FILES,
): FragmentsFacts {
  if (config.every(([, , value]) => value === undefined)) return NO_FRAGMENTS;
  const set = withFiles(loaded.root, setAt(loaded, [...path, 'files']) ?? NO_FILES, more);
  const fragments: FragmentFacts[] = [];
  for (const [place, field, value] of config) {
    if (value === undefined) continue;
    const from = textOf(loaded, [...path, field], value);
    if (from === null || from.text.trim() === '') continue;
    const { sources, problems: found } = readFragment(from.text);
    for (const one of found) problems.addAt(one.code, from.at(one.line), one.message);
    for (const source of sources.filter((one) => !isDeclared(one, set))) {
      problems.addAt(
        'FRAGMENT_FILE_UNDECLARED',
        from.at(source.line),
        `The instructions copy \`${source.path.slice(0, 200)}\`, which is not among the declared files`,
        `Add it to \`${[...path, 'files'].join('.')}\`; it is copied by the path that is written there.`,
      );
    }
    fragments.push({ place, text: wholeLines(from.text), from });
  }
  return { fragments, files: set };
}

const NO_FRAGMENTS: FragmentsFacts = { fragments: [], files: NO_FILES };

/** Text with LF only and exactly one last newline, so that whatever follows begins on a line of its own. */
export function wholeLines(text: string): string {
  return `${text.replaceAll('\r', '').replace(/\n+$/, '')}\n`;
}

function isDeclared(source: FragmentSource, set: FileSet): boolean {
  // A variable may mean anything; the build fails by itself where it means something undeclared.
  if (source.path.includes('$')) return true;
  const path = posix.normalize(`/${source.path}`).replace(/\/$/, '').slice(1);
  if (path === '') return set.files.length > 0;
  if (/[*?[]/.test(path)) {
    const pattern = globPattern(path);
    return set.files.some((file) =>
      file.path.split('/').some((_, index, parts) => pattern.test(parts.slice(0, index + 1).join('/'))),
    );
  }
  return set.files.some((file) => file.path === path || file.path.startsWith(`${path}/`));
}

function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(/\*\*|\*|\?|\[[^\]]*\]|[.+^${}()|\\[\]]/g, (part) => {
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    // A class of characters is taken as any one character: what it leaves out, the build will say.
    return part.length > 1 ? '[^/]' : `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}

/** Reads Dockerfile fragments for what they must not do, and for the files that they want. */
import { splitDockerfile } from './dockerfile-lines.ts';
import { imagesIn, splitFlags, splitWords, unquote } from './dockerfile-words.ts';
import type { DockerfileProblem } from './dockerfile-words.ts';

/** What a fragment copies from the build context: one source of a COPY or ADD. */
export interface FragmentSource {
  readonly path: string;
  readonly line: number;
}

/** Reads instructions that are put between others: no FROM, nothing left open, no images; and which files they want. */
export function readFragment(text: string): {
  readonly sources: readonly FragmentSource[];
  readonly problems: readonly DockerfileProblem[];
} {
  const file = splitDockerfile(text, 'fragment');
  const problems: DockerfileProblem[] = [];
  const sources: FragmentSource[] = [];
  for (const { keyword, rest, from } of file.instructions) {
    const line = from + 1;
    if (keyword === 'FROM')
      problems.push({ code: 'FRAGMENT_HAS_FROM', line, message: 'The instructions start another image with FROM' });
    for (const image of ['COPY', 'ADD', 'RUN'].includes(keyword) ? imagesIn(keyword, rest) : []) {
      problems.push({
        code: 'FRAGMENT_REFERENCE',
        line,
        message: `The instructions take files from the image \`${image.slice(0, 100)}\``,
      });
    }
    if (keyword === 'COPY' || keyword === 'ADD') sources.push(...copied(rest).map((path) => ({ path, line })));
  }
  if (file.unfinished !== null) {
    const line = (file.instructions.at(-1)?.from ?? 0) + 1;
    problems.push({
      code: 'FRAGMENT_UNFINISHED',
      line,
      message: `The instructions end in an open ${file.unfinished}, which would swallow what follows`,
    });
  }
  return { sources, problems };
}

function copied(arguments_: string): string[] {
  const { flags, rest } = splitFlags(arguments_);
  if (flags.some((flag) => flag.name === 'from')) return [];
  const words = jsonWords(rest) ?? splitWords(rest).map(unquote);
  return words.slice(0, -1).filter((word) => !/^\d*<</.test(word) && !/^(?:https?|git|ssh):\/\/|^git@/.test(word));
}

function jsonWords(text: string): string[] | null {
  if (!text.startsWith('[')) return null;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : null;
  } catch {
    return null;
  }
}

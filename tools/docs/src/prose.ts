/** Reads the Markdown of the repository as far as its tests need: links, anchors, and commands that a reader is told to type. */

/** A link to another file, or to a heading. Line counts from 1. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

/** A line of a shell, or a piece of code in a sentence. */
export interface Snippet {
  readonly text: string;
  readonly line: number;
}

/** Links of a page, without those to other sites. */
export function linksOf(markdown: string): readonly Link[] {
  return lines(markdown).flatMap(({ text, line, fenced }) =>
    fenced
      ? []
      : [...text.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)]
          .map((match) => match[1] ?? '')
          .filter((target) => !/^[a-z]+:/.test(target))
          .map((target) => ({ target, line })),
  );
}

/** Anchors of the headings of a page, as GitHub makes them. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = lines(markdown).flatMap(({ text, fenced }) =>
    fenced ? [] : [/^#+ (.*)$/.exec(text)?.[1] ?? []].flat(),
  );
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Lines of code blocks and pieces of code in sentences. A prompt and what follows `#` are left out. */
export function snippetsOf(markdown: string): readonly Snippet[] {
  return lines(markdown).flatMap(({ text, line, fenced }) => {
    if (fenced)
      return [
        {
          text: text
            .trim()
            .replace(/^\$ /, '')
            .replace(/\s#\s.*$/, ''),
          line,
        },
      ];
    return [...text.matchAll(/`([^`]+)`/g)].map((match) => ({ text: match[1] ?? '', line }));
  });
}

interface Line {
  readonly text: string;
  readonly line: number;
  readonly fenced: boolean;
}

function lines(markdown: string): readonly Line[] {
  let fence = false;
  return markdown.split('\n').flatMap((text, index) => {
    const mark = text.trimStart().startsWith('```');
    if (mark) fence = !fence;
    return mark ? [] : [{ text, line: index + 1, fenced: fence }];
  });
}

/**
 * Just enough of a Dockerfile parser to find the instructions of a user's text and where each word of them stands: parser directives, line
 * continuations, comments in between, heredocs. It never rewrites; what is not looked for stays byte for byte.
 */

/** A word of an instruction: its text with continuations taken out, and its range in the source (end exclusive). */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  /** Words after the keyword. */
  readonly words: readonly Word[];
  /** 1-based line and column of the keyword. */
  readonly line: number;
  readonly column: number;
}

export interface Parsed {
  /** The escape character: a backslash, unless the directive says backtick. */
  readonly escape: string;
  /** What a `# syntax=` directive names. */
  readonly syntax?: string;
  readonly instructions: readonly Instruction[];
  /** What keeps the text from being followed by other lines: a heredoc without its end, or a continued line, with where it ends. */
  readonly open: 'no' | 'heredoc' | { readonly continuedAt: number };
}

interface Line {
  readonly text: string;
  readonly start: number;
}

const DIRECTIVE = /^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.*?)\s*$/;
const SKIPPED_IN_CONTINUATION = /^\s*(#|$)/;
/** A heredoc at the beginning of a word; or what is quoted or escaped, in which there is none. */
const HEREDOC = /(?<!\S)\d*<<(-?)(["']?)([^\s<"']+)\2(?!\S)|\\.|"(?:\\.|[^"\\])*"|'[^']*'/gs;
const HEREDOC_KEYWORDS = new Set(['RUN', 'COPY', 'ADD', 'ONBUILD']);

export function parseDockerfile(source: string): Parsed {
  const lines = linesOf(source);
  const { escape, syntax } = directives(lines);
  const continued = escape === '`' ? /`[ \t]*\r?$/ : /\\[ \t]*\r?$/;
  const instructions: Instruction[] = [];
  let open: Parsed['open'] = 'no';
  for (let at = 0; at < lines.length;) {
    const first = lines[at];
    if (first === undefined || SKIPPED_IN_CONTINUATION.test(first.text)) {
      at++;
      continue;
    }
    const parts: Line[] = [];
    const number = at + 1;
    open = 'no';
    for (let isContinued = true; isContinued && at < lines.length; at++) {
      const line = lines[at];
      if (line === undefined) break;
      if (parts.length > 0 && SKIPPED_IN_CONTINUATION.test(line.text)) continue;
      const match = continued.exec(line.text);
      parts.push({ text: match === null ? line.text : line.text.slice(0, match.index), start: line.start });
      isContinued = match !== null;
      open = match === null ? 'no' : { continuedAt: line.start + match.index };
    }
    const [keyword, ...words] = wordsOf(parts);
    if (keyword === undefined) continue;
    const upper = keyword.text.toUpperCase();
    instructions.push({ keyword: upper, words, line: number, column: keyword.start - first.start + 1 });
    if (!HEREDOC_KEYWORDS.has(upper)) continue;
    for (const heredoc of parts
      .map(({ text }) => text)
      .join('')
      .matchAll(HEREDOC)) {
      const name = heredoc[3];
      if (name === undefined) continue;
      const end = heredocEnd(lines, at, name, heredoc[1] === '-');
      if (end === null) {
        open = 'heredoc';
        break;
      }
      at = end + 1;
    }
  }
  return { escape, ...(syntax === undefined ? {} : { syntax }), instructions, open };
}

function linesOf(source: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start <= source.length;) {
    const newline = source.indexOf('\n', start);
    const end = newline < 0 ? source.length : newline;
    lines.push({ text: source.slice(start, end), start });
    start = end + 1;
  }
  return lines;
}

/** Directives stand at the very top; the first other line ends them. */
function directives(lines: readonly Line[]): { escape: string; syntax?: string } {
  const found = new Map<string, string>();
  for (const { text } of lines) {
    const match = DIRECTIVE.exec(text.replace(/^\uFEFF/, ''));
    if (match === null) break;
    found.set((match[1] ?? '').toLowerCase(), match[2] ?? '');
  }
  const syntax = found.get('syntax');
  return { escape: found.get('escape') === '`' ? '`' : '\\', ...(syntax === undefined ? {} : { syntax }) };
}

/** Words over all parts of a logical line; a word may go over a continuation. */
function wordsOf(parts: readonly Line[]): Word[] {
  const words: Word[] = [];
  let word: { text: string; start: number; end: number } | undefined;
  for (const { text, start } of parts) {
    for (let i = 0; i < text.length; i++) {
      const char = text.charAt(i);
      if (/\s|\uFEFF/.test(char)) {
        word = undefined;
      } else if (word === undefined) {
        word = { text: char, start: start + i, end: start + i + 1 };
        words.push(word);
      } else {
        word.text += char;
        word.end = start + i + 1;
      }
    }
  }
  return words;
}

/** Index of the line that ends a heredoc, or null. */
function heredocEnd(lines: readonly Line[], from: number, name: string, stripTabs: boolean): number | null {
  for (let at = from; at < lines.length; at++) {
    const text = lines[at]?.text.replace(/\r$/, '') ?? '';
    if ((stripTabs ? text.replace(/^\t+/, '') : text) === name) return at;
  }
  return null;
}

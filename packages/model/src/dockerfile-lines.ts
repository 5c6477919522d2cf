/** Splits Dockerfile text into instructions: directives, comments, continuations and heredocs. It understands no instruction. */

/** One instruction with its arguments on one line. `from` and `to` are the physical lines it takes up, its heredocs included, from 0. */
export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  readonly rest: string;
  readonly from: number;
  readonly to: number;
}

/** A Dockerfile, split. */
export interface DockerfileLines {
  readonly lines: readonly string[];
  readonly instructions: readonly Instruction[];
  /** Parser directives at the top (`syntax`, `escape`, `check`), lower case, with their line from 0. */
  readonly directives: ReadonlyMap<string, { readonly value: string; readonly line: number }>;
  /** The last instruction ends in a continuation or in a heredoc without its end: what is put after it would be swallowed. */
  readonly unfinished: 'continuation' | 'heredoc' | null;
}

const DIRECTIVE = /^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$/;
const HEREDOC_KEYWORDS = new Set(['RUN', 'COPY', 'ADD']);

/** Splits a whole Dockerfile; `fragment` text has no directives, since it never stands at the top. */
export function splitDockerfile(text: string, kind: 'whole' | 'fragment'): DockerfileLines {
  const lines = text
    .replace(/^\uFEFF/, '')
    .replaceAll('\r', '')
    .split('\n');
  const directives = kind === 'whole' ? readDirectives(lines) : new Map<string, { value: string; line: number }>();
  const escape = directives.get('escape')?.value === '`' ? '`' : '\\';
  const continued = new RegExp(`${escape === '`' ? '`' : '\\\\'}[ \\t]*$`);
  const instructions: Instruction[] = [];
  let unfinished: DockerfileLines['unfinished'] = null;
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at++;
      continue;
    }
    const from = at;
    let joined = '';
    let open = true;
    while (open && at < lines.length) {
      const line = lines[at] ?? '';
      at++;
      // Comments and empty lines inside a continuation are left out, as by the engine.
      if (joined !== '' && isBlank(line)) continue;
      open = continued.test(line);
      joined += open ? line.replace(continued, '') : line;
    }
    if (open) unfinished = 'continuation';
    const [, word = '', rest = ''] = /^\s*(\S+)\s*([\s\S]*)$/.exec(joined) ?? [];
    const keyword = word.toUpperCase();
    for (const document of heredocs(keyword, rest)) {
      const end = lines.findIndex(
        (line, index) => index >= at && (document.tabs ? line.replace(/^\t+/, '') : line) === document.name,
      );
      if (end < 0) unfinished = 'heredoc';
      at = end < 0 ? lines.length : end + 1;
    }
    instructions.push({ keyword, rest: rest.trim(), from, to: at - 1 });
  }
  return { lines, instructions, directives, unfinished };
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || /^\s*(?:#|$)/.test(line);
}

function readDirectives(lines: readonly string[]): Map<string, { value: string; line: number }> {
  const found = new Map<string, { value: string; line: number }>();
  for (const [index, line] of lines.entries()) {
    const match = DIRECTIVE.exec(line);
    if (match === null) break;
    found.set((match[1] ?? '').toLowerCase(), { value: match[2] ?? '', line: index });
  }
  return found;
}

function* heredocs(keyword: string, rest: string): Generator<{ name: string; tabs: boolean }> {
  const [first = '', after = ''] = rest.split(/\s+([\s\S]*)/, 2);
  if (keyword === 'ONBUILD' && first !== '') yield* heredocs(first.toUpperCase(), after);
  if (!HEREDOC_KEYWORDS.has(keyword)) return;
  for (const word of rest.split(/\s+/)) {
    const match = /^\d*<<(-?)(["']?)([^<"']+)\2$/.exec(word);
    if (match?.[3] !== undefined) yield { name: match[3], tabs: match[1] === '-' };
  }
}

/** The images that a user's Dockerfile starts from or copies from, and the same text with each of them pinned. */
import { parseDockerfile, type Instruction, type Word } from './parse.ts';

/** One use of an image that is neither a stage of the file nor `scratch`. */
export interface DockerfileReference {
  /** As it stands in the file. */
  readonly written: string;
  /** With the defaults of ARG lines before the first FROM put in; null if a variable in it has none. */
  readonly reference: string | null;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
}

/** What is known of a Dockerfile without building it. */
export interface DockerfileFacts {
  readonly references: readonly DockerfileReference[];
  /** Image of a `# syntax=` line: a frontend that the engine would fetch by itself, unpinned. */
  readonly syntax?: string;
  /** Keywords of its instructions, in order, upper case. */
  readonly keywords: readonly string[];
}

interface Use extends DockerfileReference {
  readonly start: number;
  readonly end: number;
}

/** Reads a Dockerfile, or a part of one: a fragment has no FROM, and no stages. */
export function readDockerfile(text: string): DockerfileFacts {
  const { instructions, syntax } = parseDockerfile(text);
  const references = uses(instructions).map(({ written, reference, line, column }) => ({
    written,
    reference,
    line,
    column,
  }));
  return {
    references,
    ...(syntax === undefined ? {} : { syntax }),
    keywords: instructions.map(({ keyword }) => keyword),
  };
}

/**
 * The text with the words of its references replaced, and nothing else. `pin` gives the replacement, or throws.
 */
export function pinReferences(text: string, pin: (use: DockerfileReference) => string): string {
  let out = '';
  let at = 0;
  for (const use of uses(parseDockerfile(text).instructions).toSorted((a, b) => a.start - b.start)) {
    out += text.slice(at, use.start) + pin(use);
    at = use.end;
  }
  return out + text.slice(at);
}

function uses(instructions: readonly Instruction[]): Use[] {
  const found: Use[] = [];
  const stages = new Set<string>();
  const defaults = new Map<string, string>();
  let stageCount = 0;
  for (const instruction of instructions) {
    const { keyword, words, line, column } = instruction;
    const use = (word: Word, written: string, offset: number): void => {
      const start = word.start + offset;
      // Only a word that is whole in the source can be replaced in part.
      const end = offset === 0 ? word.end : start + written.length;
      found.push({ written, reference: expand(written, defaults), line, column, start, end });
    };
    const isOwn = (name: string): boolean => name.toLowerCase() === 'scratch' || stages.has(name.toLowerCase());
    switch (keyword) {
      case 'ARG':
        if (stageCount === 0) readDefaults(words, defaults);
        break;
      case 'FROM': {
        const rest = words.filter(({ text }) => !text.startsWith('--'));
        const [image, as, name] = rest;
        if (image !== undefined && !isOwn(expand(image.text, defaults) ?? image.text)) use(image, image.text, 0);
        if (as?.text.toUpperCase() === 'AS' && name !== undefined) stages.add(name.text.toLowerCase());
        stages.add(String(stageCount++));
        break;
      }
      case 'COPY':
      case 'ADD':
        for (const word of words) {
          if (!word.text.startsWith('--')) break;
          const from = /^--from=(.+)$/s.exec(word.text)?.[1];
          if (from !== undefined && !isOwn(from)) use(word, from, '--from='.length);
        }
        break;
      case 'RUN':
        for (const word of words) {
          if (!word.text.startsWith('--')) break;
          const mount = /^--mount=(?:.*,)?from=([^,]+)/s.exec(word.text);
          const from = mount?.[1];
          if (mount !== null && from !== undefined && !isOwn(from)) use(word, from, mount[0].length - from.length);
        }
        break;
      default:
        break;
    }
  }
  return found;
}

/** `ARG NAME=default …` before the first FROM; there are no build arguments, so the default is the value. */
function readDefaults(words: readonly Word[], defaults: Map<string, string>): void {
  for (const { text } of words) {
    const equals = text.indexOf('=');
    if (equals < 0) continue;
    const value = expand(text.slice(equals + 1).replace(/^(["'])(.*)\1$/s, '$2'), defaults);
    if (value !== null) defaults.set(text.slice(0, equals), value);
  }
}

const VARIABLE = /\$(?:\{([A-Za-z_]\w*)(?::([-+])([^}]*))?\}|([A-Za-z_]\w*))/g;

function expand(text: string, values: ReadonlyMap<string, string>): string | null {
  let isComplete = true;
  const expanded = text.replace(
    VARIABLE,
    (_, braced: string | undefined, operator, alternative: string, plain: string) => {
      const value = values.get(braced ?? plain) ?? '';
      if (operator === '-') return value === '' ? alternative : value;
      if (operator === '+') return value === '' ? '' : alternative;
      if (value === '') isComplete = false;
      return value;
    },
  );
  return isComplete && !expanded.includes('$') ? expanded.replace(/^(["'])(.*)\1$/s, '$2') : null;
}

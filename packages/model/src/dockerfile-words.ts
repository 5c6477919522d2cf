/** The words of Dockerfile instructions: flags, quotes, and the images that they name; and what can be wrong with them. */

/** Something in a Dockerfile or fragment that cannot be built, or not be followed. */
export interface DockerfileProblem {
  readonly code:
    | 'DOCKERFILE_INVALID'
    | 'DOCKERFILE_REFERENCE_UNKNOWN'
    | 'DOCKERFILE_FRONTEND'
    | 'BAD_REFERENCE'
    | 'FRAGMENT_HAS_FROM'
    | 'FRAGMENT_UNFINISHED'
    | 'FRAGMENT_REFERENCE';
  readonly line: number;
  readonly message: string;
}

/** Splits `--flag=value` words off the front of an instruction's arguments. */
export function splitFlags(rest: string): {
  readonly flags: readonly { readonly name: string; readonly value: string }[];
  readonly rest: string;
} {
  const flags: { name: string; value: string }[] = [];
  let left = rest;
  for (;;) {
    const match = /^--([A-Za-z][A-Za-z-]*)(?:=(\S*))?(?:\s+|$)/.exec(left);
    if (match === null) return { flags, rest: left };
    flags.push({ name: (match[1] ?? '').toLowerCase(), value: match[2] ?? '' });
    left = left.slice(match[0].length);
  }
}

/** Images and stages that an instruction takes files from. */
export function imagesIn(keyword: string, rest: string): string[] {
  const { flags } = splitFlags(rest);
  if (keyword !== 'RUN')
    return flags.filter((flag) => flag.name === 'from' && flag.value !== '').map((flag) => unquote(flag.value));
  return flags
    .filter((flag) => flag.name === 'mount')
    .flatMap((flag) => unquote(flag.value).split(','))
    .filter((option) => option.startsWith('from='))
    .map((option) => option.slice('from='.length));
}

/** Words of an instruction's arguments, quotes kept. */
export function splitWords(text: string): string[] {
  return text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'])+/g) ?? [];
}

/** Splits at the first separator. */
export function splitOnce(text: string, separator: string): [string] | [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** Takes one pair of quotes away. */
export function unquote(text: string): string {
  const match = /^(["'])([\s\S]*)\1$/.exec(text);
  return match?.[2] ?? text;
}

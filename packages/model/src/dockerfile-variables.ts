/** Variables in FROM lines: only what a Dockerfile itself says is known; anything else is undetermined. */

/** Replaces `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; null where a value is not known. */
export function expandVariables(text: string, values: ReadonlyMap<string, string | null>): string | null {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) return out + text.slice(at);
    out += text.slice(at, dollar);
    const plain = /^\$([A-Za-z_]\w*)/.exec(text.slice(dollar));
    const braced = plain === null ? bracedAt(text, dollar) : null;
    if (plain === null && braced === null) return null;
    const value = plain === null ? operation(braced?.inner ?? '', values) : (values.get(plain[1] ?? '') ?? null);
    if (value === null) return null;
    out += value;
    at = dollar + (plain?.[0].length ?? braced?.length ?? 1);
  }
  return out;
}

function bracedAt(text: string, dollar: number): { inner: string; length: number } | null {
  if (text[dollar + 1] !== '{') return null;
  let depth = 0;
  for (let at = dollar + 1; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return { inner: text.slice(dollar + 2, at), length: at - dollar + 1 };
  }
  return null;
}

function operation(inner: string, values: ReadonlyMap<string, string | null>): string | null {
  const match = /^([A-Za-z_]\w*)(?:(:?[-+])([\s\S]*))?$/.exec(inner);
  if (match === null) return null;
  const [, name = '', operator, word = ''] = match;
  const declared = values.has(name);
  const value = values.get(name) ?? null;
  if (operator === undefined) return value;
  // Declared without a default: whoever builds decides, so nothing can be said.
  if (declared && value === null) return null;
  const counts = operator.startsWith(':') ? (value ?? '') !== '' : declared;
  if (operator.endsWith('-')) return counts ? value : expandVariables(word, values);
  return counts ? expandVariables(word, values) : '';
}

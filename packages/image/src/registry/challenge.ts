/** `WWW-Authenticate` headers: one or several challenges, each a scheme and parameters, separated by the same commas. */

/** What a registry wants to see before it answers. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string; readonly scope?: string };

const MAX_HEADER = 8_192;

/** The strongest challenge of a header that rebake can answer: bearer, else basic, else null. */
export function parseChallenge(header: string | undefined): Challenge | null {
  if (header === undefined || header.length > MAX_HEADER) return null;
  let found: Challenge | null = null;
  for (const { scheme, parameters } of challenges(header)) {
    const realm = parameters.get('realm');
    if (scheme === 'bearer' && realm !== undefined) {
      const service = parameters.get('service');
      const scope = parameters.get('scope');
      return {
        scheme,
        realm,
        ...(service === undefined ? {} : { service }),
        ...(scope === undefined ? {} : { scope }),
      };
    }
    if (scheme === 'basic') found = { scheme };
  }
  return found;
}

interface Raw {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

// A parameter (token = token or quoted text), or else a token on its own: the scheme that begins a challenge.
const PART = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/y;

function challenges(header: string): Raw[] {
  const all: Raw[] = [];
  let at = 0;
  while (at < header.length) {
    if (header[at] === ',' || header[at] === ' ' || header[at] === '\t') {
      at++;
      continue;
    }
    PART.lastIndex = at;
    const match = PART.exec(header);
    if (match === null) return all;
    at = PART.lastIndex;
    const [, name = '', quoted, plain] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) all.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else all.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
  return all;
}

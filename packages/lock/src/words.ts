/** Words of a tool for people: without colours, progress, logins, and paths of this machine. */

// Escape sequences of terminals: CSI, and those that end with BEL or ST.
// oxlint-disable-next-line no-control-regex
const ANSI = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\))/g;
// Up to the last `@` before the path; and where there is none, behind a user and a colon with no port after it: passwords are written with `/` as
// they are, whatever the standard says.
const USERINFO =
  /(\b[a-z][a-z0-9+.-]*:\/\/)(?:[^/\s?#@]*(?:@[^/\s?#@]*)*|[^/\s:@[]*:(?!\d+(?:[/\s?#]|$))[^\s'"<>`@]*)@/gi;
/** Longest explanation that is kept, in characters: more than a screen helps nobody. */
const LONGEST = 6_000;

/** An address without the login in it. */
export function withoutLogin(text: string): string {
  return text.replaceAll(USERINFO, '$1');
}

/**
 * Cleans what a tool printed. `folders`: paths of this machine that mean nothing to the reader; `secrets`: what must not be repeated wherever it
 * stands.
 */
export function cleanWords(
  text: string,
  { folders = [], secrets = [] }: { readonly folders?: readonly string[]; readonly secrets?: readonly string[] } = {},
): string {
  let clean = withoutLogin(text.replaceAll(ANSI, '').replaceAll('\r', ''));
  for (const secret of secrets) if (secret.length > 3) clean = clean.replaceAll(secret, '***');
  for (const folder of folders) clean = clean.replaceAll(`${folder}/`, '').replaceAll(folder, '.');
  const lines = clean
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !line.startsWith('warning:'));
  const whole = lines.join('\n').replace(/^error: /, '');
  return whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole;
}

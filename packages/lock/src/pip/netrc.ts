/** `~/.netrc`: logins by host, as curl, pip and uv read it. */
import type { Login } from '@rebake/cache';

/** Logins of a netrc file. `default` stands under the empty host. The first one of a host counts. */
export function readNetrc(text: string): ReadonlyMap<string, Login> {
  const logins = new Map<string, Login>();
  const words = tokens(text);
  let host: string | null = null;
  let login = '';
  let password: string | null = null;
  const end = (): void => {
    if (host !== null && password !== null && !logins.has(host)) logins.set(host, { username: login, password });
    host = null;
    login = '';
    password = null;
  };
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === 'machine') {
      end();
      host = (words[++i] ?? '').toLowerCase();
    } else if (word === 'default') {
      end();
      host = '';
    } else if (word === 'login') login = words[++i] ?? '';
    else if (word === 'password') password = words[++i] ?? '';
    else if (word === 'account') i++;
  }
  end();
  return logins;
}

/** Words, quotes taken off. Comments and macros, which go on to the next empty line, are left out. */
function tokens(text: string): readonly string[] {
  const words: string[] = [];
  let macro = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') macro = false;
    if (macro) continue;
    for (const [word] of line.matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)) {
      // Only at the start of a word: passwords hold such letters, too.
      if (word.startsWith('#') && words.at(-1) !== 'password') break;
      if (word === 'macdef') {
        macro = true;
        break;
      }
      words.push(word.startsWith('"') && word.length > 1 ? word.slice(1, -1).replaceAll(/\\(.)/g, '$1') : word);
    }
  }
  return words;
}

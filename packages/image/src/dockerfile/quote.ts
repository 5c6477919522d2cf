/**
 * The only way for values into a Dockerfile. Each function either returns text that Docker reads back as exactly the value, or throws: no
 * name, path or text from outside can begin an instruction, a flag, a variable or a shell command.
 */
import { parseReference } from '../oci/reference.ts';
import { BuildFailure } from '../types.ts';

/** A spec that cannot be rendered, for a value in it. `what`: the field, for people. */
export function invalid(what: string, value: string, why: string): BuildFailure {
  const words = `${what} ${JSON.stringify(value.slice(0, 200))} ${why}`;
  return new BuildFailure({ code: 'SPEC_INVALID', retry: 'never', words });
}

const CONTROL = /\p{Cc}/u;
const PLAIN_WORD = /^[A-Za-z0-9/._:@%+=,~-]+$/;
const MAX_PATH = 4_096;

/** One word of an instruction in which Docker expands variables and takes quotes away. `escape`: the escape character of the Dockerfile. */
export function word(value: string, escape: string): string {
  if (PLAIN_WORD.test(value)) return value;
  return `"${value.replaceAll(/["$\\`]/g, (char) => (char === '"' || char === '$' || char === escape ? escape + char : char))}"`;
}

/** The value of an ENV instruction, always in quotes. */
export function envValue(key: string, value: string, escape: string): string {
  if (CONTROL.test(value.replaceAll('\t', '')))
    throw invalid(`the environment variable ${key}:`, value, 'has control characters or line ends');
  if (!value.isWellFormed()) throw invalid(`the environment variable ${key}:`, value, 'is no Unicode text');
  return PLAIN_WORD.test(value) ? `"${value}"` : word(value, escape);
}

/** The name of an environment variable. */
export function envName(name: string): string {
  return matching('the name of the environment variable', name, /^[A-Za-z_][A-Za-z0-9_]*$/);
}

/** A JSON list, as the exec forms of RUN and ENTRYPOINT have it: nothing in it is expanded. */
export function execForm(what: string, argv: readonly string[]): string {
  if (argv.length === 0 || argv[0] === '') throw invalid(what, '', 'has no command');
  for (const argument of argv) {
    if (argument.includes('\0') || !argument.isWellFormed()) throw invalid(what, argument, 'cannot be an argument');
  }
  // Newer engines look for heredocs in the line before they read the list; quotes should hide them, and this does.
  return `[${argv.map((argument) => JSON.stringify(argument).replaceAll('<<', '\\u003c\\u003c')).join(', ')}]`;
}

/** An absolute POSIX path without `.` and `..`, and without control characters. */
export function absolutePath(what: string, path: string): string {
  const isClean = !path.split('/').some((part) => part === '.' || part === '..');
  const isText = !CONTROL.test(path) && path.isWellFormed() && path.length <= MAX_PATH;
  if (path.startsWith('/') && isClean && isText) return path;
  throw invalid(what, path, 'is not an absolute path that an image can have');
}

/** An absolute path in the options of a mount, which Docker reads as comma-separated values: no character that means something there. */
export function mountPath(what: string, path: string): string {
  return matching(what, absolutePath(what, path), /^\/[A-Za-z0-9/._@+~-]+$/);
}

/** A user, or `user:group`, by names or numbers. */
export function owner(what: string, text: string): string {
  return matching(what, text, /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?$/);
}

/** A user name that useradd takes. */
export function userName(text: string): string {
  return matching('the user name', text, /^[a-z_][a-z0-9_-]{0,31}$/);
}

/** A version of Python, as it is in the name of its interpreter. */
export function pythonVersion(text: string): string {
  return matching('the Python version', text, /^[0-9]{1,2}(?:\.[0-9]{1,2})?$/);
}

/** The name of a link within its folder. */
export function linkName(name: string): string {
  const isBad = name === '' || name === '.' || name === '..' || name.startsWith('-') || name.includes('/');
  if (isBad || CONTROL.test(name)) throw invalid('the name of a link', name, 'is none');
  return name;
}

/** A uid or gid, as text. */
export function accountId(what: string, id: number): string {
  if (!Number.isSafeInteger(id) || id < 0 || id > 0x7fff_fffe)
    throw invalid(what, String(id), 'is not a number from 0 to 2147483646');
  return String(id);
}

/** A reference that an image is built from. */
export function reference(text: string): string {
  const parsed = parseReference(text);
  if ('error' in parsed) throw invalid('the image reference', text, `cannot be used: ${parsed.error}`);
  return text;
}

/** A text that matches an anchored pattern. */
export function matching(what: string, text: string, pattern: RegExp): string {
  if (pattern.test(text)) return text;
  throw invalid(what, text, 'has characters that it may not have');
}

/** Text between instructions, for people. */
export function comment(text: string): string {
  return `# ${text.replaceAll(/[\p{Cc}=]+/gu, ' ')}`;
}

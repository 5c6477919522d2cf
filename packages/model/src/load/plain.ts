/** Turns what a config exports into plain data: what YAML could have said. Anything else is a diagnostic, also what only shows when it is touched. */
import { dotted, type KeyPath } from './source.ts';

/** A part that is no plain data. */
export interface Unplain {
  readonly path: KeyPath;
  readonly message: string;
}

/** Deeper than any declaration; what contains itself ends here. */
const MAX_DEPTH = 64;

/** Copies plain data. `undefined` members are left out, as if they were not written. */
export function plain(value: unknown, problems: Unplain[]): unknown {
  return copy(value, [], problems);
}

function copy(value: unknown, path: KeyPath, problems: Unplain[]): unknown {
  const subject = path.length === 0 ? 'The declaration' : `\`${dotted(path)}\``;
  const problem = (message: string): undefined => {
    problems.push({ path, message: `${subject} ${message}` });
    return undefined;
  };
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : problem(`is ${value}, which is no number that a declaration can hold`);
    case 'object':
      break;
    default:
      return problem(`is a ${typeof value}, which a declaration cannot hold`);
  }
  if (value === null) return null;
  if (path.length > MAX_DEPTH) return problem('is nested too deeply, or contains itself');
  if (Array.isArray(value)) return Array.from(value, (item, index) => copy(item, [...path, index], problems) ?? null);
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
  // Objects of other realms (test runners, `vm`) are as plain as ours.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return problem(
      `is an object of a class (\`${String(prototype.constructor?.name)}\`), which a declaration cannot hold`,
    );
  }
  const members: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value)) {
    const member = copy((value as Record<string, unknown>)[key], [...path, key], problems);
    if (member !== undefined) members[key] = member;
  }
  return members;
}

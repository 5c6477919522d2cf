/** Environment markers of requirement lines: read by the grammar of PEP 508, and written in one way. */

const VARIABLES = new Set([
  'os_name',
  'sys_platform',
  'platform_machine',
  'platform_python_implementation',
  'platform_release',
  'platform_system',
  'platform_version',
  'python_version',
  'python_full_version',
  'implementation_name',
  'implementation_version',
  'extra',
]);

// Spellings that setuptools once used and pip still reads.
const OLD_SPELLINGS: Readonly<Record<string, string>> = {
  'os.name': 'os_name',
  'sys.platform': 'sys_platform',
  'platform.version': 'platform_version',
  'platform.machine': 'platform_machine',
  'platform.python_implementation': 'platform_python_implementation',
  python_implementation: 'platform_python_implementation',
};

const TOKEN =
  /\s*(?:(?<string>'[^']*'|"[^"]*")|(?<op>===|<=|>=|==|!=|~=|<|>|\(|\)|not\s+in\b)|(?<word>[A-Za-z_][A-Za-z0-9_.]*))/y;
const COMPARISONS = new Set(['===', '<=', '>=', '==', '!=', '~=', '<', '>', 'in', 'not in']);

function tokens(text: string): string[] | null {
  const found: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text);
    if (match === null) return null;
    const { string, op, word } = match.groups ?? {};
    if (string !== undefined) {
      const inner = string.slice(1, -1);
      found.push(inner.includes('"') ? `'${inner}'` : `"${inner}"`);
    } else if (op !== undefined) found.push(op.startsWith('not') ? 'not in' : op);
    else if (word !== undefined) found.push(OLD_SPELLINGS[word] ?? word);
  }
  return found;
}

/** A marker in its one spelling: double quotes, single spaces; null when it is none. Its parts keep their order. */
export function normalizeMarker(text: string): string | null {
  const all = tokens(text);
  if (all === null) return null;
  let at = 0;
  const isValue = (token: string | undefined): boolean =>
    token !== undefined && (/^["']/.test(token) || VARIABLES.has(token));

  function either(): string | null {
    let left = both();
    while (left !== null && all?.[at] === 'or') {
      at++;
      const right = both();
      left = right === null ? null : `${left} or ${right}`;
    }
    return left;
  }
  function both(): string | null {
    let left = single();
    while (left !== null && all?.[at] === 'and') {
      at++;
      const right = single();
      left = right === null ? null : `${left} and ${right}`;
    }
    return left;
  }
  function single(): string | null {
    if (all?.[at] === '(') {
      at++;
      const inner = either();
      if (inner === null || all[at] !== ')') return null;
      at++;
      return `(${inner})`;
    }
    const [a, op, b] = [all?.[at], all?.[at + 1], all?.[at + 2]];
    if (!isValue(a) || op === undefined || !COMPARISONS.has(op) || !isValue(b)) return null;
    at += 3;
    return `${a} ${op} ${b}`;
  }

  const marker = either();
  return at === all.length ? marker : null;
}

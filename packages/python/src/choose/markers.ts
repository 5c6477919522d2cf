/** Conditions of PEP 508 (`python_version < "3.11" and sys_platform == "linux"`), read and evaluated. */
import { fitsSpecifier } from './version.ts';

/** Values of the variables, such as `python_version`. */
export type MarkerEnvironment = Readonly<Record<string, string>>;

type Side = { readonly variable: string } | { readonly text: string };
type Marker =
  | { readonly all: readonly Marker[] }
  | { readonly any: readonly Marker[] }
  | { readonly left: Side; readonly operator: string; readonly right: Side };

const TOKEN = /\s*(?:(\()|(\))|('[^']*'|"[^"]*")|(===|==|~=|!=|<=|>=|<|>)|([A-Za-z_][A-Za-z0-9_.]*))/y;
/** Spellings of before PEP 508. */
const ALIASES: Readonly<Record<string, string>> = {
  'os.name': 'os_name',
  'sys.platform': 'sys_platform',
  'platform.version': 'platform_version',
  'platform.machine': 'platform_machine',
  'platform.python_implementation': 'platform_python_implementation',
  python_implementation: 'platform_python_implementation',
};

/** What a target answers to markers. `full`: `3.11.2`. Extras and dependency groups are nobody's: a lock's packages are asked for by name. */
export function markerEnvironment(version: string, full: string, machine: string): MarkerEnvironment {
  return {
    os_name: 'posix',
    sys_platform: 'linux',
    platform_system: 'Linux',
    platform_machine: machine,
    platform_python_implementation: 'CPython',
    implementation_name: 'cpython',
    implementation_version: full,
    python_version: version,
    python_full_version: full,
    // Facts of a kernel, not of an image: what asks for them gets no answer that fits.
    platform_release: '',
    platform_version: '',
    extra: '',
    extras: '',
    dependency_groups: '',
  };
}

/** Whether the marker holds, or in which words it cannot be told. */
export function evaluateMarker(
  marker: string,
  environment: MarkerEnvironment,
): { readonly ok: true; readonly holds: boolean } | { readonly ok: false; readonly message: string } {
  try {
    return { ok: true, holds: evaluate(parse(marker), environment) };
  } catch (thrown) {
    if (thrown instanceof MarkerProblem) return { ok: false, message: thrown.message };
    throw thrown;
  }
}

/** Whether the marker asks for more of the interpreter than its first two numbers. */
export function needsFullVersion(marker: string): boolean {
  return /python_full_version|implementation_version/.test(marker);
}

class MarkerProblem extends Error {}

function parse(text: string): Marker {
  const tokens: { readonly kind: number; readonly value: string }[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length && text.slice(TOKEN.lastIndex).trim() !== '') {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new MarkerProblem(`no marker from column ${at + 1}: ${text}`);
    const kind = match.findIndex((group, i) => i > 0 && group !== undefined);
    tokens.push({ kind, value: match[kind] ?? '' });
  }
  let next = 0;
  let depth = 0;
  const isWord = (word: string): boolean => tokens[next]?.kind === 5 && tokens[next]?.value === word;
  const fail = (): never => {
    throw new MarkerProblem(`no marker: ${text}`);
  };
  const side = (): Side => {
    const token = tokens[next++];
    if (token?.kind === 3) return { text: token.value.slice(1, -1) };
    if (token?.kind !== 5) return fail();
    return { variable: ALIASES[token.value] ?? token.value };
  };
  const atom = (): Marker => {
    if (tokens[next]?.kind === 1) {
      next++;
      // What comes from outside must not run out of stack.
      if (++depth > 100) return fail();
      const inner = any();
      if (tokens[next++]?.kind !== 2) return fail();
      depth--;
      return inner;
    }
    const left = side();
    let operator = tokens[next]?.value ?? '';
    if (isWord('not')) {
      next++;
      if (!isWord('in')) return fail();
      operator = 'not in';
    } else if (tokens[next]?.kind !== 4 && !isWord('in')) return fail();
    next++;
    const right = side();
    if ('text' in left === 'text' in right) return fail();
    return { left, operator, right };
  };
  const all = (): Marker => {
    const parts = [atom()];
    while (isWord('and')) {
      next++;
      parts.push(atom());
    }
    return { all: parts };
  };
  const any = (): Marker => {
    const parts = [all()];
    while (isWord('or')) {
      next++;
      parts.push(all());
    }
    return { any: parts };
  };
  const marker = any();
  return next === tokens.length ? marker : fail();
}

function evaluate(marker: Marker, environment: MarkerEnvironment): boolean {
  // Every part is looked at, so that a mistake shows whatever the values are.
  if ('all' in marker) return marker.all.map((part) => evaluate(part, environment)).every(Boolean);
  if ('any' in marker) return marker.any.map((part) => evaluate(part, environment)).some(Boolean);
  const valueOf = (side: Side): string => {
    if ('text' in side) return side.text;
    const value = environment[side.variable];
    if (value === undefined) throw new MarkerProblem(`${side.variable} is no variable of markers`);
    return value;
  };
  const variable =
    'variable' in marker.left ? marker.left.variable : 'variable' in marker.right ? marker.right.variable : '';
  const [left, right] = [valueOf(marker.left), valueOf(marker.right)];
  if (variable === 'extra') return compareTexts(normalizeExtra(left), marker.operator, normalizeExtra(right));
  if (VERSION_VARIABLES.has(variable)) {
    if (marker.operator === '===' && !/\s/.test(right.trim())) return left.toLowerCase() === right.toLowerCase();
    const fits = fitsSpecifier(left, marker.operator, right);
    if (fits !== null) return fits;
  }
  return compareTexts(left, marker.operator, right);
}

const VERSION_VARIABLES = new Set(['python_version', 'python_full_version', 'implementation_version']);

function compareTexts(left: string, operator: string, right: string): boolean {
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case 'in':
      return right.includes(left);
    case 'not in':
      return !right.includes(left);
    case '<':
    case '>':
      return false;
    case '<=':
    case '>=':
      return left === right;
    default:
      throw new MarkerProblem(`${operator} compares no texts: ${left} ${operator} ${right}`);
  }
}

function normalizeExtra(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

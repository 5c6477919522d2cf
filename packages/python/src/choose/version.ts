/** Versions as PEP 440 orders them, and the specifiers of markers. */

/** A version, taken apart. */
export interface Version {
  readonly epoch: number;
  readonly release: readonly number[];
  /** `a`, `b` or `rc`, and its number. */
  readonly pre: readonly [string, number] | null;
  readonly post: number | null;
  readonly dev: number | null;
  readonly local: readonly (string | number)[];
}

const VERSION =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;
const PRE: Readonly<Record<string, string>> = { alpha: 'a', beta: 'b', c: 'rc', pre: 'rc', preview: 'rc' };

/** Null for what is no version. */
export function parseVersion(text: string): Version | null {
  const match = VERSION.exec(text.trim().toLowerCase());
  if (match === null) return null;
  const [, epoch, release = '', pre, preNumber, postShort, post, postNumber, dev, devNumber, local] = match;
  return {
    epoch: Number(epoch ?? 0),
    release: release.split('.').map(Number),
    pre: pre === undefined ? null : [PRE[pre] ?? pre, Number(preNumber ?? 0)],
    post: postShort !== undefined ? Number(postShort) : post === undefined ? null : Number(postNumber ?? 0),
    dev: dev === undefined ? null : Number(devNumber ?? 0),
    local: local === undefined ? [] : local.split(/[-_.]/).map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
  };
}

/** Below zero when `a` is older. */
export function compareVersions(a: Version, b: Version): number {
  return comparePublic(a, b) || compareLocal(a.local, b.local);
}

function comparePublic(a: Version, b: Version): number {
  return (
    a.epoch - b.epoch ||
    compareRelease(a.release, b.release) ||
    comparePre(a, b) ||
    (a.post ?? -1) - (b.post ?? -1) ||
    compareDev(a.dev, b.dev)
  );
}

function compareRelease(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A development release of a release comes before its pre-releases; what is neither comes after them. */
function comparePre(a: Version, b: Version): number {
  const rank = ({ pre, post, dev }: Version): readonly [number, string, number] =>
    pre !== null ? [1, pre[0], pre[1]] : post === null && dev !== null ? [0, '', 0] : [2, '', 0];
  const [x, y] = [rank(a), rank(b)];
  return x[0] - y[0] || (x[1] < y[1] ? -1 : x[1] > y[1] ? 1 : 0) || x[2] - y[2];
}

function compareDev(a: number | null, b: number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return a - b;
}

/** Numbers come after words, and more parts after fewer. */
function compareLocal(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (typeof x === 'number' && typeof y === 'number') {
      if (x !== y) return x - y;
    } else if (typeof x === 'string' && typeof y === 'string') {
      if (x !== y) return x < y ? -1 : 1;
    } else return typeof x === 'number' ? 1 : -1;
  }
  return 0;
}

/**
 * Whether a version fits `operator` (all of PEP 440 but `===`) and what follows it; null where that is no specifier. Pre-releases count like
 * others; what is no version fits nothing.
 */
export function fitsSpecifier(left: string, operator: string, right: string): boolean | null {
  const wildcard = (operator === '==' || operator === '!=') && right.trim().endsWith('.*');
  const other = parseVersion(wildcard ? right.trim().slice(0, -2) : right);
  if (other === null) return null;
  if (wildcard && (other.dev !== null || other.local.length > 0)) return null;
  if (other.local.length > 0 && operator !== '==' && operator !== '!=') return null;
  if (operator === '~=' && other.release.length < 2) return null;
  const version = parseVersion(left);
  if (version === null) return OPERATORS.has(operator) ? false : null;
  const bare = { ...version, local: [] };
  switch (operator) {
    case '==':
      return wildcard ? startsWith(version, other) : isSame(version, other);
    case '!=':
      return wildcard ? !startsWith(version, other) : !isSame(version, other);
    case '<=':
      return comparePublic(bare, other) <= 0;
    case '>=':
      return comparePublic(bare, other) >= 0;
    case '<':
      return comparePublic(version, other) < 0 && !(isPre(version) && !isPre(other) && isSameBase(version, other));
    case '>':
      return (
        compareVersions(version, other) > 0 &&
        !(version.post !== null && other.post === null && isSameBase(version, other)) &&
        !(version.local.length > 0 && isSameBase(version, other))
      );
    case '~=':
      return (
        comparePublic(bare, other) >= 0 &&
        startsWith(version, { ...other, release: other.release.slice(0, -1), pre: null, post: null, dev: null })
      );
    default:
      return null;
  }
}

const OPERATORS = new Set(['==', '!=', '<=', '>=', '<', '>', '~=']);

function isSame(version: Version, other: Version): boolean {
  return (
    comparePublic(version, other) === 0 && (other.local.length === 0 || compareLocal(version.local, other.local) === 0)
  );
}

function isPre({ pre, dev }: Version): boolean {
  return pre !== null || dev !== null;
}

function isSameBase(a: Version, b: Version): boolean {
  return a.epoch === b.epoch && compareRelease(a.release, b.release) === 0;
}

function startsWith(version: Version, prefix: Version): boolean {
  if (version.epoch !== prefix.epoch) return false;
  const release = prefix.pre === null && prefix.post === null ? prefix.release : null;
  if (release !== null) return release.every((part, i) => (version.release[i] ?? 0) === part);
  if (compareRelease(version.release, prefix.release) !== 0) return false;
  if (prefix.pre?.join() !== version.pre?.join()) return false;
  return prefix.post === null || prefix.post === version.post;
}

/** Reading and writing `debian.NAME.lock.json`. */
import { compareBytes } from '../canonical.ts';
import { isDigest } from '../digest.ts';
import type { DebianLock, LockedDeb, ParsedLock } from './types.ts';

/** Version of the file's shape. */
const VERSION = 1;
const NAME = /^[a-z0-9][a-z0-9+.-]+$/;
/** What is asked for may name an architecture and a version, as for apt. */
const WISH = /^[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:=[0-9][0-9A-Za-z.+:~-]*)?$/;
const DEB_VERSION = /^[0-9][0-9A-Za-z.+:~-]*$/;
const SUITE = /^[a-z][a-z0-9-]*$/;
/** Below the root of a mirror: no dot segments, nothing that is not in names of Debian's pool. */
const PATH = /^pool\/(?:[A-Za-z0-9][A-Za-z0-9+.~_-]*\/)+[A-Za-z0-9][A-Za-z0-9+.~_%:-]*\.deb$/;
const ARCHITECTURES: ReadonlySet<unknown> = new Set(['amd64', 'arm64', 'all']);

/** Reads a Debian lock. Strict: what is in it becomes paths, addresses and contents of images. */
export function parseDebianLock(text: string): ParsedLock<DebianLock> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, message: `it is no JSON: ${(error as Error).message}` };
  }
  if (!isRecord(value)) return refused('it is no JSON object');
  const { version, suite, architecture, wanted, below = null, packages } = value;
  if (version !== VERSION)
    return refused(`it is of version ${JSON.stringify(version)}, and this rebake reads ${VERSION}`);
  if (typeof suite !== 'string' || !SUITE.test(suite)) return refused('`suite` is no name of a suite');
  if (architecture !== 'amd64' && architecture !== 'arm64') return refused('`architecture` is neither amd64 nor arm64');
  if (!isNames(wanted)) return refused('`wanted` is no list of package names');
  if (below !== null && !isDigest(below)) return refused('`below` is no digest');
  if (!Array.isArray(packages)) return refused('`packages` is no list');
  const read: LockedDeb[] = [];
  const seen = new Set<string>();
  for (const one of packages as readonly unknown[]) {
    const deb = readDeb(one);
    if (typeof deb === 'string') return refused(deb);
    if (deb.architecture !== 'all' && deb.architecture !== architecture)
      return refused(`the package ${deb.name} is for ${deb.architecture}`);
    if (seen.has(deb.name)) return refused(`the package ${deb.name} is there twice`);
    seen.add(deb.name);
    read.push(deb);
  }
  return { ok: true, lock: { packages: read, madeFrom: { suite, architecture, wanted, below } } };
}

/** The text of a Debian lock: the same for the same lock, one line a package, so that a diff tells what moved. */
export function debianLockText({ packages, madeFrom }: DebianLock): string {
  const { suite, architecture, wanted, below } = madeFrom;
  const head = { version: VERSION, suite, architecture, wanted: [...new Set(wanted)].sort(compareBytes), below };
  const lines = [...packages]
    .sort((a, b) => compareBytes(a.name, b.name))
    .map(
      ({ name, version, architecture: of, path, size, digest }) =>
        `    ${JSON.stringify({ name, version, architecture: of, path, size, digest })}`,
    );
  const members = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`);
  return `{\n${members.join('')}  "packages": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

function readDeb(value: unknown): LockedDeb | string {
  if (!isRecord(value)) return '`packages` holds something that is no package';
  const { name, version, architecture, path, size, digest } = value;
  if (typeof name !== 'string' || !NAME.test(name)) return `${JSON.stringify(name)} is no name of a package`;
  if (typeof version !== 'string' || !DEB_VERSION.test(version)) return `the package ${name} has no version`;
  if (typeof architecture !== 'string' || !ARCHITECTURES.has(architecture))
    return `the package ${name} has no architecture that rebake builds for`;
  if (typeof path !== 'string' || !PATH.test(path)) return `the package ${name} has no path below \`pool/\``;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size <= 0) return `the package ${name} has no size`;
  if (!isDigest(digest)) return `the package ${name} has no digest`;
  return { name, version, architecture, path, size, digest };
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && WISH.test(name));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}

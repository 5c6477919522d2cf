/** Files of a package of a PEP 751 lock: by name, address, size and digest. */
import type { Digest } from '../content-address.ts';
import type { LockedFile } from './types.ts';

/** What keeps a text from being a lock. */
export class NotALock extends Error {}

/** A table of the document. */
export type Table = Readonly<Record<string, unknown>>;

/** What a value of an abbreviated text stands for. */
export type Expand = (value: unknown) => unknown;

const NAME = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i;
/** Names of files that may become paths: one segment, nothing that a shell or a header would read. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.!+-]*$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** Normalized name of a package. */
export function packageName(value: unknown): string {
  if (typeof value !== 'string' || !NAME.test(value)) throw new NotALock(`${JSON.stringify(value)} names no package`);
  return value.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

/** A value that is a table, or null. */
export function record(value: unknown): Table | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
    ? (value as Table)
    : null;
}

/** Wheels and source distribution of a package, which has those of an index, or one archive. */
export function filesOf(
  name: string,
  { archive, wheels: listed, sdist }: Table,
  expand: Expand,
): { readonly wheels: readonly LockedFile[]; readonly sdist: LockedFile | null } {
  if (archive !== undefined) {
    if (listed !== undefined || sdist !== undefined)
      throw new NotALock(`the package ${name} has both an archive and files of an index`);
    const table = tableOf(name, expand(archive));
    if (table['subdirectory'] !== undefined)
      throw new NotALock(`the package ${name} is in a folder of its archive, which rebake does not unpack`);
    const file = readFile(name, table);
    return isWheel(file) ? { wheels: [file], sdist: null } : { wheels: [], sdist: file };
  }
  if (listed !== undefined && !Array.isArray(listed)) throw new NotALock(`the package ${name} has no list of wheels`);
  const wheels = ((listed ?? []) as readonly unknown[]).map((wheel) => readFile(name, tableOf(name, expand(wheel))));
  const stray = wheels.find((file) => !isWheel(file));
  if (stray !== undefined) throw new NotALock(`the package ${name} has ${stray.name} among its wheels`);
  return { wheels, sdist: sdist === undefined ? null : readFile(name, tableOf(name, expand(sdist))) };
}

function isWheel({ name }: LockedFile): boolean {
  return name.endsWith('.whl');
}

function tableOf(name: string, value: unknown): Table {
  const table = record(value);
  if (table === null) throw new NotALock(`the package ${name} has something among its files that is none`);
  return table;
}

function readFile(of: string, { url, path, name: given, size = null, hashes }: Table): LockedFile {
  if (typeof url !== 'string')
    throw new NotALock(
      `the package ${of} has a file without an address${typeof path === 'string' ? `: ${path} is only on the machine that wrote the lock` : ''}`,
    );
  const name = typeof given === 'string' ? given : lastSegment(of, url);
  if (!FILE_NAME.test(name))
    throw new NotALock(`the package ${of} has a file whose name is none: ${JSON.stringify(name)}`);
  checkAddress(of, url);
  if (size !== null && (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0))
    throw new NotALock(`${name} of the package ${of} has a size that is none`);
  const sha256 = record(hashes)?.['sha256'];
  if (typeof sha256 !== 'string' || !SHA256.test(sha256))
    throw new NotALock(`${name} of the package ${of} has no sha256`);
  return { name, url, size, digest: `sha256:${sha256}` satisfies Digest };
}

/** Addresses reach requirement lines and requests; parsing each of thousands as a URL would take longer than all the rest. */
function checkAddress(of: string, url: string): void {
  if (!/^https?:\/\/[^/?#\s"'\\]+\/[!-~]*$/i.test(url))
    throw new NotALock(`the package ${of} has a file whose address is none of http or https`);
  if (/^https?:\/\/[^/?#]*@/i.test(url))
    throw new NotALock(`the package ${of} has a file whose address holds a login: make the lock again`);
}

function lastSegment(of: string, url: string): string {
  const name = fileNameOf(url);
  if (name === null) throw new NotALock(`the package ${of} has a file whose address names none`);
  return name;
}

/** Name of the file that an address leads to; null: its escapes mean nothing. */
export function fileNameOf(url: string): string | null {
  const end = /[?#]/.exec(url)?.index ?? url.length;
  const segment = url.slice(url.lastIndexOf('/', end - 1) + 1, end);
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

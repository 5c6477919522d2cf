/** One block of a tar as a header: strict where readers are known to disagree, since what two of them see must be the same. */

/** A header as it stands; names are not judged here. */
export interface Header {
  readonly name: string;
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly link: string;
  /** Of a device: `major:minor`. */
  readonly device: string;
}

/** Thrown for what is no header; the message goes to people, with the archive's name before it. */
export class NoHeader extends Error {}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// eslint-disable-next-line no-control-regex
const HIGH = /[\u0080-\u00ff]/;
const OCTAL = /^ *([0-7]*)[ \0]*$/;

export function isEmpty(block: Buffer): boolean {
  for (let i = 0; i < block.length; i += ZEROS.length) {
    const part = block.subarray(i, i + ZEROS.length);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}

const ZEROS = Buffer.alloc(4096);

/** Bytes as a text. Names that are not UTF-8 are refused: two readers would make two different ones of them. */
export function textOf(bytes: Buffer, what: string): string {
  const latin = bytes.toString('latin1', 0, bytes.length);
  if (!HIGH.test(latin)) return latin;
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new NoHeader(`${what} is not UTF-8`, { cause: error });
  }
}

export function parseHeader(block: Buffer): Header {
  checkSum(block);
  const magic = block.toString('latin1', 257, 265);
  const isGnu = magic === 'ustar  \0';
  if (!isGnu && !magic.startsWith('ustar\0') && !isEmpty(block.subarray(257, 265))) {
    throw new NoHeader('a header of a kind that is not known');
  }
  // GNU's own format has times where others have the first part of a path.
  const prefix = isGnu ? '' : field(block, 345, 155, 'a path');
  const name = field(block, 0, 100, 'a path');
  const flag = block.toString('latin1', 156, 157);
  const isDevice = flag === '3' || flag === '4';
  return {
    name: prefix === '' || !magic.startsWith('ustar\0') ? name : `${prefix}/${name}`,
    flag,
    mode: number(block, 100, 8, 'a mode') & 0o7777,
    uid: number(block, 108, 8, 'an owner'),
    gid: number(block, 116, 8, 'a group'),
    size: number(block, 124, 12, 'a size'),
    link: field(block, 157, 100, 'the target of a link'),
    device: isDevice ? `${number(block, 329, 8, 'a device')}:${number(block, 337, 8, 'a device')}` : '',
  };
}

function checkSum(block: Buffer): void {
  let sum = 8 * 32;
  for (let i = 0; i < block.length; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  if (number(block, 148, 8, 'a checksum') !== sum) throw new NoHeader('a header whose checksum is wrong');
}

function field(block: Buffer, start: number, length: number, what: string): string {
  const end = block.indexOf(0, start);
  return textOf(block.subarray(start, end < 0 ? start + length : Math.min(end, start + length)), what);
}

/** Octal, or base 256 where the first bit is set. */
function number(block: Buffer, start: number, length: number, what: string): number {
  const first = block[start] ?? 0;
  if (first >= 0x80) {
    let value = first & 0x7f;
    for (let i = start + 1; i < start + length; i++) {
      value = value * 256 + (block[i] ?? 0);
      if (value > Number.MAX_SAFE_INTEGER) throw new NoHeader(`${what} that is negative or too large`);
    }
    return value;
  }
  const digits = OCTAL.exec(block.toString('latin1', start, start + length))?.[1];
  if (digits === undefined) throw new NoHeader(`${what} that is no number`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** Keys that are used; each may stand once, since readers disagree on which of two counts. */
const USED = new Set(['path', 'linkpath', 'size', 'uid', 'gid']);

/** The records of a pax header that count here: of other keys nothing is kept. */
export function parsePax(body: Buffer): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const length = /^[1-9][0-9]{0,7}$/.exec(space < 0 ? '' : body.toString('latin1', at, space))?.[0];
    const end = at + Number(length ?? 0);
    if (length === undefined || end > body.length || body[end - 1] !== 0x0a || end <= space + 1) {
      throw new NoHeader('a pax header that is torn');
    }
    const equals = body.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) throw new NoHeader('a pax header that is torn');
    const key = textOf(body.subarray(space + 1, equals), 'a key of a pax header');
    if (key.startsWith('GNU.sparse.')) throw new NoHeader('a sparse file, which is not read here');
    if (USED.has(key)) {
      const value = textOf(body.subarray(equals + 1, end - 1), `${key} in a pax header`);
      if (value.includes('\0') || value.includes('\n')) throw new NoHeader(`a pax ${key} with a line break or a NUL`);
      if (found.has(key)) throw new NoHeader(`a pax header with two of ${key}`);
      found.set(key, value);
    }
    at = end;
  }
  return found;
}

export function paxNumber(value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const parsed = /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(parsed)) throw new NoHeader('a number in a pax header that is negative or too large');
  return parsed;
}

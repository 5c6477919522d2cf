/**
 * Bytecode whose bytes are a function of the code alone. Python marks those objects of a marshalled stream as referable that happened to be
 * referred to by somebody when it was written, so the same code comes out differently depending on what the process did before. Here exactly
 * those stay marked that the stream itself refers to.
 */

const REF_FLAG = 0x80;
const code = (letter: string): number => letter.charCodeAt(0);
const REF = code('r');
const NONE = code('N');
const ELLIPSIS = code('.');
/** Short strings: of ASCII, and of UTF-8; interned, and the letter when not. */
const INTERNED: Readonly<Record<number, number>> = {
  [code('Z')]: code('z'),
  [code('A')]: code('a'),
  [code('t')]: code('u'),
};

/** How many numbers of 32 bits and how many objects a code object begins with and has: numbers, objects, numbers, objects. */
function codeLayout(minor: number): readonly [number, number, number, number] {
  if (minor >= 11) return [5, 8, 1, 2];
  return minor >= 8 ? [6, 8, 1, 1] : [5, 8, 1, 1];
}

/** The same stream with canonical marks; null for one that cannot be made canonical. `minor`: of Python 3. Throws for what is no such stream. */
export function canonicalMarshal(stream: Uint8Array, minor: number): Buffer | null {
  const bytes = Buffer.from(stream);
  const layout = codeLayout(minor);
  /** Where each object that is marked begins, in order: their place is what references say. */
  const marked: number[] = [];
  const used: boolean[] = [];
  /** Positions of references. */
  const references: number[] = [];
  let at = 0;
  /** Sets being read whose order Python left to addresses, and whether such a thing was met in them. */
  let inSet = 0;
  let isByAddress = false;

  const size = (): number => {
    const value = bytes.readInt32LE(at);
    at += 4;
    if (value < 0) throw new RangeError('no marshalled code');
    return value;
  };

  const one = (): void => {
    const start = at;
    const byte = bytes[at++];
    if (byte === undefined) throw new RangeError('no marshalled code');
    const type = byte & ~REF_FLAG;
    if (type === REF) {
      const index = size();
      if (index >= marked.length) throw new RangeError('no marshalled code');
      used[index] = true;
      references.push(start);
      return;
    }
    if ((byte & REF_FLAG) !== 0) {
      marked.push(start);
      used.push(false);
    }
    if (inSet > 0 && (type === NONE || type === ELLIPSIS)) isByAddress = true;
    switch (String.fromCharCode(type)) {
      case '0':
      case 'N':
      case 'F':
      case 'T':
      case 'S':
      case '.':
        return;
      case 'i':
        at += 4;
        return;
      case 'I':
      case 'g':
        at += 8;
        return;
      case 'y':
        at += 16;
        return;
      case 'f':
        at += 1 + (bytes[at] ?? 0);
        return;
      case 'x':
        at += 1 + (bytes[at] ?? 0);
        at += 1 + (bytes[at] ?? 0);
        return;
      case 'l': {
        const digits = bytes.readInt32LE(at);
        at += 4 + 2 * Math.abs(digits);
        return;
      }
      case 's':
      case 'u':
      case 'a': {
        const length = size();
        at += length;
        return;
      }
      case 't':
      case 'A': {
        const length = size();
        if (isOneSymbol(at, length)) bytes[start] = (byte & REF_FLAG) | (INTERNED[type] ?? type);
        at += length;
        return;
      }
      case 'z':
        at += 1 + (bytes[at] ?? 0);
        return;
      case 'Z': {
        const length = bytes[at++] ?? 0;
        if (isOneSymbol(at, length)) bytes[start] = (byte & REF_FLAG) | (INTERNED[type] ?? type);
        at += length;
        return;
      }
      case ')': {
        const count = bytes[at++] ?? 0;
        for (let i = 0; i < count; i++) one();
        return;
      }
      case '(':
      case '[': {
        const count = size();
        for (let i = 0; i < count; i++) one();
        return;
      }
      case '<':
      case '>': {
        const count = size();
        inSet++;
        for (let i = 0; i < count; i++) one();
        inSet--;
        return;
      }
      case ':':
        one();
        one();
        one();
        return;
      case 'c': {
        const [numbers, objects, more, last] = layout;
        at += 4 * numbers;
        for (let i = 0; i < objects; i++) one();
        at += 4 * more;
        for (let i = 0; i < last; i++) one();
        return;
      }
      default:
        throw new RangeError(`no marshalled code: ${type}`);
    }
  };

  /** Whether a string is one character that the compiler does not intern: then only what ran before decides whether it is. */
  function isOneSymbol(from: number, length: number): boolean {
    const first = bytes[from] ?? 0;
    if (length === 1) return !/\w/.test(String.fromCharCode(first));
    return length === 2 && first >= 0xc2 && first <= 0xc3;
  }

  one();
  if (at !== bytes.length) throw new RangeError('no marshalled code');
  // From 3.11 on sets are sorted; before, `None` was put into them by its address.
  if (isByAddress && minor < 11) return null;
  const places: number[] = [];
  let place = 0;
  for (const [index, start] of marked.entries()) {
    places.push(place);
    if (used[index] === true) place++;
    else bytes[start] = (bytes[start] ?? 0) & ~REF_FLAG;
  }
  for (const start of references) bytes.writeInt32LE(places[bytes.readInt32LE(start + 1)] ?? 0, start + 1);
  return bytes;
}

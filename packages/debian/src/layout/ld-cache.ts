/** The cache of libraries that ldconfig of glibc 2.32 and later writes, byte for byte. */

/** One library. Texts are bytes as latin1. */
export interface Library {
  readonly soname: string;
  /** Absolute. */
  readonly path: string;
}

/** Debian's architecture → kind of library, as ldconfig calls it. */
const KINDS: Readonly<Record<string, number>> = { amd64: 0x303, arm64: 0xa03 };
const HEADER = 48;
const ENTRY = 24;
const EXTENSION_MAGIC = 0xeaa42174;
const EXTENSION = 24;

/** `generator`: what ldconfig says of itself. Null for an architecture that is not known here. */
export function ldCache(libraries: readonly Library[], architecture: string, generator: string): string | null {
  const kind = KINDS[architecture];
  if (kind === undefined) return null;
  const sorted = libraries.toSorted((a, b) => compareNames(b.soname, a.soname));
  const base = HEADER + ENTRY * sorted.length;
  const strings = table(sorted.flatMap(({ soname, path }) => [soname, path]));
  const header = Buffer.alloc(HEADER);
  header.write('glibc-ld.so.cache1.1', 'latin1');
  header.writeUInt32LE(sorted.length, 20);
  header.writeUInt32LE(strings.text.length, 24);
  // Little endian.
  header.writeUInt8(2, 28);
  const extension = Math.ceil((base + strings.text.length) / 4) * 4;
  header.writeUInt32LE(extension, 32);
  const entries = sorted.map(({ soname, path }) => {
    const entry = Buffer.alloc(ENTRY);
    entry.writeInt32LE(kind, 0);
    entry.writeUInt32LE(base + (strings.at.get(soname) ?? 0), 4);
    entry.writeUInt32LE(base + (strings.at.get(path) ?? 0), 8);
    return entry.toString('latin1');
  });
  const last = Buffer.alloc(EXTENSION);
  last.writeUInt32LE(EXTENSION_MAGIC, 0);
  last.writeUInt32LE(1, 4);
  last.writeUInt32LE(extension + EXTENSION, 16);
  last.writeUInt32LE(generator.length, 20);
  const body = header.toString('latin1') + entries.join('') + strings.text;
  return body.padEnd(extension, '\0') + last.toString('latin1') + generator;
}

/** Strings one after another, the ends of others within them. */
function table(strings: readonly string[]): { readonly text: string; readonly at: ReadonlyMap<string, number> } {
  const at = new Map<string, number>();
  let text = '';
  let [before, start] = ['', 0];
  for (const one of [...new Set(strings)].toSorted((a, b) => compareEnds(b, a))) {
    if (before.endsWith(one) && before !== '') start += before.length - one.length;
    else {
      start = text.length;
      text += `${one}\0`;
    }
    at.set(one, start);
    before = one;
  }
  return { text, at };
}

/** From the last character on; a longer one comes after its own end. */
function compareEnds(a: string, b: string): number {
  for (let i = 1; i <= Math.min(a.length, b.length); i++) {
    const difference = a.charCodeAt(a.length - i) - b.charCodeAt(b.length - i);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Numbers within names count as numbers, and more than letters. */
export function compareNames(a: string, b: string): number {
  let [i, k] = [0, 0];
  while (i < a.length) {
    const [left, right] = [digits(a, i), digits(b, k)];
    if (left !== '' && right !== '') {
      const difference = Number(left) - Number(right);
      if (difference !== 0) return difference;
      i += left.length;
      k += right.length;
      continue;
    }
    if (left !== '' || right !== '') return left === '' ? -1 : 1;
    if (k >= b.length) return 1;
    const difference = a.charCodeAt(i++) - b.charCodeAt(k++);
    if (difference !== 0) return difference;
  }
  return i - a.length - (b.length - k);
}

function digits(text: string, at: number): string {
  let end = at;
  while (end < text.length && text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++;
  return text.slice(at, end);
}

/** What a program of Linux needs to run: its loader and libraries, read from its ELF headers. */

export interface Elf {
  /** ELF's number of the machine. */
  readonly machine: number;
  /** The loader, absolute; null for a library or a static program. */
  readonly loader: string | null;
  readonly needed: readonly string[];
  /** Folders that it wants its libraries from; may begin with `$ORIGIN`. */
  readonly folders: readonly string[];
}

export const ELF_MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

/** Kinds of segments, and of entries of the dynamic one. */
const LOAD = 1;
const DYNAMIC = 2;
const INTERP = 3;
const NEEDED = 1;
const STRTAB = 5;
const RPATH = 15;
const RUNPATH = 29;

/** Null for what is no 64-bit little-endian ELF file, or a broken one. */
export function readElf(file: Uint8Array): Elf | null {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) return null;
  try {
    return read(bytes);
  } catch (thrown) {
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

function read(bytes: Buffer): Elf {
  const number = (at: number): number => Number(bytes.readBigUInt64LE(at));
  const text = (at: number): string => {
    const end = bytes.indexOf(0, at);
    return bytes.toString('utf8', at, end < 0 ? bytes.length : end);
  };
  const headers = Array.from({ length: bytes.readUInt16LE(56) }, (_, i) => {
    const at = number(32) + i * bytes.readUInt16LE(54);
    return { type: bytes.readUInt32LE(at), offset: number(at + 8), address: number(at + 16), size: number(at + 32) };
  });
  const inFile = (address: number): number => {
    const segment = headers.find(
      (header) => header.type === LOAD && address >= header.address && address < header.address + header.size,
    );
    if (segment === undefined) throw new RangeError('no such address');
    return address - segment.address + segment.offset;
  };
  const interp = headers.find(({ type }) => type === INTERP);
  const dynamic = headers.find(({ type }) => type === DYNAMIC);
  const tags: { readonly tag: number; readonly value: number }[] = [];
  if (dynamic !== undefined) {
    for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.size; at += 16) {
      const tag = number(at);
      if (tag === 0) break;
      tags.push({ tag, value: number(at + 8) });
    }
  }
  const table = tags.find(({ tag }) => tag === STRTAB);
  const strings = (...wanted: readonly number[]): readonly string[] => {
    if (table === undefined) return [];
    const start = inFile(table.value);
    return tags.filter(({ tag }) => wanted.includes(tag)).map(({ value }) => text(start + value));
  };
  return {
    machine: bytes.readUInt16LE(18),
    loader: interp === undefined ? null : text(interp.offset),
    needed: strings(NEEDED),
    folders: strings(RPATH, RUNPATH).flatMap((folders) => folders.split(':')),
  };
}

/** The name by which programs know a library, out of its ELF headers. */

/** Kinds of segments, and of entries of the dynamic one. */
const LOAD = 1;
const DYNAMIC = 2;
const STRTAB = 5;
const SONAME = 14;
/** ELF's numbers of machines. */
const MACHINES = [62, 183];

/** Null: it is no library of a 64-bit machine, or is broken. A library that says no name is called by that of its file, `''` here. */
export function sonameOf(file: Uint8Array): string | null {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < 64 || bytes.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return null;
  if (!MACHINES.includes(bytes.readUInt16LE(18))) return null;
  try {
    return read(bytes);
  } catch (thrown) {
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

function read(bytes: Buffer): string | null {
  const number = (at: number): number => Number(bytes.readBigUInt64LE(at));
  const headers = Array.from({ length: bytes.readUInt16LE(56) }, (_, i) => {
    const at = number(32) + i * bytes.readUInt16LE(54);
    return { type: bytes.readUInt32LE(at), offset: number(at + 8), address: number(at + 16), size: number(at + 32) };
  });
  const dynamic = headers.find(({ type }) => type === DYNAMIC);
  if (dynamic === undefined) return null;
  const values = new Map<number, number>();
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.size; at += 16) {
    const tag = number(at);
    if (tag === 0) break;
    values.set(tag, number(at + 8));
  }
  const [table, name] = [values.get(STRTAB), values.get(SONAME)];
  if (table === undefined || name === undefined) return '';
  const segment = headers.find(
    ({ type, address, size }) => type === LOAD && table >= address && table < address + size,
  );
  if (segment === undefined) return null;
  const start = table - segment.address + segment.offset + name;
  const end = bytes.indexOf(0, start);
  return end < 0 ? null : bytes.toString('latin1', start, end);
}

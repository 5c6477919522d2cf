/** One file out of a zip archive that is in memory, whose digest is known: enough for a wheel with one binary in it. */
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { BuildFailure } from '@rebake/image';

const inflate = promisify(inflateRaw);
const END = 0x06_05_4b_50;
const CENTRAL = 0x02_01_4b_50;
const LOCAL = 0x04_03_4b_50;
/** Length of the fixed part of the record at the end, and the longest comment behind it. */
const END_SIZE = 22;
const LONGEST_COMMENT = 0xff_ff;
/** No binary is larger, in bytes. */
const MAX_BYTES = 512 * 1024 * 1024;

/** Content of the first file whose path ends so. Rejects with `ARCHIVE_INVALID` when there is none, or it is no zip. */
export async function readZipEntry(zip: Uint8Array, ends: string): Promise<Buffer> {
  const bytes = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength);
  try {
    for (const entry of entries(bytes)) if (entry.path.endsWith(ends)) return await content(bytes, entry);
  } catch (error) {
    if (!(error instanceof RangeError) && !isZlibError(error)) throw error;
    throw invalid('is cut off or damaged', error);
  }
  throw invalid(`has no \`${ends}\` in it`);
}

interface Entry {
  readonly path: string;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

function* entries(bytes: Buffer): Generator<Entry> {
  let at = endOf(bytes);
  const count = bytes.readUInt16LE(at + 10);
  at = bytes.readUInt32LE(at + 16);
  for (let i = 0; i < count; i++) {
    if (bytes.readUInt32LE(at) !== CENTRAL) throw invalid('has a damaged directory');
    const [name, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    yield {
      path: bytes.toString('utf8', at + 46, at + 46 + name),
      method: bytes.readUInt16LE(at + 10),
      packed: bytes.readUInt32LE(at + 20),
      size: bytes.readUInt32LE(at + 24),
      offset: bytes.readUInt32LE(at + 42),
    };
    at += 46 + name + extra + comment;
  }
}

function endOf(bytes: Buffer): number {
  const first = Math.max(0, bytes.length - END_SIZE - LONGEST_COMMENT);
  for (let at = bytes.length - END_SIZE; at >= first; at--) if (bytes.readUInt32LE(at) === END) return at;
  throw invalid('is no zip archive');
}

async function content(bytes: Buffer, { method, packed, size, offset }: Entry): Promise<Buffer> {
  if (bytes.readUInt32LE(offset) !== LOCAL) throw invalid('has a damaged entry');
  if (size > MAX_BYTES) throw invalid('holds a file that is too large');
  const start = offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
  const data = bytes.subarray(start, start + packed);
  const whole = method === 0 ? data : method === 8 ? await inflate(data, { maxOutputLength: size }) : null;
  if (whole === null) throw invalid('is compressed in a way that rebake does not know');
  if (whole.length !== size) throw invalid('is cut off');
  return whole;
}

function isZlibError(error: unknown): boolean {
  return (
    typeof (error as NodeJS.ErrnoException).code === 'string' &&
    /^(?:Z_|ERR_BUFFER)/.test((error as NodeJS.ErrnoException).code ?? '')
  );
}

function invalid(words: string, cause?: unknown): BuildFailure {
  return new BuildFailure({ code: 'ARCHIVE_INVALID', retry: 'never', words: `the archive ${words}` }, { cause });
}

/** Zip archives written by hand, so that tests can write what no tool writes. */
import { crc32, deflateRawSync } from 'node:zlib';

/** An entry. What is not given is as it should be. */
export interface ZipEntry {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** Unix mode with the type, such as `0o100644`. */
  readonly mode?: number;
  readonly isStored?: boolean;
  /** What the archive says instead of what is true. */
  readonly says?: {
    readonly crc?: number;
    readonly size?: number;
    readonly flags?: number;
    readonly method?: number;
    readonly localName?: string;
  };
  /** Has no data of its own, but that of the entry of this name. */
  readonly sharesWith?: string;
}

export function zip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  const offsets = new Map<string, number>();
  let at = 0;
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? '');
    const data = entry.isStored === true ? content : deflateRawSync(content);
    const name = Buffer.from(entry.name);
    const localName = Buffer.from(entry.says?.localName ?? entry.name);
    const fields = Buffer.alloc(22);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE((entry.says?.flags ?? 0) | 0x800, 2);
    fields.writeUInt16LE(entry.says?.method ?? (entry.isStored === true ? 0 : 8), 4);
    fields.writeUInt32LE(0x21 << 16, 6);
    fields.writeUInt32LE(entry.says?.crc ?? crc32(content), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(entry.says?.size ?? content.length, 18);
    const shared = entry.sharesWith === undefined ? undefined : offsets.get(entry.sharesWith);
    if (shared === undefined) {
      const local = Buffer.concat([
        Buffer.from('504b0304', 'hex'),
        fields,
        lengths(localName.length, 0),
        localName,
        data,
      ]);
      parts.push(local);
      offsets.set(entry.name, at);
      at += local.length;
    }
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(shared ?? offsets.get(entry.name) ?? 0, 10);
    central.push(Buffer.concat([Buffer.from('504b01021403', 'hex'), fields, lengths(name.length, 0), tail, name]));
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('504b0506', 0, 'hex');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end]);
}

function lengths(name: number, extra: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(name, 0);
  bytes.writeUInt16LE(extra, 2);
  return bytes;
}

/** The name under which OpenSSL looks a certificate up: a hash of its subject in a form without accidents (X509_NAME_hash). */
import { hash, X509Certificate } from 'node:crypto';

const SEQUENCE = 0x30;
const UTF8 = 0x0c;
/** Kinds of strings that are brought into one form: UTF8, Numeric is not, Printable, T61, IA5, Visible, Universal, BMP. */
const TEXTS = new Set([0x0c, 0x13, 0x14, 0x16, 0x1a, 0x1c, 0x1e]);

interface Tlv {
  readonly tag: number;
  readonly content: Buffer;
  /** Offset behind it. */
  readonly end: number;
}

/** `pem`: one certificate. Null for what is none. */
export function subjectHash(pem: string): string | null {
  try {
    const raw = new X509Certificate(pem).raw;
    const fields = children(children(read(raw, 0).content)[0]?.content ?? Buffer.alloc(0));
    // [version] serial algorithm issuer validity subject
    const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
    if (subject?.tag !== SEQUENCE) return null;
    const sets = children(subject.content).map((set) => {
      const pairs = children(set.content).map(({ content }) => {
        const [type, value] = children(content);
        if (type === undefined || value === undefined) throw new RangeError('no pair');
        return write(SEQUENCE, Buffer.concat([write(type.tag, type.content), canonical(value)]));
      });
      return write(set.tag, Buffer.concat(pairs));
    });
    const digest = Buffer.from(hash('sha1', Buffer.concat(sets), 'hex'), 'hex');
    return digest.readUInt32LE(0).toString(16).padStart(8, '0');
  } catch {
    return null;
  }
}

function canonical({ tag, content }: Tlv): Buffer {
  if (!TEXTS.has(tag)) return write(tag, content);
  const text = tag === 0x1e ? Buffer.from(content).swap16().toString('utf16le') : decode(tag, content);
  const plain = text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '').replace(/[ \t\n\v\f\r]+/g, ' ');
  return write(
    UTF8,
    Buffer.from(
      plain.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
      'utf8',
    ),
  );
}

function decode(tag: number, content: Buffer): string {
  if (tag !== 0x1c) return content.toString(tag === UTF8 ? 'utf8' : 'latin1');
  let text = '';
  for (let at = 0; at + 4 <= content.length; at += 4) text += String.fromCodePoint(content.readUInt32BE(at));
  return text;
}

function read(bytes: Buffer, at: number): Tlv {
  const tag = bytes.readUInt8(at);
  const short = bytes.readUInt8(at + 1);
  const extra = short < 0x80 ? 0 : short & 0x7f;
  const length = extra === 0 ? short : bytes.readUIntBE(at + 2, extra);
  const from = at + 2 + extra;
  if (from + length > bytes.length) throw new RangeError('cut off');
  return { tag, content: bytes.subarray(from, from + length), end: from + length };
}

function children(bytes: Buffer): readonly Tlv[] {
  const all: Tlv[] = [];
  for (let at = 0; at < bytes.length;) {
    const one = read(bytes, at);
    all.push(one);
    at = one.end;
  }
  return all;
}

function write(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const digits = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length, ...digits]), content]);
}

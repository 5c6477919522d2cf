/** Canonical tar headers (ustar, with pax records only for what that cannot hold): the same entry gives the same bytes always. */
import { CONTEXT_FILE_TIME } from '@rebake/image';
import type { TreeEntry } from '../types.ts';

/** Time of every entry of a layer, in seconds since the epoch: one that zip archives can hold in every time zone. */
export const LAYER_TIME: number = CONTEXT_FILE_TIME;

/** Tar counts in blocks, in bytes. */
export const BLOCK = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const MAX_ID = 0o7777777;
const MAX_SIZE = 0o77777777777;
/** Two empty blocks end an archive. */
export const END: Buffer = Buffer.alloc(2 * BLOCK);

const TYPE_FLAGS = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const;
// eslint-disable-next-line no-control-regex
const ASCII = /^[\u0001-\u007f]*$/;

/** What stands before the content of an entry. The entry is checked already. */
export function headerOf(entry: TreeEntry): Buffer {
  const records: string[] = [];
  const path = entry.type === 'directory' ? `${entry.path}/` : entry.path;
  const split = splitPath(path);
  if (split === null) records.push(record('path', path));
  const link = entry.type === 'symlink' || entry.type === 'hardlink' ? entry.target : '';
  const linkFits = link.length <= NAME_BYTES && ASCII.test(link);
  if (!linkFits) records.push(record('linkpath', link));
  const size = entry.type === 'file' ? entry.size : 0;
  if (size > MAX_SIZE) records.push(record('size', String(size)));
  if (entry.uid > MAX_ID) records.push(record('uid', String(entry.uid)));
  if (entry.gid > MAX_ID) records.push(record('gid', String(entry.gid)));
  const own = block({
    name: split?.name ?? stand(path),
    prefix: split?.prefix ?? '',
    mode: entry.type === 'symlink' ? 0o777 : entry.mode,
    uid: entry.uid > MAX_ID ? 0 : entry.uid,
    gid: entry.gid > MAX_ID ? 0 : entry.gid,
    size: size > MAX_SIZE ? 0 : size,
    flag: TYPE_FLAGS[entry.type],
    link: linkFits ? link : stand(link),
  });
  if (records.length === 0) return own;
  const body = Buffer.from(records.join(''));
  const pax = {
    name: '././@PaxHeader',
    prefix: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    flag: 'x',
    link: '',
  };
  return Buffer.concat([block(pax), body, Buffer.alloc(paddingOf(body.length)), own]);
}

/** Bytes from the end of a content to the next block. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

interface Fields {
  readonly name: string;
  readonly prefix: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly flag: string;
  readonly link: string;
}

function block({ name, prefix, mode, uid, gid, size, flag, link }: Fields): Buffer {
  const head = Buffer.alloc(BLOCK);
  head.write(name, 0, 'latin1');
  head.write(
    `${octal(mode, 7)}\0${octal(uid, 7)}\0${octal(gid, 7)}\0${octal(size, 11)}\0${TIME}\0        ${flag}`,
    100,
  );
  if (link !== '') head.write(link, 157, 'latin1');
  head.write('ustar\0' + '00', 257, 'latin1');
  head.write('0000000\0' + '0000000\0', 329, 'latin1');
  if (prefix !== '') head.write(prefix, 345, 'latin1');
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += head[i] ?? 0;
  head.write(`${octal(sum, 6)}\0`, 148, 'latin1');
  return head;
}

const octal = (value: number, width: number): string => value.toString(8).padStart(width, '0');
const TIME = octal(LAYER_TIME, 11);

/** The two fields that hold a path; null where they cannot. */
function splitPath(path: string): { readonly name: string; readonly prefix: string } | null {
  if (!ASCII.test(path)) return null;
  if (path.length <= NAME_BYTES) return { name: path, prefix: '' };
  // The shortest prefix; the slash that ends a folder's path is none to split at.
  const slash = path.indexOf('/', path.length - NAME_BYTES - 1);
  if (slash <= 0 || slash > PREFIX_BYTES || slash >= path.length - 1) return null;
  return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
}

/** What stands in a field whose value is in a pax record; for readers that know no such records. */
function stand(value: string): string {
  return value.slice(0, NAME_BYTES).replaceAll(/[^\u0020-\u007e]/g, '_');
}

/** `LENGTH key=value\n`, where the length counts itself. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (rest + String(length).length > length) length++;
  return `${length} ${key}=${value}\n`;
}

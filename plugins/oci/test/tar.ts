/** Root file systems for tests: tars of a few entries, the same bytes everywhere. */
import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { digestOfBytes, type Step } from '@rebake/image';

/** A path that ends in a slash is a folder; what begins with `->` is a link's target. */
export type Entries = Readonly<
  Record<string, string | { readonly text: string; readonly mode: number; readonly owner?: string }>
>;

export function tarOf(entries: Entries): Buffer {
  const blocks = Object.entries(entries).flatMap(([path, given]) => {
    const {
      text,
      mode,
      owner = '0:0',
    } = typeof given === 'string' ? { text: given, mode: path.endsWith('/') ? 0o755 : 0o644 } : given;
    const [uid = 0, gid = 0] = owner.split(':').map(Number);
    const target = text.startsWith('->') ? text.slice(2) : '';
    const type = path.endsWith('/') ? '5' : target === '' ? '0' : '2';
    const body = type === '0' ? Buffer.from(text) : Buffer.alloc(0);
    const header = Buffer.alloc(512);
    header.write(path, 0);
    header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
    header.write(`${uid.toString(8).padStart(7, '0')}\0`, 108);
    header.write(`${gid.toString(8).padStart(7, '0')}\0`, 116);
    header.write(`${body.byteLength.toString(8).padStart(11, '0')}\0`, 124);
    header.write(`${'0'.repeat(11)}\0`, 136);
    header.write('        ', 148);
    header.write(type, 156);
    header.write(target, 157);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.byteLength % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

let count = 0;

/** A step that begins with the entries. */
export function rootfsOf(folder: string, entries: Entries): Step {
  const path = join(folder, `rootfs-${(count += 1)}.tar`);
  const bytes = tarOf(entries);
  writeFileSync(path, bytes);
  return {
    step: 'rootfs',
    files: { root: dirname(path), files: [{ path: basename(path), digest: digestOfBytes(bytes), exec: false }] },
  };
}

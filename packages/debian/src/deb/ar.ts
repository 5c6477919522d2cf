/** The outer archive of a Debian package (deb(5)): three members of `ar`, in one order. */
import { failure } from '../failures.ts';

const MAGIC = '!<arch>\n';
const HEADER = 60;

/** A member; `bytes` is a view. */
export interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Members {
  readonly control: Member;
  readonly data: Member;
}

/** The two archives in a package. Throws `DEB_INVALID`; `name` is what the package is called there. */
export function readMembers(deb: Uint8Array, name: string): Members {
  const members = readAr(deb, name);
  const [first, control, data, ...rest] = members.filter((member) => !member.name.startsWith('_'));
  if (first?.name !== 'debian-binary' || !text(first.bytes).startsWith('2.')) {
    throw failure('DEB_INVALID', `${name} is no Debian package of format 2`);
  }
  const isArchive = (member: Member | undefined, of: string): member is Member =>
    member !== undefined &&
    /^(?:control|data)\.tar(?:\.(?:gz|xz|zst))?$/.test(member.name) &&
    member.name.startsWith(`${of}.`);
  if (!isArchive(control, 'control') || !isArchive(data, 'data') || rest.length > 0) {
    const has = members.map((member) => JSON.stringify(member.name)).join(', ');
    throw failure(
      'DEB_INVALID',
      `${name} has to hold debian-binary, control.tar and data.tar in this order; it has ${has}`,
    );
  }
  return { control, data };
}

function readAr(bytes: Uint8Array, name: string): readonly Member[] {
  if (text(bytes.subarray(0, MAGIC.length)) !== MAGIC) throw failure('DEB_INVALID', `${name} is no Debian package`);
  const members: Member[] = [];
  for (let at = MAGIC.length; at < bytes.length;) {
    const header = text(bytes.subarray(at, at + HEADER));
    const size = /^(.{16})(.{32})([0-9]{1,10}) *`\n$/s.exec(header)?.[3];
    if (header.length < HEADER || size === undefined) throw failure('DEB_INVALID', `${name} is broken at byte ${at}`);
    const from = at + HEADER;
    const to = from + Number(size);
    if (to > bytes.length) throw failure('DEB_INVALID', `${name} ends within a member`);
    if (members.length === 16) throw failure('DEB_INVALID', `${name} has more members than any package`);
    members.push({ name: header.slice(0, 16).trimEnd().replace(/\/$/, ''), bytes: bytes.subarray(from, to) });
    at = to + (to % 2);
  }
  return members;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

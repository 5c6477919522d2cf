/** The packages of a lock as they are needed: fetched, read once, and what they hold kept at hand as far as there is room. */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import type { DebianMirror, Digest, LockedDeb } from '@rebake/image';
import { BuildFailure, digestOfBytes } from '@rebake/image';
import { failure } from '../failures.ts';
import type { Means } from '../means.ts';
import { machineMirror } from '../mirror/machine.ts';
import { fieldOf, parseStanza, type Field } from './control.ts';
import { openDeb, type DebEntry, type DebFacts } from './open.ts';

/** One package of the lock. */
export interface Deb {
  readonly locked: LockedDeb;
  readonly fields: readonly Field[];
  readonly control: Readonly<Record<string, string>>;
  readonly entries: readonly DebEntry[];
  readonly conffiles: Readonly<Record<string, string>>;
  readonly sonames: Readonly<Record<string, string>>;
}

export interface DebStore {
  open(locked: LockedDeb): Promise<Deb>;
  /** The decompressed data archive of a package; held until it is released. */
  data(locked: LockedDeb): Promise<Uint8Array>;
  /** Says that the data archive is not needed soon. */
  release(locked: LockedDeb): void;
}

/** So much of decompressed archives is held that nobody has asked for yet, between being read and being written. In bytes. */
const HELD_BYTES = 512 << 20;

/** Raised when the form of what is kept of a package changes. */
const FACTS = 'deb@3';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export function debStore(mirror: DebianMirror | null, means: Means): DebStore {
  const held = new Map<Digest, Promise<Uint8Array>>();
  /** What is held and was not asked for yet: digest → size. */
  const spare = new Map<Digest, number>();
  let spareBytes = 0;
  let where: Promise<DebianMirror> | undefined;

  async function bytesOf(locked: LockedDeb): Promise<Uint8Array> {
    const { digest, size } = locked;
    if ((await means.cache.has(digest)) === null) {
      where ??= mirrorOf(mirror, means);
      await fetchDeb(locked, await where, means);
    }
    const parts: Uint8Array[] = [];
    for await (const part of means.cache.read(digest)) parts.push(part);
    return Buffer.concat(parts, size);
  }

  async function unpack(locked: LockedDeb): Promise<{ readonly facts: DebFacts; readonly data: Uint8Array }> {
    const { data, ...facts } = await openDeb(await bytesOf(locked), `${locked.name} ${locked.version}`);
    return { facts, data };
  }

  function holdSpare(digest: Digest, data: Uint8Array): void {
    if (held.has(digest) || spareBytes + data.length > HELD_BYTES) return;
    spareBytes += data.length;
    spare.set(digest, data.length);
    held.set(digest, Promise.resolve(data));
  }

  function useSpare(digest: Digest): void {
    spareBytes -= spare.get(digest) ?? 0;
    spare.delete(digest);
  }

  return {
    async open(locked) {
      const kept = await means.cache.once<Digest>(
        FACTS,
        locked.digest,
        async () => {
          const { facts, data } = await unpack(locked);
          holdSpare(locked.digest, data);
          const blob = await compress(JSON.stringify(facts));
          const digest = digestOfBytes(blob);
          await means.cache.write({ digest, size: blob.length }, once(blob));
          return { value: digest, blobs: [digest] };
        },
        means.signal,
      );
      const parts: Uint8Array[] = [];
      for await (const part of means.cache.read(kept)) parts.push(part);
      const { control, entries, conffiles, sonames } = JSON.parse(
        (await decompress(Buffer.concat(parts))).toString('utf8'),
      ) as DebFacts;
      const fields = parseStanza(control['control'] ?? '');
      checkIdentity(locked, fields);
      return { locked, fields, control, entries, conffiles, sonames };
    },
    async data(locked) {
      const { digest } = locked;
      useSpare(digest);
      let data = held.get(digest);
      if (data === undefined) held.set(digest, (data = unpack(locked).then((opened) => opened.data)));
      return data;
    },
    release({ digest }) {
      useSpare(digest);
      held.delete(digest);
    },
  };
}

/** What a package says of itself has to be what the lock calls it. */
function checkIdentity(locked: LockedDeb, fields: readonly Field[]): void {
  for (const [field, value] of [
    ['Package', locked.name],
    ['Version', locked.version],
    ['Architecture', locked.architecture],
  ] as const) {
    const own = fieldOf(fields, field);
    if (own === value) continue;
    throw failure(
      'DEB_INVALID',
      `${locked.path} calls its ${field.toLowerCase()} ${own}, and the lock calls it ${value}`,
    );
  }
}

async function mirrorOf(mirror: DebianMirror | null, means: Means): Promise<DebianMirror> {
  const found = mirror ?? (await machineMirror(means.env));
  if (found !== null) return found;
  throw failure(
    'MIRROR_MISSING',
    'packages of Debian are needed, and this machine has no source of them (its apt has none): name a `mirror` in the configuration',
  );
}

/** Where the archive with security updates keeps its packages. */
const SECURITY_POOL = 'pool/updates/';

async function fetchDeb(locked: LockedDeb, mirror: DebianMirror, means: Means): Promise<void> {
  const { path, digest, size, name, version } = locked;
  const isSecurity = path.startsWith(SECURITY_POOL);
  const root = isSecurity ? (mirror.security ?? mirror.url) : mirror.url;
  const url = `${root}/${path.split('/').map(encodeURIComponent).join('/')}`;
  try {
    await means.download.blob({ url, digest, size, name: `${name} ${version}` }, means.signal);
  } catch (error) {
    if (!(error instanceof BuildFailure) || error.error.code !== 'DOWNLOAD_REFUSED') throw error;
    const words = `${error.error.words}. A mirror drops a package when a newer one is out: run \`rebake lock\` again`;
    throw new BuildFailure({ ...error.error, words }, { cause: error });
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** The index of a suite from a mirror: verified, and remembered by what it is. */
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { promisify } from 'node:util';
import type { DebianMirror, Digest } from '@rebake/image';
import { BuildFailure, digestOf, digestOfBytes } from '@rebake/image';
import { failure } from '../failures.ts';
import type { Means } from '../means.ts';
import { unxz } from '../xz.ts';
import { keyringsFor } from './keys.ts';
import { compactPackages, COMPACT_VERSION, openPackages, type PackageIndex } from './packages.ts';
import { verifyRelease, type Release } from './release.ts';

/** More is no index: Debian's largest have a seventh of these sizes. */
const MAX_RELEASE_BYTES = 4 << 20;
const MAX_PACKAGES_BYTES = 512 << 20;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** One `dists` folder of one archive. */
interface Dist {
  readonly url: string;
  readonly dist: string;
  /** Whether a suite can do without: nothing is wrong when the mirror has none. */
  readonly isOptional: boolean;
}

/** All packages of a suite with its updates and security updates. */
export async function fetchIndex(
  suite: string,
  architecture: string,
  mirror: DebianMirror,
  means: Means,
): Promise<PackageIndex> {
  const dists: Dist[] = [
    { url: mirror.url, dist: suite, isOptional: false },
    { url: mirror.url, dist: `${suite}-updates`, isOptional: true },
  ];
  if (mirror.security !== undefined) {
    dists.push({ url: mirror.security, dist: `${suite}-security`, isOptional: true });
  }
  const texts = await Promise.all(dists.map(async (dist) => fetchDist(dist, architecture, mirror, means)));
  return openPackages(texts.flat());
}

async function fetchDist(
  where: Dist,
  architecture: string,
  mirror: DebianMirror,
  means: Means,
): Promise<readonly string[]> {
  const folder = `${where.url}/dists/${where.dist}`;
  const release = await fetchRelease(where, folder, mirror, means);
  if (release === null) {
    if (where.isOptional) return [];
    throw failure('DEBIAN_INDEX_INVALID', `${shown(folder)} has no InRelease: the mirror has no suite ${where.dist}`);
  }
  const components = mirror.components ?? ['main'];
  return Promise.all(
    components.map(async (component) => fetchPackages(folder, release, component, architecture, means)),
  );
}

async function fetchRelease(where: Dist, folder: string, mirror: DebianMirror, means: Means): Promise<Release | null> {
  const url = `${folder}/InRelease`;
  const bytes = await means.download.document(url, { maxBytes: MAX_RELEASE_BYTES, signal: means.signal });
  if (bytes === null) return null;
  const now = (means.now ?? Date.now)();
  const name = shown(url);
  const keyrings = await keyringsFor(where.dist, mirror);
  // A signature stays as good as it was: what is checked each time is whether the index is still the one to use.
  const key = digestOf([digestOfBytes(bytes), ...keyrings.map((keyring) => digestOfBytes(keyring.bytes))]);
  const release = await means.cache.once<Release>(
    'debian-release@1',
    key,
    async () => {
      const text = Buffer.from(bytes).toString('utf8');
      return { value: await verifyRelease(name, text, keyrings, now), blobs: [] };
    },
    means.signal,
  );
  checkRelease(release, where.dist, name, now);
  await refuseOlder(release, folder, name, means);
  return release;
}

/** A clock may go a little wrong. */
const CLOCK_SLACK_MS = 24 * 3600 * 1000;

function checkRelease(release: Release, dist: string, name: string, now: number): void {
  const { codename, suite, date, validUntil } = release;
  if (codename !== dist && suite !== dist) {
    throw failure('DEBIAN_INDEX_INVALID', `${name} is the index of ${codename} (${suite}), not of ${dist}`);
  }
  if (validUntil !== null && validUntil < now) {
    throw failure(
      'DEBIAN_INDEX_INVALID',
      `${name} has expired on ${day(validUntil)}: the mirror is not up to date, or somebody holds updates back`,
    );
  }
  if (date > now + CLOCK_SLACK_MS) {
    throw failure(
      'DEBIAN_INDEX_INVALID',
      `${name} is of ${day(date)}, which is still to come: check this machine's clock`,
    );
  }
}

/** Who can put an old index in place of a new one keeps security updates away. */
async function refuseOlder(release: Release, folder: string, name: string, means: Means): Promise<void> {
  const key = digestOf(folder);
  const before = await means.cache.recall<number>('debian-newest@1', key);
  if (before !== null && release.date < before) {
    throw failure(
      'DEBIAN_INDEX_INVALID',
      `${name} is of ${day(release.date)}, and it was of ${day(before)} before: the mirror went back in time`,
    );
  }
  if (before !== release.date) await means.cache.keep('debian-newest@1', key, { value: release.date, blobs: [] });
}

async function fetchPackages(
  folder: string,
  release: Release,
  component: string,
  architecture: string,
  means: Means,
): Promise<string> {
  const path = `${component}/binary-${architecture}/Packages.xz`;
  const file = release.files[path];
  if (file === undefined) {
    const has = release.components.join(', ');
    throw failure('DEBIAN_INDEX_INVALID', `${shown(folder)} has no ${path} (its components are ${has})`);
  }
  const kept = await means.cache.once<Digest>(
    `debian-packages@${COMPACT_VERSION}`,
    file.sha256,
    async (signal) => {
      const url = release.hasByHash
        ? `${folder}/${component}/binary-${architecture}/by-hash/SHA256/${file.sha256}`
        : `${folder}/${path}`;
      const digest: Digest = `sha256:${file.sha256}`;
      const name = `Packages.xz of ${shown(folder)}`;
      await download(url, { digest, size: file.size, name }, { ...means, signal });
      const blob = await compactBlob(await wholeBlob(digest, file.size, means), name);
      const compactDigest = digestOfBytes(blob);
      await means.cache.write({ digest: compactDigest, size: blob.length }, once(blob));
      return { value: compactDigest, blobs: [compactDigest] };
    },
    means.signal,
  );
  const size = await means.cache.has(kept);
  return (await decompress(await wholeBlob(kept, size ?? 0, means))).toString('latin1');
}

async function download(
  url: string,
  { digest, size, name }: { readonly digest: Digest; readonly size: number; readonly name: string },
  means: Means,
): Promise<void> {
  try {
    await means.download.blob({ url, digest, size, name }, means.signal);
  } catch (error) {
    if (!(error instanceof BuildFailure) || error.error.code !== 'BLOB_MISMATCH') throw error;
    throw failure('DEBIAN_INDEX_INVALID', `${name} is not the one that was signed: ${error.error.words}`, error);
  }
}

async function compactBlob(packed: Uint8Array, name: string): Promise<Uint8Array> {
  let text: string;
  try {
    const bytes = await unxz(packed, MAX_PACKAGES_BYTES);
    text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw failure('DEBIAN_INDEX_INVALID', `${name} cannot be decompressed: ${words}`, error);
  }
  return compress(Buffer.from(compactPackages(text), 'latin1'));
}

async function wholeBlob(digest: Digest, size: number, means: Means): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of means.cache.read(digest)) parts.push(part);
  return Buffer.concat(parts, size);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** An address without a login in it. */
function shown(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/, '$1');
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ');
}

/** Answers of libpod's API, checked: ids become parts of paths and identities of images. */
import { digestOf, isDigest } from '@rebake/image';
import type { Digest, Platform } from '@rebake/image';
import { failure } from '@rebake/sdk/building';
import type { LayeredImage } from '@rebake/sdk/building';

/** What a service says about itself. */
export interface PodmanInfo {
  /** Of the storage behind it: services over the same storage are the same engine. */
  readonly id: string;
  readonly platform: Platform;
  readonly version: Version;
}

/** A version of Podman. */
export interface Version {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

const OLDEST = 4;

/** The version in the headers of a ping; throws `ENGINE_UNSUPPORTED` for what is no Podman, or too old a one. */
export function versionOf(header: unknown, host: string): Version {
  const match = typeof header === 'string' ? /^(\d{1,4})\.(\d{1,4})\.[0-9A-Za-z.+-]{1,64}$/.exec(header) : null;
  if (!match) throw unsupported(`${host} is no Podman: it does not say a version of the libpod API`);
  const [text, major, minor] = match;
  if (Number(major) < OLDEST) throw unsupported(`${host} is Podman ${text}; rebake needs ${OLDEST}.0 or later`);
  return { text, major: Number(major), minor: Number(minor) };
}

/** What a ping ends in where something else than Podman answers. */
export function unsupported(words: string): Error {
  return failure('ENGINE_UNSUPPORTED', 'never', words);
}

/**
 * Checks the answer of `/info`. `host` is the service's address, which stands for a machine that has no name of its own (those of
 * `podman machine`).
 */
export function infoOf(answer: unknown, version: Version, host: string): PodmanInfo {
  const { host: machine, store } = record(answer);
  const { arch, os, hostname, idMappings } = record(machine);
  const { graphRoot, graphDriverName } = record(store);
  if (os !== 'linux' || (arch !== 'amd64' && arch !== 'arm64'))
    throw unsupported(`${host} runs on ${String(os)}/${String(arch)}; rebake builds for linux/amd64 and linux/arm64`);
  if (typeof hostname !== 'string' || typeof graphRoot !== 'string' || !graphRoot.startsWith('/'))
    throw invalid(`${host} does not say where its storage is`);
  // Root's and a user's differ in who they are on the host, whatever the folders are called.
  const owner = mappedOwner(idMappings);
  const name = /^(localhost(\..*)?)?$/.test(hostname) ? host : hostname;
  const id = digestOf(['podman', name, graphRoot, String(graphDriverName), owner]);
  return { id: `podman-${id.slice('sha256:'.length, 'sha256:'.length + 32)}`, platform: `linux/${arch}`, version };
}

/** The user of the host who is root in the storage; null for root itself. */
function mappedOwner(idMappings: unknown): unknown {
  if (typeof idMappings !== 'object' || idMappings === null || !('uidmap' in idMappings)) return null;
  const map: unknown = idMappings.uidmap;
  if (!Array.isArray(map)) return null;
  const root = map.find((entry: unknown) => record(entry)['container_id'] === 0) as unknown;
  return root === undefined ? null : (record(root)['host_id'] ?? null);
}

/** Checks the answer of `/images/NAME/json`. */
export function imageOf(answer: unknown): LayeredImage {
  const { Id, RootFS: rootFs } = record(answer);
  const id = digestOfId(Id);
  const { Layers } = record(rootFs);
  const layers: unknown = Layers ?? [];
  if (!Array.isArray(layers) || !layers.every(isDigest)) throw invalid(`an image whose layers are no digests: ${id}`);
  return { id, layers };
}

/** An image's id is the hex of its config's digest. */
export function digestOfId(id: unknown): Digest {
  const digest = typeof id === 'string' ? `sha256:${id.replace(/^sha256:/, '')}` : null;
  if (!isDigest(digest)) throw invalid('an image whose id is no digest');
  return digest;
}

/** The other way round: what a FROM line and a path of the API take. */
export function idOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The id of something that was made. */
export function idIn(answer: unknown): string {
  const { Id: id } = record(answer);
  if (typeof id !== 'string' || !/^(sha256:)?[0-9a-f]{12,64}$/.test(id)) throw invalid('no id where one was expected');
  return id.replace(/^sha256:/, '');
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw invalid('no object where one was expected');
  return value as Readonly<Record<string, unknown>>;
}

function invalid(words: string): Error {
  return failure('ENGINE_ANSWER_INVALID', 'never', `unexpected answer of Podman: ${words}`);
}

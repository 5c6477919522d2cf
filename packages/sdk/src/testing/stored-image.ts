/** An image as a registry has it, read without any code of the builder: its manifest, its config, and what its layers hold. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { digestOfBytes } from '@rebake/image';
import type { Digest, RegistryClient } from '@rebake/image';
import { unpackTar } from 'modern-tar';
import { hold, same } from './rules.ts';

/** A file, directory or link of a layer. */
export interface LayerEntry {
  /** Without a leading `/` or `./`, and without a `/` at the end. */
  readonly path: string;
  readonly type: string;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: string;
  readonly text: string;
}

/** The part of an image config that behaviours look at. */
export interface StoredConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly workdir: string;
  readonly entrypoint: readonly string[];
  readonly platform: string;
  /** The whole document, as it is. */
  readonly text: string;
}

/** An image in a registry. */
export interface StoredImage {
  readonly manifest: Digest;
  readonly identity: Digest;
  readonly manifestText: string;
  readonly config: StoredConfig;
  /** Digests of the uncompressed layers, the lowest first. */
  readonly diffIds: readonly Digest[];
  /** The uncompressed bytes of one layer. */
  layer(index: number): Promise<Uint8Array>;
  /** Everything in the layers from `first` on, by path; what lies higher wins. */
  entries(first: number): Promise<ReadonlyMap<string, LayerEntry>>;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
}

/** Reads an image from a registry without TLS and logins. */
export async function readStored(
  client: RegistryClient,
  at: { readonly registry: string; readonly repository: string; readonly reference: string },
): Promise<StoredImage> {
  const found = await client.resolve(at, { signal: AbortSignal.timeout(60_000) });
  hold(found.seen === 'yes', 'What was pushed is in the registry under the tag of its candidate', found);
  const { identity, manifest } = found.value;
  const base = `http://${at.registry}/v2/${at.repository}`;
  const manifestText = (await content(`${base}/manifests/${manifest}`, manifest, found.value.mediaType)).toString();
  const configText = (await content(`${base}/blobs/${identity}`, identity)).toString();
  const { layers } = JSON.parse(manifestText) as { layers: readonly Descriptor[] };
  const { config, diffIds } = configOf(configText);
  same(diffIds.length, layers.length, 'A manifest has as many layers as its config');
  const read = new Map<number, Promise<Uint8Array>>();
  const layer = async (index: number): Promise<Uint8Array> => {
    const of = layers[index];
    if (of === undefined) throw new Error(`no layer ${index}`);
    const bytes = await uncompressed(await content(`${base}/blobs/${of.digest}`, of.digest), of.mediaType);
    same(digestOfBytes(bytes), diffIds[index], 'The layers are those whose digests are in the config');
    return bytes;
  };
  const image: StoredImage = {
    manifest,
    identity,
    manifestText,
    config,
    diffIds,
    layer(index) {
      const before = read.get(index) ?? layer(index);
      read.set(index, before);
      return before;
    },
    async entries(first) {
      const all = new Map<string, LayerEntry>();
      for (let index = first; index < layers.length; index++)
        for (const entry of await entriesOf(await image.layer(index))) all.set(entry.path, entry);
      return all;
    },
  };
  return image;
}

async function content(url: string, digest: Digest, accept = '*/*'): Promise<Buffer> {
  const answer = await fetch(url, { headers: { accept } });
  const bytes = Buffer.from(await answer.arrayBuffer());
  hold(answer.ok, 'All parts of what was pushed are in the registry', `${url}: HTTP ${answer.status}`);
  same(digestOfBytes(bytes), digest, 'The registry has the bytes of the digests that a manifest names');
  return bytes;
}

async function uncompressed(bytes: Buffer, mediaType: string): Promise<Uint8Array> {
  if (/[.+]gzip$/.test(mediaType)) return buffer(Readable.from([bytes]).pipe(createGunzip()));
  if (mediaType.endsWith('+zstd')) return buffer(Readable.from([bytes]).pipe(createZstdDecompress()));
  return bytes;
}

/** What a layer's tar holds. */
export async function entriesOf(tar: Uint8Array): Promise<LayerEntry[]> {
  return (await unpackTar(tar)).map(({ header, data }) => ({
    path: header.name.replace(/^(\.?\/)+/, '').replace(/\/+$/, ''),
    type: header.type ?? 'file',
    mode: (header.mode ?? 0) & 0o7777,
    owner: `${header.uid ?? 0}:${header.gid ?? 0}`,
    text: data === undefined ? (header.linkname ?? '') : Buffer.from(data).toString(),
  }));
}

function configOf(text: string): { readonly config: StoredConfig; readonly diffIds: readonly Digest[] } {
  const document = JSON.parse(text) as {
    readonly os?: string;
    readonly architecture?: string;
    readonly config?: {
      readonly Env?: readonly string[] | null;
      readonly User?: string;
      readonly WorkingDir?: string;
      readonly Entrypoint?: readonly string[] | null;
    };
    readonly rootfs?: { readonly diff_ids?: readonly Digest[] };
  };
  const { Env, User, WorkingDir, Entrypoint } = document.config ?? {};
  const env = (Env ?? []).map((pair): [string, string] => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const config = {
    env: Object.fromEntries(env),
    user: User ?? '',
    workdir: WorkingDir ?? '',
    entrypoint: Entrypoint ?? [],
    platform: `${document.os}/${document.architecture}`,
    text,
  };
  return { config, diffIds: document.rootfs?.diff_ids ?? [] };
}

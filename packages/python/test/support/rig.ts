/** A cache, wheels by address and a parent for environments of tests. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createDownloader, openCache, type Cache } from '@rebake/cache';
import { BuildFailure, type Digest, type LockedPackage } from '@rebake/image';
import { decompress, readTar, type Found, type ImageFs, type Layer } from '@rebake/layers';
import type { Means, PythonEnvRequest } from '../../src/index.ts';
import { normalizeName, parseWheelName } from '../../src/choose/tags.ts';

export interface Rig {
  readonly dir: string;
  readonly cache: Cache;
  readonly means: Means;
  /** What was logged. */
  readonly lines: string[];
  /** A wheel as a lock has it. */
  lock(file: string, bytes: Uint8Array, more?: Partial<LockedPackage>): LockedPackage;
  /** What layers hold, the later ones over the earlier. */
  read(layers: readonly Layer[]): Promise<Map<string, Item>>;
  close(): Promise<void>;
}

/** A path of an image. */
export interface Item {
  readonly type: string;
  readonly mode: number;
  readonly owner: string;
  readonly content: Buffer;
  readonly target: string;
}

export function createRig(more: Partial<Means> = {}): Rig {
  const dir = mkdtempSync(join(tmpdir(), 'rebake-python-'));
  const cache = openCache(join(dir, 'cache'));
  const download = createDownloader(cache, { env: {}, ca: null, login: async () => Promise.resolve(null) });
  const lines: string[] = [];
  const wheels = join(dir, 'wheels');
  mkdirSync(wheels);
  const means: Means = {
    cache,
    download,
    signal: new AbortController().signal,
    log: (line) => lines.push(line),
    env: {},
    ...more,
  };
  return {
    dir,
    cache,
    means,
    lines,
    lock(file, bytes, over = {}) {
      const path = join(wheels, file);
      writeFileSync(path, bytes);
      const name = parseWheelName(file);
      const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      return {
        name: normalizeName(name?.name ?? file),
        version: name?.version ?? null,
        marker: null,
        direct: false,
        sdist: null,
        wheels: [{ name: file, url: pathToFileURL(path).href, size: bytes.length, digest }],
        ...over,
      };
    },
    async read(layers) {
      const items = new Map<string, Item>();
      for (const layer of layers) {
        for await (const entry of readTar(decompress(cache.read(layer.digest), layer.mediaType))) {
          const parts: Uint8Array[] = [];
          for await (const part of entry.bytes()) parts.push(Buffer.from(part));
          items.set(entry.path, {
            type: entry.type,
            mode: entry.mode,
            owner: `${entry.uid}:${entry.gid}`,
            content: Buffer.concat(parts),
            target: entry.target,
          });
        }
      }
      return items;
    },
    async close() {
      await download.close();
      await cache.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** An image that has these paths; what ends in `/` is a folder, and a value is where a link leads. */
export function imageWith(paths: Readonly<Record<string, string | null>>): ImageFs {
  const resolve = (path: string): string => {
    for (const [link, target] of Object.entries(paths)) {
      if (target !== null && (path === link || path.startsWith(`${link}/`)))
        return resolve(`${target}${path.slice(link.length)}`);
    }
    return path;
  };
  return {
    stat: async (asked) => {
      const path = resolve(asked);
      const facts = { path, uid: 0, gid: 0, size: 0 };
      const found: Found | null =
        paths[path] === null
          ? { ...facts, type: 'file', mode: 0o755 }
          : Object.keys(paths).some((known) => known.startsWith(`${path}/`))
            ? { ...facts, type: 'directory', mode: 0o755 }
            : null;
      return Promise.resolve(found);
    },
    read: async () => Promise.resolve(null),
    list: async () => Promise.resolve([]),
    extract: async () => Promise.resolve(0),
  };
}

/** A request for an image with Python 3.11, without bytecode. */
export function request(locked: readonly LockedPackage[], more: Partial<PythonEnvRequest> = {}): PythonEnvRequest {
  return {
    prefix: '/opt/env',
    interpreter: '3.11',
    locked,
    glibc: '2.36',
    platform: 'linux/amd64',
    bytecode: false,
    compression: 'gzip',
    fs: imageWith({ 'usr/bin/python3.11': null, 'opt/': null }),
    identity: `sha256:${'1'.repeat(64)}`,
    path: ['/usr/local/bin', '/usr/bin'],
    ...more,
  };
}

/** Code of the failure that a promise rejects with, and its words. */
export async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof BuildFailure) return `${thrown.error.code}: ${thrown.error.words}`;
    throw thrown;
  }
  return 'nothing failed';
}

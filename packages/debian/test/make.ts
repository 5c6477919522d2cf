// Small Debian packages, signed indexes of them, and a machine to use them on.
import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openCache, type Cache } from '@rebake/cache';
import type { LockedDeb } from '@rebake/image';
import { BuildFailure, digestOfBytes } from '@rebake/image';
import type { Means } from '../src/index.ts';

export interface TarItem {
  readonly path: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'hardlink' | 'character';
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly text?: string;
  readonly target?: string;
}

const TYPES = { file: '0', hardlink: '1', symlink: '2', character: '3', directory: '5' };

export function tarOf(items: readonly TarItem[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, type = 'file', mode, uid = 0, gid = 0, text = '', target = '' } of items) {
    const content = Buffer.from(type === 'file' ? text : '');
    const header = Buffer.alloc(512);
    const octal = (value: number, at: number, width: number): void => {
      header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
    };
    header.write(type === 'directory' ? `${path}/` : path, 0, 'utf8');
    octal(mode ?? (type === 'directory' ? 0o755 : 0o644), 100, 8);
    octal(uid, 108, 8);
    octal(gid, 116, 8);
    octal(content.length, 124, 12);
    octal(0, 136, 12);
    header.write('        ', 148, 'latin1');
    header.write(TYPES[type], 156, 'latin1');
    header.write(target, 157, 'utf8');
    header.write('ustar\x0000', 257, 'latin1');
    octal(0, 329, 8);
    octal(0, 337, 8);
    let sum = 0;
    for (const byte of header) sum += byte;
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    blocks.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export function arOf(members: readonly (readonly [string, Uint8Array])[]): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')];
  for (const [name, bytes] of members) {
    const head = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${`${bytes.length}`.padEnd(10)}\`\n`;
    parts.push(Buffer.from(head), Buffer.from(bytes), Buffer.alloc(bytes.length % 2, '\n'));
  }
  return Buffer.concat(parts);
}

export interface DebSpec {
  readonly name: string;
  readonly version?: string;
  readonly architecture?: string;
  /** Lines of the control file, after those that are above. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly control?: Readonly<Record<string, string>>;
  readonly data?: readonly TarItem[];
}

export interface MadeDeb {
  readonly locked: LockedDeb;
  readonly bytes: Buffer;
}

export function controlOf({ name, version = '1.0', architecture = 'amd64', fields = {} }: DebSpec): string {
  const more = Object.entries(fields).map(([key, value]) => `${key}: ${value}\n`);
  return `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: Nobody <nobody@example.com>\n${more.join('')}Description: a package\n for tests\n`;
}

export function makeDeb(spec: DebSpec): MadeDeb {
  const control = Object.entries({ control: controlOf(spec), ...spec.control });
  const bytes = arOf([
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar.gz', gzipSync(tarOf(control.map(([path, text]) => ({ path: `./${path}`, text }))))],
    ['data.tar.gz', gzipSync(tarOf([{ path: '.', type: 'directory' }, ...(spec.data ?? [])]))],
  ]);
  return { bytes, locked: lockedOf(spec, bytes) };
}

export function lockedOf({ name, version = '1.0', architecture = 'amd64' }: DebSpec, bytes: Uint8Array): LockedDeb {
  const path = `pool/main/${name[0]}/${name}/${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`;
  return { name, version, architecture, path, size: bytes.length, digest: digestOfBytes(bytes) };
}

/** `Packages` of such packages. */
export function packagesText(specs: readonly DebSpec[]): string {
  return specs
    .map((spec) => {
      const { locked } = makeDeb(spec);
      const file = `Filename: ${locked.path}\nSize: ${locked.size}\nSHA256: ${locked.digest.slice(7)}\n`;
      return `${controlOf(spec)}${file}\n`;
    })
    .join('');
}

export interface Machine {
  readonly means: Means;
  readonly cache: Cache;
  /** Addresses that were asked for. */
  readonly asked: string[];
  /** Address → bytes of what can be fetched. */
  readonly files: Map<string, Uint8Array>;
  close(): Promise<void>;
}

/** A machine with an empty cache, whose network is a table. */
export async function machine(now?: () => number): Promise<Machine> {
  const dir = await mkdtemp(join(tmpdir(), 'rebake-debian-'));
  const cache = openCache(dir);
  const files = new Map<string, Uint8Array>();
  const asked: string[] = [];
  const means: Means = {
    cache,
    signal: new AbortController().signal,
    log: () => undefined,
    env: { REBAKE_APT_DIR: join(dir, 'no-apt') },
    ...(now === undefined ? {} : { now }),
    download: {
      async blob({ url, digest, size, name }) {
        if ((await cache.has(digest)) !== null) return;
        asked.push(url);
        const bytes = files.get(url);
        if (bytes === undefined) {
          throw new BuildFailure({ code: 'DOWNLOAD_REFUSED', retry: 'never', words: `${name}: 404 for ${url}` });
        }
        await cache.write({ digest, ...(size === null || size === undefined ? {} : { size }) }, pieces(bytes));
      },
      async document(url) {
        asked.push(url);
        return Promise.resolve(files.get(url) ?? null);
      },
    },
  };
  return {
    means,
    cache,
    asked,
    files,
    async close() {
      await cache.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

export function sha256(bytes: string | Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

/** The error of what fails as it should. */
export async function failureOf(promise: Promise<unknown>): Promise<{ code: string; words: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BuildFailure) return error.error;
    throw error;
  }
  throw new Error('it did not fail');
}

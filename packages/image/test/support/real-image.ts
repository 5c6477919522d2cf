/** An image that engines run: layers are tars made by hand, compressed, in a layout under a name. */
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { writeTinyRootfs } from '@rebake/tool-engines';
import { digestOfBytes, type Digest, type Layout } from '../../src/index.ts';
import { MANIFEST_TYPE } from '../fake-registry.ts';
import { put } from '../layout-tools.ts';

export interface RealImage {
  readonly name: string;
  readonly identity: Digest;
  readonly manifest: Digest;
  /** Of its blobs, in bytes. */
  readonly total: number;
  /** Bytes of its layers, the lowest first. */
  readonly sizes: readonly number[];
  /** What `cat /greeting` says in it. */
  readonly greeting: string;
}

export type Compression = 'gzip' | 'zstd';

const ANNOTATIONS = { 'org.opencontainers.image.title': 'interop', 'com.example.rebake/key': 'a b/c' };

/** `ballast`: bytes that do not compress, one layer each. */
export async function realImage(
  layout: Layout,
  rootfs: { readonly path: string },
  options: { readonly ballast?: readonly number[]; readonly compression?: Compression } = {},
): Promise<RealImage> {
  const greeting = randomUUID();
  const tars = [ground(rootfs), tarOf('greeting', greeting), ...(options.ballast ?? []).map(ballast)];
  const gzipped = options.compression !== 'zstd';
  const layers = tars.map((tar) => (gzipped ? gzipSync(tar, { level: 1 }) : zstdCompressSync(tar)));
  const config = JSON.stringify({
    created: '2026-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/usr/bin:/bin'], Cmd: ['cat', '/greeting'] },
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOfBytes(tar)) },
    history: tars.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: 'rebake' })),
  });
  const descriptor = (mediaType: string, blob: string | Buffer) => ({
    mediaType,
    digest: digestOfBytes(blob),
    size: Buffer.byteLength(blob),
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) =>
      descriptor(`application/vnd.oci.image.layer.v1.tar+${gzipped ? 'gzip' : 'zstd'}`, layer),
    ),
    annotations: ANNOTATIONS,
  });
  for (const blob of [...layers, config, manifest]) await put(layout, blob);
  const digest = digestOfBytes(manifest);
  const name = `rebake-test/interop:${greeting}`;
  await layout.name(name, { mediaType: MANIFEST_TYPE, digest, size: manifest.length });
  const sizes = layers.map(({ byteLength }) => byteLength);
  const total = sizes.reduce((sum, size) => sum + size, config.length);
  return { name, identity: digestOfBytes(config), manifest: digest, total, sizes, greeting };
}

function ground(rootfs: { readonly path: string }): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'rebake-ground-'));
  try {
    writeTinyRootfs({ rootfs }, join(dir, 'rootfs.tar'));
    const bytes = readFileSync(join(dir, 'rootfs.tar'));
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const ballast = (size: number): Buffer => tarOf(`ballast-${randomUUID()}`, randomBytes(size));

function tarOf(name: string, content: string | Buffer): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'rebake-layer-'));
  try {
    mkdirSync(join(dir, 'in'));
    writeFileSync(join(dir, 'in', name), content);
    const options = ['--create', '--numeric-owner', '--owner=0', '--group=0', '--format=ustar', '--file=-'];
    return execFileSync('tar', [...options, '-C', join(dir, 'in'), name], { maxBuffer: 1 << 30 });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

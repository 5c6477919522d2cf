// What is in the environment of an image, file by file, so that two ways to make it can be held against each other.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Held, Repository } from './repository.ts';

/** An environment laid out in a folder. */
export interface Unpacked {
  /** Where it is in the image, such as `/opt/env`. */
  readonly prefix: string;
  /** Path below the prefix → digest of the content, or where a link leads to. */
  readonly files: ReadonlyMap<string, string>;
}

/** What each tool writes about itself, or as it pleases; bytecode and the scripts of entry points count by name only. */
const OWN = [
  /^pyvenv\.cfg$/,
  /^(\.gitignore|\.lock|CACHEDIR\.TAG)$/,
  /^bin\/(activate|deactivate|Activate|pydoc)/,
  /^bin\/python[\d.]*$/,
  /^bin\/pip[\d.]*$/,
  /^(include|share)(\/|$)/,
  /^lib64$/,
  /\/_virtualenv\.(py|pth)$/,
  /\.dist-info\/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json|uv_build\.json)$/,
  /\/site-packages\/(distutils-precedence\.pth|_distutils_hack|setuptools|pkg_resources)(\/|$|-)/,
];

/** Lays out the layers that an image has on top of `below`, and reads the environment in them. */
export async function unpack(at: Repository, image: Held, below: Held, folder: string): Promise<Unpacked> {
  mkdirSync(folder, { recursive: true });
  const held = new Set(below.layers.map(({ digest }) => digest));
  for (const { digest, mediaType } of image.layers) {
    if (held.has(digest)) continue;
    const answer = await fetch(`http://${at.registry}/v2/${at.repository}/blobs/${digest}`);
    if (!answer.ok || answer.body === null) throw new Error(`${digest}: HTTP ${answer.status}`);
    const tar = spawn('tar', ['--extract', '--file=-', '--directory', folder, '--no-same-owner'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const code = new Promise((resolve) => tar.on('close', resolve));
    const open = mediaType.endsWith('zstd') ? createZstdDecompress() : createGunzip();
    await pipeline(Readable.fromWeb(answer.body), open, tar.stdin);
    if ((await code) !== 0) throw new Error(`${digest} is no tar`);
  }
  const root = environmentIn(folder);
  if (root === null) throw new Error(`${at.repository}:${image.tag} has no environment`);
  const files = new Map<string, string>();
  for (const path of pathsBelow(root)) {
    const name = relative(root, path);
    if (!OWN.some((one) => one.test(name))) files.set(name, contentOf(path));
  }
  return { prefix: `/${relative(folder, root)}`, files };
}

/** Throws where two environments are not the same, with some of what differs. */
export function mustBeSame(what: string, ours: Unpacked, theirs: Unpacked): void {
  const all = new Set([...ours.files.keys(), ...theirs.files.keys()]);
  const different = [...all].filter((path) => ours.files.get(path) !== theirs.files.get(path)).toSorted();
  if (different.length === 0) return;
  const some = different.slice(0, 8).map((path) => {
    const side = !theirs.files.has(path) ? 'ours only' : !ours.files.has(path) ? 'theirs only' : 'differs';
    return `  ${path}: ${side}`;
  });
  throw new Error(`${what} holds other files (${different.length} of ${all.size}):\n${some.join('\n')}`);
}

function environmentIn(folder: string): string | null {
  for (const path of pathsBelow(folder)) if (path.endsWith('/pyvenv.cfg')) return path.slice(0, -'/pyvenv.cfg'.length);
  return null;
}

function contentOf(path: string): string {
  if (path.endsWith('.pyc')) return 'bytecode';
  if (lstatSync(path).isSymbolicLink()) return `→ ${readlinkSync(path)}`;
  const bytes = readFileSync(path);
  if (path.includes('/bin/') && bytes.subarray(0, 2).toString() === '#!') return 'script';
  return createHash('sha256').update(bytes).digest('hex');
}

function* pathsBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* pathsBelow(path);
    else yield path;
  }
}

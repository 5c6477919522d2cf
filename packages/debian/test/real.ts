// The mirror of this machine, the real downloader, and what layers come to in a folder.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, mkdir, readdir, readFile, readlink, lstat, rm } from 'node:fs/promises';
import { hash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDownloader, openCache } from '@rebake/cache';
import type { DebianMirror, LockedDeb } from '@rebake/image';
import type { Layer } from '@rebake/layers';
import { machineMirror, resolveDebian, type Means } from '../src/index.ts';

export const run = promisify(execFile);

export interface Real {
  readonly folder: string;
  readonly means: Means;
  readonly mirror: DebianMirror;
  close(): Promise<void>;
}

export async function real(): Promise<Real> {
  const folder = await mkdtemp(join(tmpdir(), 'rebake-debian-engine-'));
  const { env } = process;
  const mirror = await machineMirror(env);
  if (mirror === null) throw new Error('apt of this machine knows no mirror of Debian');
  const cache = openCache(join(folder, 'cache'));
  const download = createDownloader(cache, { env, ca: null, login: async () => Promise.resolve(null) });
  const means = { cache, download, env, signal: new AbortController().signal, log: () => undefined };
  return {
    folder,
    means,
    mirror,
    async close() {
      await download.close();
      await cache.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const SUITE = 'bookworm';

export async function lockOf(
  on: Real,
  packages: readonly string[],
  installed: readonly LockedDeb[] | null = null,
): Promise<readonly LockedDeb[]> {
  const wish = { suite: SUITE, architecture: 'amd64', packages, installed } as const;
  const result = await resolveDebian(wish, on.mirror, on.means);
  if (!result.ok) throw new Error(result.words);
  return result.packages;
}

/** Layers unpacked by tar, one over the other, with their owners. */
export async function unpack(on: Real, layers: readonly Layer[], name: string): Promise<string> {
  const root = join(on.folder, name);
  await mkdir(root);
  for (const { digest } of layers) {
    await run('tar', ['-C', root, '--same-owner', '--numeric-owner', '-xzpf', on.means.cache.path(digest)]);
  }
  return root;
}

/** What is at each path below a folder: kind, mode, owner, and a digest of the content or the target of a link. */
export async function listing(root: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  async function walk(folder: string): Promise<void> {
    for (const name of await readdir(join(root, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const full = join(root, path);
      const stat = await lstat(full);
      const owner = `${stat.uid}:${stat.gid}`;
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isSymbolicLink()) found.set(path, `link ${owner} ${await readlink(full)}`);
      else if (stat.isDirectory()) {
        found.set(path, `folder ${mode} ${owner}`);
        await walk(path);
      } else if (stat.isFile()) found.set(path, `file ${mode} ${owner} ${hash('sha256', await readFile(full), 'hex')}`);
      else found.set(path, `other ${mode} ${owner}`);
    }
  }
  await walk('');
  return found;
}

/** A command with bytes on its standard input; its standard output. */
export async function pipeInto(
  source: readonly string[],
  target: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const [from = '', ...fromArgs] = source;
  const [to = '', ...toArgs] = target;
  const left = spawn(from, fromArgs, { stdio: ['ignore', 'pipe', 'inherit'] });
  const right = spawn(to, toArgs, { stdio: ['pipe', 'pipe', 'inherit'], env });
  left.stdout.pipe(right.stdin);
  const parts: Buffer[] = [];
  for await (const part of right.stdout) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8').trim();
}

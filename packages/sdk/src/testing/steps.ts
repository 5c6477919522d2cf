/** Steps and file sets as behaviours write them. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { digestOfBytes, digestFile } from '@rebake/image';
import type { Digest, FileSet, Step } from '@rebake/image';
import { packTar } from 'modern-tar';

/** No files. */
export const NO_FILES: FileSet = { root: '/', files: [] };

/** A file that a behaviour writes: its text, or with whether it can be run. */
export type Content = string | { readonly text: string; readonly exec: true };

/** Writes files below `root` and names them as a set. */
export function fileSet(root: string, contents: Readonly<Record<string, Content>>): FileSet {
  const files = Object.entries(contents).map(([path, content]) => {
    const { text, exec } = typeof content === 'string' ? { text: content, exec: false } : content;
    const absolute = join(root, path);
    mkdirSync(dirname(absolute), { recursive: true });
    writeFileSync(absolute, text);
    chmodSync(absolute, exec ? 0o755 : 0o644);
    return { path, digest: digestOfBytes(text), exec };
  });
  return { root, files };
}

/** A root file system from a tar. */
export function rootfs(path: string, digest: Digest): Step {
  return { step: 'rootfs', files: { root: dirname(path), files: [{ path: basename(path), digest, exec: false }] } };
}

/** A root file system of a few texts; its tar is written to `folder`. */
export async function tinyRootfs(folder: string, contents: Readonly<Record<string, string>>): Promise<Step> {
  const path = join(folder, 'rootfs.tar');
  const entries = Object.entries(contents).map(([name, body]) => ({
    header: { name, size: Buffer.byteLength(body), mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) },
    body,
  }));
  writeFileSync(path, await packTar(entries));
  return rootfs(path, await digestFile(path));
}

/** Puts files below `to`. */
export function copy(files: FileSet, to: string, owner = '0:0'): Step {
  return { step: 'copy', files, to, owner };
}

/** Runs a command. */
export function run(
  argv: readonly string[],
  more: Partial<Pick<Extract<Step, { step: 'run' }>, 'files' | 'mount' | 'workdir' | 'env'>> = {},
): Step {
  return { step: 'run', files: NO_FILES, mount: '/mnt/conformance', workdir: '/', argv, env: {}, ...more };
}

/** Runs a shell script; the arguments are its `$1` and so on. */
export function shell(script: string, ...args: readonly string[]): Step {
  return run(['/bin/sh', '-euc', script, 'sh', ...args]);
}

/** A user's instructions. */
export function fragment(text: string, files: FileSet = NO_FILES): Step {
  return { step: 'fragment', place: 'atEnd', text, files };
}

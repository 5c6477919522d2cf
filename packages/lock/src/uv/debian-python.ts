/** A Python of Debian packages, for machines that have none: unpacked, and run by Debian's own loader. */
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extractDebs, machineMirror, resolveDebian } from '@rebake/debian';
import { BuildFailure, type DebianMirror } from '@rebake/image';
import type { LockMeans } from '../types.ts';

/** Suites with a Python, in the order in which they are tried: a mirror drops old ones. */
const SUITES = [
  { suite: 'bookworm', version: '3.11' },
  { suite: 'trixie', version: '3.13' },
] as const;
/** Node's name of a machine → Debian's, that of its libraries, and its loader. */
const MACHINES = {
  x64: { architecture: 'amd64', triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { architecture: 'arm64', triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
} as const;

type Means = Pick<LockMeans, 'cache' | 'download' | 'env' | 'signal' | 'log' | 'mirror'>;

/**
 * Folder for PATH with a `python3` that runs on this machine without being installed, below `folder`; null: there is no mirror that has one.
 */
export async function debianPython(means: Means, folder: string): Promise<string | null> {
  const machine = process.arch === 'x64' || process.arch === 'arm64' ? MACHINES[process.arch] : null;
  const mirror = means.mirror ?? (await machineMirror(means.env));
  if (process.platform !== 'linux' || machine === null || mirror === null) return null;
  for (const { suite, version } of SUITES) {
    try {
      const root = join(folder, suite);
      await unpack(suite, version, { machine, mirror, root }, means);
      return await launcher(root, version, machine);
    } catch (error) {
      if (!(error instanceof BuildFailure) || means.signal.aborted) throw error;
      means.log(`no Python from Debian ${suite}: ${error.error.words}`);
    }
  }
  return null;
}

async function unpack(
  suite: string,
  version: string,
  place: {
    readonly machine: (typeof MACHINES)[keyof typeof MACHINES];
    readonly mirror: DebianMirror;
    readonly root: string;
  },
  means: Means,
): Promise<void> {
  const packages = [`python${version}-minimal`, `libpython${version}-stdlib`];
  const { architecture } = place.machine;
  const resolved = await resolveDebian({ suite, architecture, packages, installed: [] }, place.mirror, means);
  if (!resolved.ok) throw new BuildFailure({ code: 'DEBIAN_UNRESOLVABLE', retry: 'never', words: resolved.words });
  means.log(`fetching Python ${version} from Debian ${suite}`);
  await mkdir(place.root, { recursive: true });
  await extractDebs(resolved.packages, place.mirror, place.root, means);
}

/** A script that starts it: its libraries are Debian's too, whatever the machine has. */
async function launcher(
  root: string,
  version: string,
  { triplet, loader }: (typeof MACHINES)[keyof typeof MACHINES],
): Promise<string> {
  const libraries = ['lib', 'usr/lib'].map((folder) => join(root, folder, triplet));
  const [own = ''] = (
    await Promise.all(
      libraries.map(async (folder) =>
        (await readdir(folder).catch((): string[] => [])).includes(loader) ? [folder] : [],
      ),
    )
  ).flat();
  const start = join(root, 'usr', 'bin', 'rebake-python');
  const python = quoted(join(root, 'usr', 'bin', `python${version}`));
  const load = `${quoted(join(own, loader))} --library-path ${quoted(libraries.join(':'))}`;
  // Python looks for its library upwards from the name that it was started by, which in an environment is a link to this.
  await script(start, `exec ${load} --argv0 "$0" ${python} "$@"`);
  const onPath = join(root, 'on-path');
  await mkdir(onPath);
  await script(join(onPath, 'python3'), `exec ${quoted(start)} "$@"`);
  return onPath;
}

async function script(path: string, line: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${line}\n`);
  await chmod(path, 0o755);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

// Jobs for any builder: the engines' root file system, and on it an image of the shape of a code env whose every step comes out of the cache.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { digestOf, digestOfBytes, type Digest, type FileSet, type Output, type Step } from '@rebake/image';
import type { Job } from '@rebake/sdk';

/** Files of the child's context, as many as a small kit has. */
const FILES = 40;
const FILE_BYTES = 4_096;

/** What the jobs of one run have in common. */
export interface JobsOptions {
  /** Tells this run's images from those of every other. */
  readonly mark: string;
  readonly rootfs: { readonly path: string; readonly digest: string };
  /** Where the files of the context are made. */
  readonly folder: string;
}

/** Jobs of one run. */
export interface CachedJobs {
  readonly base: Job;
  /** The same image in each round, under a key of its own: that is what a build which turns out to be all cache is in an apply. */
  child(parent: Output, round: number): Job;
}

/** Makes the files and the jobs. */
export function cachedJobs({ mark, rootfs, folder }: JobsOptions): CachedJobs {
  const files = kit(folder, mark);
  const steps: readonly Step[] = [
    run(`mkdir -p /opt/bench && echo ${mark} > /opt/bench/mark`),
    { step: 'copy', files, to: '/opt/bench/kit', owner: 'root:root' },
    run('cat /opt/bench/kit/file-00 > /opt/bench/first'),
    run('ls /opt/bench/kit > /opt/bench/list'),
  ];
  const file = { path: basename(rootfs.path), digest: rootfs.digest as Digest, exec: false };
  const root: Step = { step: 'rootfs', files: { root: dirname(rootfs.path), files: [file] } };
  return {
    base: job(mark, 'base', null, [root]),
    child: (parent, round) => job(mark, `child-${round}`, parent, steps),
  };
}

/** A job of a run. */
export function job(mark: string, name: string, parent: Output | null, steps: readonly Step[]): Job {
  return {
    key: digestOf(['bench', mark, name]),
    series: `bench-${mark}-${name}`,
    spec: { steps, env: { BENCH: mark }, workdir: '/opt' },
    platform: 'linux/amd64',
    parent,
    froms: {},
    // The engines of the tests have no network but the host's.
    access: { secrets: {}, network: 'host' },
  };
}

/** One instruction that mounts nothing: Podman never takes one that does from its cache. */
function run(command: string): Step {
  return { step: 'fragment', place: 'atEnd', text: `RUN ${command}`, files: { root: '/', files: [] } };
}

function kit(folder: string, mark: string): FileSet {
  mkdirSync(folder, { recursive: true });
  const files = Array.from({ length: FILES }, (_, index) => {
    const path = `file-${String(index).padStart(2, '0')}`;
    const bytes = Buffer.alloc(FILE_BYTES, `${mark} ${index}\n`);
    writeFileSync(join(folder, path), bytes);
    return { path, digest: digestOfBytes(bytes), exec: false };
  });
  return { root: folder, files };
}

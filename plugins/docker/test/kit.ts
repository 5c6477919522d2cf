/** What the engine tests share: a context as the kernel gives it, jobs over a real base, and a direct line to the engine. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { candidateTag, digestOf, digestOfBytes } from '@rebake/image';
import type { Credentials, Digest, FileEntry, FileSet, ImageSpec, Output, Step } from '@rebake/image';
import type { BuildAccess, Builder, Ctx, Job, Progress } from '@rebake/sdk';
import type { EnginesState } from '@rebake/tool-engines';
import Dockerode from 'dockerode';
import { afterAll, beforeAll } from 'vitest';
import { plugin } from '../src/index.ts';

/** A builder over the engine of the tests, as the plugin makes it. */
export function dockerBuilder(options: { readonly host: string; readonly tls?: object }): Builder {
  return plugin.builders['docker']!.create(options as never, { dir: tmpdir(), env: process.env });
}

/** What a test sets of a context; the rest is as for a user without logins and secrets. */
export interface CtxOptions {
  readonly signal?: AbortSignal;
  readonly credentials?: Readonly<Record<string, Credentials>>;
  readonly onProgress?: (progress: Progress) => void;
}

/** A context, and all that is emitted through it. */
export function ctxOf({ signal, credentials = {}, onProgress }: CtxOptions = {}): Ctx & { readonly seen: Progress[] } {
  const seen: Progress[] = [];
  return {
    seen,
    signal: signal ?? new AbortController().signal,
    scratch: tmpdir(),
    emit(progress) {
      seen.push(progress);
      onProgress?.(progress);
    },
    secret: async (ref) => ('file' in ref ? readFileSync(ref.file) : null),
    credentials: async (host) => credentials[host] ?? null,
    registry: (host) => ({ host }),
    now: () => 0,
  };
}

/** Lines that a build printed. */
export function logOf(seen: readonly Progress[]): string[] {
  return seen.flatMap((progress) => (progress.type === 'log' ? [progress.text] : []));
}

/** A key of its own for every name and run, so that nothing is found from before. */
const run = crypto.randomUUID();

/** The key of a name, in this run. */
export function keyOf(name: string): Digest {
  return digestOf(['test', run, name]);
}

/** The only network that the engine of the tests has. */
export const ACCESS: BuildAccess = { secrets: {}, network: 'host' };

/** A job that puts steps on a parent. */
export function jobOf(
  name: string,
  parent: Output | null,
  steps: readonly Step[],
  more: { readonly spec?: Partial<ImageSpec>; readonly access?: Partial<BuildAccess> } = {},
): Job {
  return {
    key: keyOf(name),
    series: `test-${name}`.replaceAll(/[^A-Za-z0-9-]/g, '-'),
    // The engine remembers the steps of earlier runs, and would not run them again.
    spec: { steps, env: {}, ...(parent ? { buildEnv: { TEST_RUN: run } } : {}), ...more.spec },
    platform: 'linux/amd64',
    parent,
    froms: {},
    access: { ...ACCESS, ...more.access },
  };
}

/** The base of all tests: the root file system that the engines come with. */
export function baseJob(state: EnginesState, name = 'base'): Job {
  const { path, digest } = state.rootfs;
  const files = [{ path: basename(path), digest: digest as Digest, exec: false }];
  return jobOf(name, null, [{ step: 'rootfs', files: { root: dirname(path), files } }]);
}

/** Instructions as they are. */
export function fragment(text: string, files: FileSet = { root: '/', files: [] }): Step {
  return { step: 'fragment', place: 'atEnd', text, files };
}

/** A folder that is gone after the test file. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'rebake-docker-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Builds on the real base, for one test file: set up and taken down with it. */
export function realBuilds(state: EnginesState) {
  const builder = dockerBuilder({ host: state.docker.host });
  const folder = temporaryFolder();
  const names = new Set<string>();
  let base: Output | undefined;

  async function run(job: Job): Promise<{ output: Output; seen: readonly Progress[]; log: string[] }> {
    const ctx = ctxOf();
    names.add(`rebake/candidate:${candidateTag(job.key)}`);
    const output = await builder.build(job, ctx);
    return { output, seen: ctx.seen, log: logOf(ctx.seen) };
  }

  beforeAll(async () => {
    base = (await run(baseJob(state))).output;
  });

  afterAll(async () => {
    await removeAll(state, names);
    folder.remove();
    await builder.close();
  });

  return {
    builder,
    docker: rawEngine(state),
    folder: folder.path,
    run,
    /** Made before the first test. */
    base: () => base!,
    /** Builds steps on a parent. */
    build: (...args: Parameters<typeof jobOf>) => run(jobOf(...args)),
  };
}

/** A file as a set names it. */
export function entryOf(root: string, path: string, exec = false): FileEntry {
  return { path, digest: digestOfBytes(readFileSync(join(root, path))), exec };
}

/** The engine's API without any of our code. */
export function rawEngine(state: EnginesState): Dockerode {
  return new Dockerode({ socketPath: state.docker.socket, host: '' });
}

/** Removes what the keys of this run named. */
export async function removeAll(state: EnginesState, names: Iterable<string>): Promise<void> {
  const docker = rawEngine(state);
  for (const name of names)
    await docker
      .getImage(name)
      .remove({ force: true })
      .catch(() => undefined);
}

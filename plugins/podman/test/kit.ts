/** What the engine tests share: a context as the kernel gives it, jobs over a real base, and a direct line to Podman. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { candidateTag, digestOf, digestOfBytes } from '@rebake/image';
import type { Credentials, Digest, FileEntry, FileSet, ImageSpec, Output, Step } from '@rebake/image';
import type { BuildAccess, Builder, Ctx, Job, Progress } from '@rebake/sdk';
import type { EnginesState } from '@rebake/tool-engines';
import { afterAll, beforeAll } from 'vitest';
import { plugin } from '../src/index.ts';
import type { PodmanOptions } from '../src/index.ts';

/** A builder as the plugin makes it. */
export function podmanBuilder(options: PodmanOptions, env: NodeJS.ProcessEnv = process.env, dir = tmpdir()): Builder {
  return plugin.builders['podman']!.create(options as never, { dir, env });
}

/** What a test sets of a context; the rest is as for a user without logins and secrets. */
export interface CtxOptions {
  readonly signal?: AbortSignal;
  readonly credentials?: Readonly<Record<string, Credentials>>;
  /** PEM files of authorities, by host. */
  readonly ca?: Readonly<Record<string, string>>;
  readonly onProgress?: (progress: Progress) => void;
}

/** A context, and all that is emitted through it. */
export function ctxOf({ signal, credentials = {}, ca = {}, onProgress }: CtxOptions = {}): Ctx & {
  readonly seen: Progress[];
} {
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
    registry: (host) => ({ host, ...(ca[host] === undefined ? {} : { ca: ca[host] }) }),
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

/** Name under which the image of a key is kept. */
export function nameOf(name: string): string {
  return `rebake/candidate:${candidateTag(keyOf(name))}`;
}

/** The network in which the engines of the tests reach the package index. */
export const ACCESS: BuildAccess = { secrets: {}, network: 'host' };

/** A job that puts steps on a parent. */
export function jobOf(
  name: string,
  parent: Output | null,
  steps: readonly Step[],
  more: {
    readonly spec?: Partial<ImageSpec>;
    readonly access?: Partial<BuildAccess>;
    readonly froms?: Job['froms'];
  } = {},
): Job {
  return {
    key: keyOf(name),
    series: `test-${name}`.replaceAll(/[^A-Za-z0-9-]/g, '-'),
    // Podman remembers the steps of earlier runs, and would not run them again.
    spec: { steps, env: {}, ...(parent ? { buildEnv: { TEST_RUN: run } } : {}), ...more.spec },
    platform: 'linux/amd64',
    parent,
    froms: more.froms ?? {},
    access: { ...ACCESS, ...more.access },
  };
}

/** The base of all tests: the root file system that the engines come with. */
export function baseJob(state: EnginesState, name = 'base'): Job {
  const { path, digest } = state.rootfs;
  const files = [{ path: basename(path), digest: digest as Digest, exec: false }];
  return jobOf(name, null, [{ step: 'rootfs', files: { root: dirname(path), files } }]);
}

/** A base of one small file, for tests in which nothing runs. Its tar is made in `folder`. */
export function smallBaseJob(folder: string, name: string): Job {
  writeFileSync(join(folder, 'hello'), 'hello\n');
  execFileSync('tar', ['--create', '--file', 'small.tar', '--mtime=@0', '--owner=0', '--group=0', 'hello'], {
    cwd: folder,
  });
  return jobOf(name, null, [{ step: 'rootfs', files: { root: folder, files: [entryOf(folder, 'small.tar')] } }]);
}

/** Instructions as they are. */
export function fragment(text: string, files: FileSet = { root: '/', files: [] }): Step {
  return { step: 'fragment', place: 'atEnd', text, files };
}

/** A file as a set names it. */
export function entryOf(root: string, path: string, exec = false): FileEntry {
  return { path, digest: digestOfBytes(readFileSync(join(root, path))), exec };
}

/** A folder that is gone after the test file. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'rebake-podman-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What Podman says about an image. */
export interface Inspected {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly ManifestType: string;
  readonly RootFS: { readonly Layers: readonly string[] };
  readonly Config: Readonly<Record<string, unknown>>;
  readonly History: readonly unknown[];
}

/** Podman without any of our code. */
export function rawPodman(socketPath: string) {
  async function ask(method: string, path: string): Promise<IncomingMessage> {
    const asked = request({ socketPath, method, path: `/v4.0.0/libpod${path}`, agent: false });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return answer;
  }
  async function json<T>(path: string): Promise<T | null> {
    const answer = await ask('GET', path);
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += chunk as string;
    return answer.statusCode === 200 ? (JSON.parse(text) as T) : null;
  }
  const encoded = (name: string) => encodeURIComponent(name.replace(/^sha256:/, ''));
  return {
    image: (name: string) => json<Inspected>(`/images/${encoded(name)}/json`),
    /** All bytes of an image, layers not compressed. */
    async *save(id: string): AsyncGenerator<Buffer> {
      yield* (await ask('GET', `/images/${encoded(id)}/get?format=docker-archive`)) as AsyncIterable<Buffer>;
    },
    async remove(name: string): Promise<void> {
      (await ask('DELETE', `/images/${encoded(name)}?force=true`)).resume();
    },
    /** All names of images. */
    async names(): Promise<string[]> {
      const all = (await json<{ Names?: string[]; RepoDigests?: string[] }[]>('/images/json')) ?? [];
      return all.flatMap(({ Names = [], RepoDigests = [] }) => [...(Names ?? []), ...(RepoDigests ?? [])]);
    },
    /** All containers, also those that builds work in. */
    async containers(): Promise<string[]> {
      const all = (await json<{ Id: string; Names: string[] }[]>('/containers/json?all=true&external=true')) ?? [];
      return all.map(({ Id, Names }) => `${Names[0] ?? ''} ${Id.slice(0, 12)}`);
    },
  };
}

/** Builds on the real base, for one test file: set up and taken down with it. */
export function realBuilds(state: EnginesState, engine: { readonly host: string; readonly socket: string }) {
  const builder = podmanBuilder({ host: engine.host });
  const podman = rawPodman(engine.socket);
  const folder = temporaryFolder();
  const names = new Set<string>();
  let base: Output | undefined;

  async function run(job: Job): Promise<{ output: Output; seen: readonly Progress[]; log: string[] }> {
    const ctx = ctxOf();
    names.add(`localhost/rebake/candidate:${candidateTag(job.key)}`);
    const output = await builder.build(job, ctx);
    return { output, seen: ctx.seen, log: logOf(ctx.seen) };
  }

  beforeAll(async () => {
    base = (await run(baseJob(state))).output;
  });

  afterAll(async () => {
    for (const name of [...names].toReversed()) await podman.remove(name);
    folder.remove();
    await builder.close();
  });

  return {
    builder,
    podman,
    folder: folder.path,
    run,
    /** Made before the first test. */
    base: () => base!,
    /** Builds steps on a parent. */
    build: (...args: Parameters<typeof jobOf>) => run(jobOf(...args)),
  };
}

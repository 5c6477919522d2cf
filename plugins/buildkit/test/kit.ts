/** What the engine tests share: a builder and a context as the kernel gives them, jobs over a real base, registries read without our builder. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createRegistryClient, digestOf, digestOfBytes } from '@rebake/image';
import type {
  Credentials,
  Digest,
  FileSet,
  ImageSpec,
  Output,
  RegistryAccess,
  RegistryClient,
  Step,
} from '@rebake/image';
import type { BuildAccess, Builder, Ctx, Job, Progress } from '@rebake/sdk';
import type { EnginesState, RegistryName } from '@rebake/tool-engines';
import { afterAll } from 'vitest';
import { plugin } from '../src/index.ts';
import type { BuildkitOptions } from '../src/index.ts';

/** A builder as the plugin makes it, from what a declaration says. */
export async function buildkitBuilder(options: BuildkitOptions, dir: string): Promise<Builder> {
  const kind = plugin.builders['buildkit']!;
  const checked = await kind.options['~standard'].validate(options);
  if (checked.issues) throw new Error(JSON.stringify(checked.issues));
  return kind.create(checked.value, { dir, env: process.env });
}

/** What a test sets of a context. */
export interface CtxOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export type TestCtx = Ctx & { readonly seen: Progress[] };

/** A context that knows the registries of the tests, and all that is emitted through it. */
export function ctxFor(state: EnginesState, extra: Readonly<Record<string, RegistryAccess>> = {}) {
  const { credentials, registry } = accessOf(state, extra);
  return ({ signal, onProgress }: CtxOptions = {}): TestCtx => {
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
      credentials,
      registry,
      now: () => 0,
    };
  };
}

function accessOf(state: EnginesState, extra: Readonly<Record<string, RegistryAccess>>) {
  const { auth, tls, token } = state.registries;
  const logins = new Map<string, Credentials>([auth, tls, token].map((one) => [one.address, one]));
  return {
    credentials: async (host: string): Promise<Credentials | null> => logins.get(host) ?? null,
    registry: (host: string): RegistryAccess => extra[host] ?? (host === tls.address ? { host, ca: tls.ca } : { host }),
  };
}

/** A client of the registries of the tests; closed with the test file. */
export function registryClient(
  state: EnginesState,
  extra: Readonly<Record<string, RegistryAccess>> = {},
): RegistryClient {
  const { credentials, registry } = accessOf(state, extra);
  const client = createRegistryClient({ access: registry, credentials });
  afterAll(() => client.close());
  return client;
}

/** Lines that a build printed. */
export function logOf(seen: readonly Progress[]): string[] {
  return seen.flatMap((progress) => (progress.type === 'log' ? [progress.text] : []));
}

/** Differs from run to run, so that nothing is found from before. */
export const run = crypto.randomUUID();

/** The key of a name, in this run. */
export function keyOf(name: string): Digest {
  return digestOf(['test', run, name]);
}

/** A repository of a registry that no other run uses. */
export function repositoryOf(state: EnginesState, registry: RegistryName, name: string): string {
  return `${state.registries[registry].address}/buildkit-${run}/${name}`;
}

/** Takes `host/path` apart. */
export function placeOf(text: string): { registry: string; repository: string } {
  const slash = text.indexOf('/');
  return { registry: text.slice(0, slash), repository: text.slice(slash + 1) };
}

/** The only network that reaches anything here. */
export const ACCESS: BuildAccess = { secrets: {}, network: 'host' };

/** A job that puts steps on a parent. */
export function jobOf(
  name: string,
  parent: Output | null,
  steps: readonly Step[],
  more: { readonly spec?: Partial<ImageSpec>; readonly access?: Partial<BuildAccess>; readonly key?: Digest } = {},
): Job {
  return {
    key: more.key ?? keyOf(name),
    series: `test-${name}-${run}`.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 100),
    spec: { steps, env: {}, ...more.spec },
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

const TINY = [
  'bin',
  'etc/group',
  'etc/passwd',
  'lib',
  'lib64',
  'sbin',
  'usr/lib64/ld-linux-x86-64.so.2',
  ...['cat', 'dash', 'date', 'dd', 'mkdir', 'rm', 'sh', 'sleep', 'stat', 'touch'].map((name) => `usr/bin/${name}`),
  ...['ld-linux-x86-64.so.2', 'libc.so.6', 'libselinux.so.1', 'libpcre2-8.so.0', 'libpcre2-8.so.0.11.2'].map(
    (name) => `usr/lib/x86_64-linux-gnu/${name}`,
  ),
];

/** A base of a shell and a few commands: built and sent in no time. `folder` is where its tar is made. */
export function tinyJob(state: EnginesState, folder: string, name = 'tiny'): Job {
  const files = join(folder, 'tiny');
  if (!existsSync(join(folder, 'tiny.tar'))) {
    mkdirSync(files);
    const members = TINY.map((member) => `./${member}`);
    execFileSync('tar', ['--extract', '--file', state.rootfs.path, '--directory', files, ...members]);
    mkdirSync(join(files, 'tmp'));
    const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@1000000000'];
    execFileSync('tar', ['--create', '--file', join(folder, 'tiny.tar'), ...same, '--directory', files, '.']);
  }
  const digest = digestOfBytes(readFileSync(join(folder, 'tiny.tar')));
  const entries = [{ path: 'tiny.tar', digest, exec: false }];
  return jobOf(name, null, [{ step: 'rootfs', files: { root: folder, files: entries } }]);
}

/** Instructions as they are. */
export function fragment(text: string, files: FileSet = { root: '/', files: [] }): Step {
  return { step: 'fragment', place: 'atEnd', text, files };
}

/** A RUN that no daemon remembers from an earlier run. */
export function once(command: string): Step {
  return fragment(`RUN : ${run} && ${command}`);
}

/** A folder that is gone after the test file. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rebake-buildkit-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

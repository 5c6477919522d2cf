/** What the engine tests share: connections that count, builds of small Dockerfiles, and what came of them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { digestOf, digestOfBytes } from '@rebake/image';
import type { ContextFile, Digest } from '@rebake/image';
import type { Progress } from '@rebake/sdk';
import type { EnginesState } from '@rebake/tool-engines';
import { afterAll, beforeAll } from 'vitest';
import { BuildProgress, createDaemon, runBuild } from '../src/index.ts';
import type { BuildRequest, Connect, Daemon, Offer, Outputs } from '../src/index.ts';
import type { Every } from '../src/heartbeat.ts';

/** Of a test that aborts nothing. */
export const never: AbortSignal = new AbortController().signal;

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Connects to `unix://PATH` or `tcp://HOST:PORT`; keeps the sockets, so that their bytes can be counted. */
export function connector(address: string, tls?: TlsFiles): Connect & { readonly sockets: Socket[] } {
  const { protocol, hostname, port, pathname } = new URL(address);
  const at = protocol === 'unix:' ? { path: pathname } : { host: hostname, port: Number(port) };
  const sockets: Socket[] = [];
  const connect = async () => {
    const pem = Object.entries(tls ?? {}).map(([name, file]) => [name, readFileSync(file as string)] as const);
    const socket = tls
      ? connectTls({ ...at, ALPNProtocols: ['h2'], ...Object.fromEntries(pem) })
      : createConnection(at);
    sockets.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    return socket;
  };
  return Object.assign(connect, { sockets });
}

/** A daemon for one test file, closed after it. */
export function daemonAt(address: string, options: { readonly every?: Every; readonly tls?: TlsFiles } = {}) {
  const connect = connector(address, options.tls);
  const daemon = createDaemon(connect, options);
  afterAll(() => daemon.close());
  const sent = () => connect.sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0);
  return { daemon, sent, sockets: connect.sockets };
}

/** A file of a context. */
export function textFile(path: string, text: string, exec = false): ContextFile {
  return { path, text, digest: digestOfBytes(text), exec };
}

/** Of this run: nothing is found from an earlier one. */
export const RUN = crypto.randomUUID();

/** What a test says about its build; the rest is as for a build of nothing but its Dockerfile. */
export interface Wanted {
  readonly dockerfile: string;
  readonly dockerignore?: string;
  readonly files?: readonly ContextFile[];
  readonly attributes?: Readonly<Record<string, string>>;
  /** Default: nothing comes of it. */
  readonly outputs?: Outputs;
  readonly request?: Pick<BuildRequest, 'ref' | 'cacheImports' | 'cacheExports'>;
  readonly offer?: Partial<Offer>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** What a session offers for a Dockerfile and the files around it. */
export function offerFor({ dockerfile, dockerignore, files = [], offer }: Wanted): Offer {
  const texts = [textFile('Dockerfile', dockerfile)];
  if (dockerignore !== undefined) texts.push(textFile('Dockerfile.dockerignore', dockerignore));
  return {
    locals: {
      context: { files, isShared: true, modified: () => 315_619_200 },
      dockerfile: {
        files: texts,
        modified: ({ digest }) => Number.parseInt(digest.slice('sha256:'.length, 'sha256:'.length + 8), 16),
      },
    },
    sharedKey: digestOf(files.map(({ path, digest, exec }) => [path, digest, exec])),
    secret: async () => null,
    credentials: async () => null,
    ...offer,
  };
}

/** Builds in the host's network; the lines that it printed, and what the exporters answered. */
export async function build(daemon: Daemon, wanted: Wanted) {
  const seen: Progress[] = [];
  const progress = new BuildProgress((one) => {
    seen.push(one);
    wanted.onProgress?.(one);
  });
  const request: BuildRequest = {
    frontend: 'dockerfile.v0',
    attributes: { filename: 'Dockerfile', 'force-network-mode': 'host', ...wanted.attributes },
    entitlements: ['network.host'],
    ...wanted.request,
    ...(wanted.outputs ?? { exporters: [] }),
  };
  const run = { build: request, offer: offerFor(wanted), progress, host: 'the daemon' };
  const answer = await runBuild(daemon, run, wanted.signal ?? never);
  const log = seen.flatMap((one) => (one.type === 'log' ? [one.text] : []));
  return { answer, log, seen };
}

/** The digest of the manifest or index in an exporter's answer. */
export function manifestOf(answer: Readonly<Record<string, string>>): Digest {
  return answer['containerimage.digest'] as Digest;
}

/** The base of tests that run something: the root file system that the engines come with, as files of a context. */
export function baseFiles(state: EnginesState): readonly ContextFile[] {
  return [{ path: 'rootfs.tar', source: state.rootfs.path, digest: state.rootfs.digest as Digest, exec: false }];
}

/** A Dockerfile on that base. */
export const onBase = (...lines: readonly string[]): string =>
  ['FROM scratch', 'ADD rootfs.tar /', ...lines, ''].join('\n');

/** A shell of this machine with the libraries that it needs, for steps on nothing else: much smaller than the base. */
export function shellFiles(): readonly ContextFile[] {
  const libraries = execFileSync('ldd', ['/bin/sh'], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
  return ['/bin/sh', ...Array.from(libraries, ([, path]) => path!)].map((source) => ({
    path: `shell${source}`,
    source,
    digest: digestOfBytes(readFileSync(source)),
    exec: true,
  }));
}

/** A Dockerfile on that shell. */
export const onShell = (...lines: readonly string[]): string =>
  ['FROM scratch', 'COPY shell/ /', ...lines, ''].join('\n');

/** A folder for the tests of one block, made before the first and gone after the last. */
export function temporaryFolder(): { readonly path: string } {
  let path = '';
  beforeAll(() => {
    path = mkdtempSync(join(tmpdir(), 'rebake-buildkit-client-'));
  });
  afterAll(() => rmSync(path, { recursive: true }));
  return {
    get path() {
      return path;
    },
  };
}

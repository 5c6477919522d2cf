/** A small fleet on several BuildKit daemons: its declaration, the real command as its own process, and what the registry has been told. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Digest, Event } from '@rebake/sdk';
import type { Hosts } from '@rebake/tool-engines';

const ROOT = resolve(import.meta.dirname, '../../..');
const LAUNCHER = join(ROOT, 'packages/cli/src/launcher.ts');

/** Builds at once on each daemon. */
export const PARALLEL = 2;

/** Envs on each base; the second base stands on the first. */
const FLEET = { python: 5, second: 3 } as const;

/** Images of a fleet, bases included; each is published once. */
export const IMAGES = 2 + FLEET.python + FLEET.second;

/** A fleet of its own: nothing that another one has built or published is any use to it. */
export interface Fleet {
  /** Path in the registry below which all of its images are. */
  readonly path: string;
  /** Starts `rebake apply`. */
  apply(): Run;
  /** Exit code of `rebake plan --detailed-exitcode`, with what it printed. */
  plan(): Promise<Ended>;
}

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** An apply that goes on. */
export interface Run {
  /** All so far. */
  readonly events: readonly Event[];
  readonly ended: Promise<Ended>;
  /** Resolves when so many events have come of which this is true, and when no more will. */
  seen(isIt: (event: Event) => boolean, count?: number): Promise<void>;
  kill(): void;
}

/**
 * Declares a fleet below `dir`. What its steps make is different each time they run: were an image built twice, the two would not be the same, and
 * if both got a name, it would show.
 */
export function fleetOn(hosts: Hosts, rootfs: string, dir: string, name: string): Fleet {
  mkdirSync(dir, { recursive: true });
  copyFileSync(rootfs, join(dir, 'tiny.tar'));
  writeFileSync(join(dir, 'rebake.yaml'), declaration(hosts, name));
  const start = (...args: readonly string[]) =>
    spawn(process.execPath, ['--conditions=@rebake/source', LAUNCHER, ...args], {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const run = async (...args: readonly string[]): Promise<Ended> => {
    const child = start(...args);
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exitOf(child)]);
    return { code, out, err };
  };
  return {
    path: name,
    apply: () => follow(start('apply', '--auto-approve', '--json')),
    plan: () => run('plan', '--detailed-exitcode'),
  };
}

function declaration({ hosts, registry }: Hosts, name: string): string {
  const once = (seconds: number): string =>
    `"RUN : ${name} && head -c 16 /dev/urandom > /opt/dataiku/once && sleep ${seconds}"`;
  const common = 'language: python, interpreter: "3.11", corePackages: { install: false }';
  const envs = Object.entries(FLEET).flatMap(([base, count]) =>
    Array.from({ length: count }, (_, index) => {
      const seconds = 0.3 + 0.1 * index;
      return `  ${base}-${index}: { ${common}, fragments: { atEnd: ${once(seconds)} }, containerConfigs: [${base}] }`;
    }),
  );
  const endpoints = hosts.map(({ address }) => `{ address: "${address}", parallel: ${PARALLEL} }`);
  const lines = [
    'version: 1',
    'release: { version: 14.1.2 }',
    `registries: { hosts: { url: "${registry.address}/${name}", insecure: true } }`,
    'baseImages:',
    `  python: { type: container-exec, from: { rootfs: ./tiny.tar }, python: ["3.11"], fragments: { append: ${once(0.2)} } }`,
    `  second: { type: container-exec, from: { base: python }, fragments: { append: ${once(0.3)} } }`,
    'containerConfigs:',
    '  python: { engine: kubernetes, base: python, registry: hosts, repository: python }',
    '  second: { engine: kubernetes, base: second, registry: hosts, repository: second }',
    'codeEnvs:',
    ...envs,
    'builders:',
    '  default:',
    '    type: buildkit',
    `    options: { repository: "${registry.address}/${name}/candidates", endpoints: [${endpoints.join(', ')}] }`,
    'build: { network: host }',
  ];
  return `${lines.join('\n')}\n`;
}

type Child = ReturnType<typeof spawn>;

async function exitOf(child: Child): Promise<number | null> {
  return new Promise((done) => child.once('exit', (code) => done(code)));
}

function follow(child: Child): Run {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('a command without output');
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  let isOver = false;
  const read = async (): Promise<string> => {
    const lines: string[] = [];
    for await (const line of createInterface({ input: stdout })) {
      lines.push(line);
      events.push(JSON.parse(line) as Event);
      wake();
    }
    return lines.join('\n');
  };
  const end = async (): Promise<Ended> => {
    const [out, err, code] = await Promise.all([read(), text(stderr), exitOf(child)]);
    isOver = true;
    wake();
    return { code, out, err };
  };
  const when = (isSo: () => boolean): Promise<void> =>
    new Promise((done) => {
      const look = (): void => {
        if (!isOver && !isSo()) return;
        waiting.delete(look);
        done();
      };
      waiting.add(look);
      look();
    });
  return {
    events,
    ended: end(),
    seen: (isIt, count = 1) => when(() => events.filter(isIt).length >= count),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** Every manifest that a tag has ever led to, as the registry keeps them; without the tag there is none. `root` is that of the hosts. */
export function historyOf(root: string, repository: string, tag: string): readonly Digest[] {
  const index = join(tagsOf(root, repository), tag, 'index/sha256');
  return existsSync(index) ? readdirSync(index).map((hex): Digest => `sha256:${hex}`) : [];
}

/** All tags of a repository. */
export function tagsIn(root: string, repository: string): readonly string[] {
  const folder = tagsOf(root, repository);
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

function tagsOf(root: string, repository: string): string {
  return join(root, 'registry/docker/registry/v2/repositories', repository, '_manifests/tags');
}

/** The identity of what a reference leads to, asked without our own client. */
export async function identityOf({ registry }: Hosts, repository: string, reference: string): Promise<string> {
  const headers = { Accept: 'application/vnd.oci.image.manifest.v1+json' };
  const answer = await fetch(`${registry.url}/v2/${repository}/manifests/${reference}`, { headers });
  if (!answer.ok) return `HTTP ${answer.status}`;
  const { config } = (await answer.json()) as { readonly config: { readonly digest: string } };
  return config.digest;
}

/** Moves a tag to what another one leads to. */
export async function putTag({ registry }: Hosts, repository: string, from: string, to: string): Promise<void> {
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const url = `${registry.url}/v2/${repository}/manifests`;
  const body = await (await fetch(`${url}/${from}`, { headers: { Accept: type } })).text();
  const answer = await fetch(`${url}/${to}`, { method: 'PUT', headers: { 'Content-Type': type }, body });
  if (!answer.ok) throw new Error(`PUT ${to}: HTTP ${answer.status}`);
}

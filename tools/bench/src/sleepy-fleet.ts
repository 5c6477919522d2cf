// A fleet whose builds wait for known times instead of working: how long it takes is a matter of who builds what when, and not of the machine.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hosts } from '@rebake/tool-engines';

/** One image, by its name in the declaration. */
export interface Sleeper {
  readonly name: string;
  readonly kind: 'base' | 'env';
  /** Name of the base that it stands on. */
  readonly on: string | null;
  /** How long its step waits. */
  readonly ms: number;
}

/** Bases that stand on each other, and so many envs on each. */
const CHAIN = [
  { name: 'python', ms: 500, envs: 27 },
  { name: 'second', ms: 3_000, envs: 18 },
  { name: 'third', ms: 3_000, envs: 12 },
] as const;

/** 60 images: three bases in a chain, and 57 envs that take 4 to 8 seconds. */
export const FLEET: readonly Sleeper[] = fleet(
  (base) => base.ms,
  (_, index) => 4_000 + ((index * 5) % 9) * 500,
);

/** The same chain with one env on each base, all of which hardly wait: for what a build takes beside that. */
export const SAMPLE: readonly Sleeper[] = fleet(
  () => 200,
  () => 200,
  1,
);

function fleet(
  baseMs: (base: (typeof CHAIN)[number]) => number,
  envMs: (base: (typeof CHAIN)[number], index: number) => number,
  envs?: number,
): readonly Sleeper[] {
  return CHAIN.flatMap((base, at): Sleeper[] => [
    { name: base.name, kind: 'base', on: CHAIN[at - 1]?.name ?? null, ms: baseMs(base) },
    ...Array.from({ length: envs ?? base.envs }, (_, index): Sleeper => {
      const name = `${base.name}-${String(index).padStart(2, '0')}`;
      return { name, kind: 'env', on: base.name, ms: envMs(base, index) };
    }),
  ]);
}

/** Where a fleet is built. */
export interface SleepyOptions {
  readonly network: Hosts;
  /** Builds at once, on each host. */
  readonly parallel: number;
  /** A tar of {@link writeTinyRootfs}. */
  readonly rootfs: string;
  /** Path below which everything is, in the registry. */
  readonly path: string;
}

/** Declares a fleet below `dir`. Where `mark` is another one, every step runs anew. */
export function declareSleepy(dir: string, images: readonly Sleeper[], mark: string, options: SleepyOptions): void {
  const { network, parallel, rootfs, path } = options;
  mkdirSync(dir, { recursive: true });
  copyFileSync(rootfs, join(dir, 'tiny.tar'));
  const step = ({ name, ms }: Sleeper): string =>
    `"RUN echo ${mark} ${name} > /opt/dataiku/bench && sleep ${ms / 1_000}"`;
  const bases = images.filter(({ kind }) => kind === 'base');
  const root = 'from: { rootfs: ./tiny.tar }, python: ["3.11"]';
  const common = 'language: python, interpreter: "3.11", corePackages: { install: false }';
  const endpoints = network.hosts.map(({ address }) => `{ address: "${address}", parallel: ${parallel} }`);
  const repository = `${network.registry.address}/${path}`;
  const lines = [
    'version: 1',
    'release: { version: 14.1.2 }',
    `registries: { hosts: { url: "${repository}", insecure: true } }`,
    'baseImages:',
    ...bases.map((base) => {
      const from = base.on === null ? root : `from: { base: ${base.on} }`;
      return `  ${base.name}: { type: container-exec, ${from}, fragments: { append: ${step(base)} } }`;
    }),
    'containerConfigs:',
    ...bases.map(
      ({ name }) => `  ${name}: { engine: kubernetes, base: ${name}, registry: hosts, repository: ${name} }`,
    ),
    'codeEnvs:',
    ...images
      .filter(({ kind }) => kind === 'env')
      .map((env) => `  ${env.name}: { ${common}, fragments: { atEnd: ${step(env)} }, containerConfigs: [${env.on}] }`),
    'builders:',
    '  default:',
    '    type: buildkit',
    `    options: { repository: "${repository}/candidates", endpoints: [${endpoints.join(', ')}] }`,
    'build: { network: host }',
  ];
  writeFileSync(join(dir, 'rebake.yaml'), `${lines.join('\n')}\n`);
}

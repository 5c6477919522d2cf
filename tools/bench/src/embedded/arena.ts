// Both sides of the benchmarks of the embedded builder, set up alike: one base image, warm package caches, and nothing of the environment anywhere.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startBuildkitd, type Buildkitd, type EnginesState } from '@rebake/tool-engines';
import type { Tools } from '../bench.ts';
import { enginesFor } from '../engines.ts';
import { ended } from './commands.ts';
import { peersOf, type Peer } from './peers.ts';
import { createProject, type Env, type Project } from './project.ts';
import { bytesOnTop, copyTo, repositoryAt, type Held, type Repository } from './repository.ts';

export const REQUIREMENTS = ['pandas', 'scikit-learn', 'flask'];

/** One way to make an image, whose repository holds whatever was made last. */
export interface Contender {
  readonly what: string;
  readonly repository: Repository;
  readonly base: Held;
}

export interface Arena extends AsyncDisposable {
  readonly state: EnginesState;
  readonly tools: Tools;
  readonly mark: string;
  /** `host:port` that both sides push to. */
  readonly registry: string;
  /** Path of uv, the same for both sides. */
  readonly uv: string;
  readonly daemon: Buildkitd;
}

/** Starts what belongs to one run. `registry`: where to push to, by default the registry without login. */
export async function openArena(tools: Tools, registry?: string): Promise<Arena> {
  const state = await enginesFor('docker', 'buildkit', 'rootfs', 'plain');
  const { scratch, note } = tools;
  note('fetching uv');
  const folder = join(scratch, 'tools');
  await ended({ argv: ['python3', '-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, 'uv'] });
  // One of its own: nothing else keeps it busy, and nothing is left in it.
  const daemon = await startBuildkitd({ root: join(scratch, 'buildkitd') });
  return {
    state,
    tools,
    mark: randomBytes(4).toString('hex'),
    registry: registry ?? state.registries.plain.address,
    uv: join(folder, 'bin/uv'),
    daemon,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** Our side, with one compression. */
export interface Ours extends Contender {
  /** Where the base is. */
  readonly bases: Repository;
  readonly project: Project;
  /** Milliseconds of `rebake apply --lock`, from the state `from` on. */
  make(from: string, envs: Readonly<Record<string, Env>>): Promise<number>;
}

export const COLD = 'cold';

/**
 * A project whose bases are published. Its state `cold` has the packages of `warm` in the cache as they were fetched, and nothing made of them.
 * The bases are the root file system of the engines; those after the first hold one file more.
 */
export async function oursIn(
  arena: Arena,
  compression: 'gzip' | 'zstd',
  options: { readonly warm: readonly string[]; readonly bases?: Readonly<Record<string, string>> },
): Promise<Ours> {
  const { tools, mark, registry, uv, state } = arena;
  const bases = options.bases ?? { python: state.rootfs.path };
  const [first = ''] = Object.keys(bases);
  const dir = join(tools.scratch, `ours-${compression}`);
  const path = `bench-${mark}-${compression}`;
  tools.note(`ours, ${compression}: publishing the base, warming the cache`);
  const project = createProject({ root: tools.root, dir, url: `${registry}/${path}`, compression, bases, uv });
  project.declare({});
  await project.run(['apply', '--auto-approve']);
  const under = repositoryAt(registry, `${path}/${first}/base`);
  const repository = repositoryAt(registry, `${path}/${first}/pyenv-one`);
  const base = await theOne(under);
  project.save(COLD);
  project.declare({ one: { requirements: options.warm, bytecode: false, bases: [first] } });
  await project.run(['apply', '--lock', '--auto-approve']);
  await project.addPackages(COLD);
  await repository.forgetAllBut(base);
  return {
    what: `rebake apply --lock, ${compression}`,
    repository,
    bases: under,
    base,
    project,
    async make(from, envs) {
      project.restore(from);
      project.declare(envs);
      return (await project.run(['apply', '--lock', '--auto-approve'])).ms;
    },
  };
}

/** A peer that has built once, so that its installer has the packages and its engine the base. */
export interface Warm extends Contender {
  make(wish: Partial<PeerWish>): Promise<number>;
}

interface PeerWish {
  readonly requirements: readonly string[];
  readonly bytecode: boolean;
  /** The image below; by default the base. */
  readonly from: string;
}

export type PeerName = keyof ReturnType<typeof peersOf>;

/** Sets peers up on the base of ours. */
export async function peersIn(
  arena: Arena,
  ours: Ours,
  names: readonly PeerName[],
  options: { readonly warm: readonly string[]; readonly prefix: string },
): Promise<Record<PeerName, Warm>> {
  const { tools, state, uv, daemon, registry, mark } = arena;
  const folder = join(tools.scratch, 'peers');
  mkdirSync(folder, { recursive: true });
  const all = peersOf(state, { uv, folder, daemon: daemon.address });
  const warm: Partial<Record<PeerName, Warm>> = {};
  let round = 0;
  for (const name of names) {
    const peer: Peer = all[name];
    tools.note(`${peer.what}: building for the first time`);
    const path = `bench-${mark}-${name.toLowerCase()}`;
    await copyTo(ours.bases, ours.base, path, 'base');
    const repository = repositoryAt(registry, path);
    const base = await theOne(repository);
    const make = (wish: Partial<PeerWish>): Promise<number> =>
      peer.make({
        from: `${registry}/${path}:base`,
        to: `${registry}/${path}:env`,
        prefix: options.prefix,
        requirements: REQUIREMENTS,
        bytecode: false,
        ...wish,
        round: String(round++),
      });
    await make({ requirements: options.warm });
    await repository.forgetAllBut(base);
    warm[name] = { what: peer.what, repository, base, make };
  }
  return warm as Record<PeerName, Warm>;
}

/** What a contender made last: the image in its repository that is not the base. */
export async function madeBy({ repository, base, what }: Contender): Promise<Held> {
  const image = (await repository.images()).find(({ manifest }) => manifest !== base.manifest);
  if (image === undefined) throw new Error(`${what} pushed nothing to ${repository.repository}`);
  if (bytesOnTop(image, base) === 0) throw new Error(`${what} put nothing on its base`);
  return image;
}

/** The one image that a repository holds, under whatever tags. */
export async function theOne(repository: Repository): Promise<Held> {
  const images = await repository.images();
  const [image] = images.filter(({ tag }) => !tag.startsWith('rebake-'));
  if (image === undefined || images.some(({ manifest }) => manifest !== image.manifest))
    throw new Error(`${repository.repository} holds not just one image`);
  return image;
}

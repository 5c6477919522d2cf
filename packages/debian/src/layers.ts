/** Debian packages as layers: a whole system, or on top of one. */
import { availableParallelism } from 'node:os';
import type { LockedDeb, Step } from '@rebake/image';
import { compareBytes, digestOf } from '@rebake/image';
import type { Compression, ImageFs, Layer } from '@rebake/layers';
import { debStore, type Deb, type DebStore } from './deb/store.ts';
import { each } from './each.ts';
import { failure } from './failures.ts';
import { aliases, type Aliases } from './layout/aliases.ts';
import { installedIn } from './layout/database.ts';
import { ground, type Ground } from './layout/ground.ts';
import { merge } from './layout/merge.ts';
import { linkNode, type Tree } from './layout/node.ts';
import { makeBase } from './layout/rules/base.ts';
import { makeCertificates } from './layout/rules/certificates.ts';
import { makeDatabase } from './layout/rules/dpkg.ts';
import { makeLibraries } from './layout/rules/libraries.ts';
import { makeLanguages } from './layout/rules/languages.ts';
import { makePam } from './layout/rules/pam.ts';
import { makeUsers } from './layout/rules/users.ts';
import { usersOfScripts } from './layout/users-of-scripts.ts';
import { LAYOUT_VERSION, writeLayers } from './layout/write.ts';
import type { Means } from './means.ts';

/** Waiting for a mirror costs no core. */
const AHEAD = 6;

/**
 * Layers with the packages of a step, without a parent a whole system. What the parent has already at the same version is left out; no layers where
 * that is all. Rejects with `DEB_INVALID`, `DEB_PARENT_MISSING`, `MIRROR_MISSING`, and the failures of downloads and of the cache.
 */
export async function debianLayers(
  step: Extract<Step, { readonly step: 'debian' }>,
  parent: ImageFs | null,
  compression: Compression,
  means: Means,
): Promise<readonly Layer[]> {
  const store = debStore(step.mirror, means);
  if (parent !== null) return layersOf(await missing(step.packages, parent), parent, compression, store, means);
  // What a whole system comes to depends on its packages alone.
  const key = digestOf([LAYOUT_VERSION, compression, step.packages.map(({ digest }) => digest).toSorted()]);
  const told = new Set<string>();
  const onLayer = (layer: Layer): void => {
    told.add(layer.digest);
    means.onLayer?.(layer);
  };
  const kept = await means.cache.once<readonly { [key in keyof Layer]: Layer[key] }[]>(
    'debian-system',
    key,
    async (signal) => {
      const layers = await layersOf(step.packages, null, compression, store, { ...means, signal, onLayer });
      return { value: layers.map((layer) => ({ ...layer })), blobs: layers.map(({ digest }) => digest) };
    },
    means.signal,
  );
  for (const layer of kept) if (!told.has(layer.digest)) means.onLayer?.(layer);
  return kept;
}

const STATUS = 'var/lib/dpkg/status';
const MAX_STATUS = 64 << 20;

async function missing(packages: readonly LockedDeb[], parent: ImageFs): Promise<readonly LockedDeb[]> {
  const status = await parent.read(STATUS, MAX_STATUS);
  if (status === null) {
    throw failure(
      'DEB_PARENT_MISSING',
      `the image below has no /${STATUS}: packages of Debian can only be put on top of a Debian`,
    );
  }
  const installed = installedIn(Buffer.from(status).toString('latin1'));
  return packages.filter(({ name, version }) => {
    const there = installed.get(name);
    if (there === undefined || there === version) return there === undefined;
    throw failure(
      'DEB_PARENT_MISSING',
      `the image below has ${name} ${there}, and the lock has ${version}: run \`rebake lock\` again`,
    );
  });
}

async function layersOf(
  packages: readonly LockedDeb[],
  parent: ImageFs | null,
  compression: Compression,
  store: DebStore,
  means: Means,
): Promise<readonly Layer[]> {
  if (packages.length === 0) return [];
  const sorted = packages.toSorted((a, b) => compareBytes(a.name, b.name));
  const debs = await each(sorted, availableParallelism() + AHEAD, async (locked) => store.open(locked));
  const made: Tree = { nodes: new Map(), folders: new Map() };
  const real = await realFolders(debs, parent, made);
  const laidOut = merge(debs, real);
  const on = ground(debs, laidOut, made, real, store, parent);
  for (const make of RULES) await make(on);
  await makeDatabase(on, debs, laidOut.diversions);
  await makeLibraries(on, debs);
  const users = `\n${(await on.read('etc/passwd')) ?? ''}\n${(await on.read('etc/group')) ?? ''}`;
  const known = (name: string): boolean => users.includes(`\n${name}:`);
  for (const line of usersOfScripts(debs, known)) means.log(line);
  return writeLayers({ laidOut, made, debs, parent, store, compression }, means);
}

const RULES: readonly ((on: Ground) => Promise<void>)[] = [
  makeBase,
  makeUsers,
  makePam,
  makeCertificates,
  makeLanguages,
];

/** Folders of old that are links to those below `usr`, in a system of today. */
const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
const ALWAYS_MERGED = new Set(['bin', 'sbin', 'lib']);

async function realFolders(debs: readonly Deb[], parent: ImageFs | null, made: Tree): Promise<Aliases> {
  const all = aliases();
  const folders = new Set<string>();
  for (const { entries } of debs) for (const { path, type } of entries) if (type === 'directory') folders.add(path);
  if (parent !== null) {
    for (const path of [...folders].toSorted(compareBytes)) {
      const found = await parent.stat(path);
      if (found?.type === 'directory') all.add(path, found.path);
    }
    return all;
  }
  for (const name of MERGED) {
    if (!ALWAYS_MERGED.has(name) && !folders.has(name)) continue;
    all.add(name, `usr/${name}`);
    made.nodes.set(name, linkNode(`usr/${name}`));
    made.folders.set(`usr/${name}`, { mode: 0o755, uid: 0, gid: 0 });
  }
  all.add('var/run', 'run');
  all.add('var/lock', 'run/lock');
  return all;
}

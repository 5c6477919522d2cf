/** What behaviours work with: the builder, a base to build on, keys and folders of their own, and images read back from a registry. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { candidateTag, createRegistryClient, digestOf } from '@rebake/image';
import type { Digest, ImageSpec, Location, Output, RegistryClient, Step } from '@rebake/image';
import type { BuildAccess, Builder, Job } from '../builder.ts';
import type { Capabilities } from '../plan.ts';
import type { BuilderPlace } from '../plugin.ts';
import { callsOn } from './calls.ts';
import type { Calls, Made } from './calls.ts';
import { access } from './context.ts';
import type { CallOptions } from './context.ts';
import { openMeeting } from './meeting.ts';
import type { Meeting } from './meeting.ts';
import type { OwnEngine, Rig } from './rig.ts';
import { hold } from './rules.ts';
import { copy, fileSet, rootfs, tinyRootfs } from './steps.ts';
import { readStored } from './stored-image.ts';
import type { StoredImage } from './stored-image.ts';

/** What a behaviour sets of a job; the rest is as simple as it can be. */
export interface JobOptions {
  readonly key?: Digest;
  readonly spec?: Partial<ImageSpec>;
  readonly secrets?: BuildAccess['secrets'];
  readonly froms?: Job['froms'];
}

/** The bench of one rig. Everything is made when it is first asked for, and shared by the behaviours that run on it. */
export interface Bench extends Calls {
  readonly rig: Rig;
  /** Different in each run: what holds it was not there before. */
  readonly run: string;
  capabilities(): Promise<Capabilities>;
  /** One more builder over the engine under test; closed with the bench. */
  another(): Calls;
  /** Uses a builder, and closes it. */
  using<T>(builder: Builder, use: (calls: Calls) => Promise<T>): Promise<T>;
  /** Facts for a builder, with a folder of its own. */
  place(): BuilderPlace;
  /** A new key. */
  key(): Digest;
  /** A new, empty folder; gone with the bench. */
  folder(): string;
  /** The root file system of the rig, built once: for behaviours in which something runs. */
  base(): Promise<Output>;
  /** An image of one small file, built once: for behaviours in which nothing runs. */
  small(): Promise<Output>;
  /** A job that puts steps on a parent (or none, where the first step brings its own ground). */
  job(parent: Output | null, steps: readonly Step[], options?: JobOptions): Job;
  /** Builds steps on a parent. */
  make(parent: Output | null, steps: readonly Step[], options?: JobOptions & CallOptions): Promise<Made>;
  /** An image that nobody else has: one new file on the small base. */
  makeUnique(options?: { readonly key?: Digest; readonly text?: string; readonly by?: Calls }): Promise<Output>;
  /** A repository of the registry under test in which nothing is. */
  repository(): string;
  /** Pushes an image of the engine to the plain registry and reads it back. */
  read(image: Output): Promise<StoredImage>;
  registry(): RegistryClient;
  meeting(): Promise<Meeting>;
  /** The engine that may be killed; running. */
  ownEngine(): Promise<OwnEngine>;
  close(): Promise<void>;
}

/** Sets up a bench; opens nothing yet. */
export function createBench(rig: Rig): Bench {
  const run = crypto.randomUUID();
  const made = new Map<string, Location>();
  const builders = new Map<Builder, Calls>();
  const closing: (() => Promise<unknown> | void)[] = [];
  let count = 0;
  let root: string | undefined;
  let repositories = 0;

  const folder = (): string => {
    root ??= mkdtempSync(join(tmpdir(), 'rebake-conformance-'));
    const path = join(root, String((count += 1)));
    mkdirSync(path);
    return path;
  };
  const place = (): BuilderPlace => ({ dir: join(folder(), 'builder'), env: process.env });
  const over = (builder: Builder): Calls => callsOn(builder, rig, folder(), (at) => made.set(JSON.stringify(at), at));
  const another = (): Calls => {
    const builder = rig.create(place());
    const calls = over(builder);
    builders.set(builder, calls);
    return calls;
  };
  const once = <T>(make: () => T): (() => T) => {
    let value: { readonly it: T } | undefined;
    return () => (value ??= { it: make() }).it;
  };
  const own = once(another);
  const client = once(() => {
    const registries = Object.values(rig.registries);
    const it = createRegistryClient({
      access: (host) =>
        access(
          host,
          registries.find((one) => one?.address === host),
        ),
      credentials: async (host) => registries.find((one) => one?.address === host)?.credentials ?? null,
    });
    closing.push(() => it.close());
    return it;
  });
  const key = (): Digest => digestOf(['conformance', run, (count += 1)]);

  const bench: Bench = {
    rig,
    run,
    get builder() {
      return own().builder;
    },
    probe: (options) => own().probe(options),
    build: (job, options) => own().build(job, options),
    fetch: (image, as, options) => own().fetch(image, as, options),
    push: (image, to, options) => own().push(image, to, options),
    tag: (image, name, options) => own().tag(image, name, options),
    inspect: (at, options) => own().inspect(at, options),
    remove: (at, options) => own().remove(at, options),
    capabilities: once(() => own().probe()),
    another,
    async using(builder, use) {
      try {
        return await use(over(builder));
      } finally {
        await builder.close();
      }
    },
    place,
    key,
    folder,
    base: once(async () => (await bench.make(null, [rootfs(rig.rootfs.path, rig.rootfs.digest)])).output),
    small: once(async () => (await bench.make(null, [await tinyRootfs(folder(), { 'below.txt': 'below\n' })])).output),
    job(parent, steps, { key: as = key(), spec = {}, secrets = {}, froms = {} } = {}) {
      // An engine that remembers the steps of earlier runs would not run them again.
      const runs = parent !== null && steps.some(({ step }) => step !== 'copy');
      return {
        key: as,
        series: `conformance-${as.slice('sha256:'.length, 'sha256:'.length + 12)}`,
        spec: { steps, env: {}, ...(runs ? { buildEnv: { CONFORMANCE_RUN: run } } : {}), ...spec },
        platform: rig.platform,
        parent,
        froms,
        access: { ...rig.access, secrets: { ...rig.access.secrets, ...secrets } },
      };
    },
    make: (parent, steps, options = {}) => bench.build(bench.job(parent, steps, options), options),
    async makeUnique({ key: as = key(), text = crypto.randomUUID(), by = bench } = {}) {
      const files = fileSet(folder(), { 'unique.txt': text });
      return (await by.build(bench.job(await bench.small(), [copy(files, '/data')], { key: as }))).output;
    },
    repository: () => `rebake-conformance/${run}/${(repositories += 1)}`,
    async read(image) {
      const { address: registry } = rig.registries.plain;
      // One for all: what is there already is not sent again.
      const to = { registry, repository: 'rebake-conformance/images', key: key() };
      await bench.push(image, to);
      return readStored(client(), { ...to, reference: candidateTag(to.key) });
    },
    registry: client,
    meeting: once(async () => {
      const meeting = await openMeeting(rig.reach ?? '127.0.0.1');
      closing.push(() => meeting.close());
      return meeting;
    }),
    ownEngine: once(async () => {
      hold(rig.ownEngine !== undefined, 'The rig has an engine of its own');
      const engine = await rig.ownEngine(folder());
      closing.push(() => engine.stop());
      return engine;
    }),
    async close() {
      // Steps that still wait end first, and engines last.
      for (const close of closing.splice(0)) await close();
      const calls = [...builders.values()][0];
      if (calls) for (const at of [...made.values()].toReversed()) await calls.remove(at).catch(() => undefined);
      for (const builder of builders.keys()) await builder.close();
      builders.clear();
      if (root !== undefined) rmSync(root, { recursive: true, force: true });
    },
  };
  return bench;
}

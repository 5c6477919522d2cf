/** A builder of our own for tests of the command line: images are hashes of what they are made from, in a Map instead of an engine. */
import {
  BuildFailure,
  candidateTag,
  STEP_VERSIONS,
  type Builder,
  type BuildError,
  type Ctx,
  type Digest,
  type Job,
  type Lack,
  type Location,
  type Output,
  type Seen,
} from '@rebake/sdk';
import { LAYER_DIGEST, MANIFEST_TYPE, tinyImage, type TinyImage } from './tiny-image.ts';

const ENGINE = 'fake-engine';
const BUILD_MS = 60_000;
const TRANSFER_MS = 5_000;

/** What makes the config of an image one that other tools understand. */
const GROUND = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [LAYER_DIGEST] } };

/** Time that passes only while something is built or sent. */
export interface Clock {
  now(): number;
  pass(ms: number): void;
}

/** What a build does before it makes its image; to reject is to fail. */
export type Behaviour = (job: Job, ctx: Ctx) => Promise<void>;

/** A fake engine: what it holds can be looked at and spoiled from outside. */
export interface FakeEngine {
  readonly builder: Builder;
  /** Name → identity, as `docker images` would list it. */
  readonly names: Map<string, Digest>;
  /** Every image that was ever here. */
  readonly images: ReadonlyMap<Digest, TinyImage>;
  /** Keys that were built, in order. */
  readonly built: Digest[];
  /** What builds do, by a text that occurs in their spec. */
  readonly behaviours: Map<string, Behaviour>;
  /** Whether it answers at all. */
  reachable: boolean;
  /** Whether it finishes a build although rebake has stopped listening. */
  finishesAnyway: boolean;
  contents: string;
  steps: readonly string[];
  lacks: readonly Lack[];
  /** Where it says that it keeps its record of a build; null: nowhere. */
  record: string | null;
}

/** A build that ends in its engine's own words. */
export function failing(words: string, code = 'STEP_FAILED'): Behaviour {
  return async () => {
    throw failure(code, words);
  };
}

/** Makes an empty engine. */
export function fakeEngine(clock: Clock): FakeEngine {
  const images = new Map<Digest, TinyImage>();
  const candidate = (key: Digest): string => `rebake/candidate:${candidateTag(key)}`;
  const keep = (name: string, image: TinyImage): Location => {
    images.set(image.identity, image);
    engine.names.set(name, image.identity);
    return { engine: ENGINE, name };
  };
  const output = (name: string): Seen<Output> => {
    const identity = engine.names.get(name);
    return identity === undefined
      ? { seen: 'no' }
      : { seen: 'yes', value: { identity, at: [{ engine: ENGINE, name }] } };
  };
  const engine: FakeEngine = {
    names: new Map(),
    images,
    built: [],
    behaviours: new Map(),
    reachable: true,
    finishesAnyway: false,
    contents: 'fake@1',
    steps: Object.entries(STEP_VERSIONS).map(([name, version]) => `${name}@${version}`),
    lacks: [],
    record: null,
    builder: {
      async probe() {
        if (!engine.reachable) throw new BuildFailure(UNREACHABLE);
        const { contents, steps, lacks } = engine;
        return { engine: ENGINE, contents, steps, platforms: ['linux/amd64'], reproducible: true, lacks };
      },
      async build(job, ctx) {
        const spec = JSON.stringify(job.spec);
        for (const [part, act] of engine.behaviours) if (spec.includes(part)) await act(job, ctx);
        if (!engine.finishesAnyway) ctx.signal.throwIfAborted();
        clock.pass(BUILD_MS);
        for (const [index, { step }] of job.spec.steps.entries())
          ctx.emit({ type: 'step', index: index + 1, of: job.spec.steps.length, name: step });
        ctx.emit({ type: 'log', text: 'hashed\n' });
        const image = tinyImage({
          ...GROUND,
          parent: job.parent?.identity ?? null,
          froms: froms(job),
          spec: withoutPlaces(spec),
        });
        const at = keep(candidate(job.key), image);
        engine.built.push(job.key);
        ctx.signal.throwIfAborted();
        const { record } = engine;
        return { identity: image.identity, at: [at], ...(record === null ? {} : { record }) };
      },
      async fetch(image, key, ctx) {
        const [from] = image.at.filter((at) => 'registry' in at);
        if (from === undefined) throw failure('IMAGE_MISSING', 'it is in no registry');
        const repository = `http://${from.registry}/v2/${from.repository}`;
        const manifest = await request(`${repository}/manifests/${from.manifest}`, {}, ctx);
        const { config } = (await manifest.json()) as { config: { digest: Digest } };
        const content = await request(`${repository}/blobs/${config.digest}`, {}, ctx);
        clock.pass(TRANSFER_MS);
        return keep(candidate(key), tinyImage(await content.json()));
      },
      async push({ identity }, { registry, repository, key }, ctx) {
        const image = images.get(identity);
        if (image === undefined) throw failure('IMAGE_MISSING', `${identity} is not in this engine`);
        const to = `http://${registry}/v2/${repository}`;
        for (const [digest, body] of image.blobs)
          await request(`${to}/blobs/uploads/1?digest=${digest}`, { method: 'PUT', body }, ctx);
        const headers = { 'content-type': MANIFEST_TYPE };
        const tag = `${to}/manifests/${candidateTag(key)}`;
        await request(tag, { method: 'PUT', body: image.manifestText, headers }, ctx);
        clock.pass(TRANSFER_MS);
        return image.manifest;
      },
      async tag({ identity }, name) {
        clock.pass(TRANSFER_MS);
        engine.names.set(name, identity);
        return { engine: ENGINE, name };
      },
      async inspect(at) {
        if (!engine.reachable) return { seen: 'unknown', why: UNREACHABLE };
        if ('key' in at) return output(candidate(at.key));
        return 'name' in at ? output(at.name) : { seen: 'no' };
      },
      async remove(at) {
        if ('name' in at) engine.names.delete(at.name);
      },
      async close() {},
    },
  };
  return engine;
}

const UNREACHABLE: BuildError = {
  code: 'ENGINE_UNREACHABLE',
  retry: 'never',
  words: 'connect ECONNREFUSED fake.sock',
};

function failure(code: string, words: string): BuildFailure {
  return new BuildFailure({ code, retry: 'never', words });
}

function froms(job: Job): Readonly<Record<string, Digest>> {
  return Object.fromEntries(Object.entries(job.froms).map(([ref, { identity }]) => [ref, identity]));
}

/** Where the files of a spec lie on this machine is not what an image is made of. */
function withoutPlaces(spec: string): unknown {
  return JSON.parse(spec, (key, value: unknown) => (key === 'root' ? undefined : value));
}

async function request(url: string, init: RequestInit, { signal }: Ctx): Promise<Response> {
  const response = await fetch(url, { ...init, signal });
  if (response.ok) return response;
  throw failure('REGISTRY_DENIED', `${init.method ?? 'GET'} ${new URL(url).pathname}: HTTP ${response.status}`);
}

/** A builder of our own for tests of the command line: images are hashes of what they are made from, in a Map instead of an engine. */
import {
  BuildFailure,
  candidateTag,
  digestOf,
  type Builder,
  type Digest,
  type Job,
  type Location,
  type Output,
  type Seen,
} from '@rebake/sdk';

const ENGINE = 'fake-engine';

/** A fake engine: what it holds can be looked at and spoiled from outside. */
export interface FakeEngine {
  readonly builder: Builder;
  /** Name → identity, as `docker images` would list it. */
  readonly names: Map<string, Digest>;
  /** Keys that were built, in order. */
  readonly built: Digest[];
  /** What the next builds do: by a text that occurs in the spec. */
  readonly behaviours: Map<string, (job: Job, signal: AbortSignal) => Promise<void>>;
  /** Whether it answers at all. */
  reachable: boolean;
  contents: string;
  steps: readonly string[];
}

/** Makes an empty engine. */
export function fakeEngine(steps: readonly string[]): FakeEngine {
  const names = new Map<string, Digest>();
  const built: Digest[] = [];
  const behaviours: FakeEngine['behaviours'] = new Map();
  const name = (key: Digest): string => `rebake/candidate:${candidateTag(key)}`;
  const output = (at: string): Seen<Output> => {
    const identity = names.get(at);
    return identity === undefined
      ? { seen: 'no' }
      : { seen: 'yes', value: { identity, at: [{ engine: ENGINE, name: at }] } };
  };
  const engine: FakeEngine = {
    names,
    built,
    behaviours,
    reachable: true,
    contents: 'fake@1',
    steps,
    builder: {
      async probe() {
        if (!engine.reachable)
          throw new BuildFailure({
            code: 'ENGINE_UNREACHABLE',
            retry: 'never',
            words: 'connect ECONNREFUSED fake.sock',
          });
        return {
          engine: ENGINE,
          contents: engine.contents,
          steps: engine.steps,
          platforms: ['linux/amd64'],
          reproducible: true,
        };
      },
      async build(job, ctx) {
        const text = JSON.stringify(job.spec);
        for (const [part, act] of behaviours) if (text.includes(part)) await act(job, ctx.signal);
        ctx.signal.throwIfAborted();
        ctx.emit({ type: 'step', index: 1, of: 1, name: 'hash' });
        ctx.emit({ type: 'log', text: 'hashed\n' });
        // Not `root`: where the files lie on this machine is not what an image is made of.
        const identity = digestOf({
          parent: job.parent?.identity ?? null,
          spec: JSON.parse(text, (key, value: unknown) => (key === 'root' ? undefined : value)),
        });
        names.set(name(job.key), identity);
        built.push(job.key);
        return { identity, at: [{ engine: ENGINE, name: name(job.key) }] };
      },
      async fetch() {
        throw new BuildFailure({ code: 'FETCH_FAILED', retry: 'never', words: 'this engine has no registry' });
      },
      async push() {
        throw new BuildFailure({ code: 'PUSH_FAILED', retry: 'never', words: 'this engine has no registry' });
      },
      async tag(image, to): Promise<Location> {
        names.set(to, image.identity);
        return { engine: ENGINE, name: to };
      },
      async inspect(at) {
        if (!engine.reachable)
          return {
            seen: 'unknown',
            why: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: 'connect ECONNREFUSED fake.sock' },
          };
        if ('key' in at) return output(name(at.key));
        return 'name' in at ? output(at.name) : { seen: 'no' };
      },
      async remove(at) {
        if ('name' in at) names.delete(at.name);
      },
      async close() {},
    },
  };
  return engine;
}

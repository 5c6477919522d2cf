/** Where builds go: every decision against an oracle that tries all possibilities, over random histories of builds and daemons. */
import type { Digest, Platform } from '@rebake/image';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chooser } from '../src/chooser.ts';
import type { Want } from '../src/chooser.ts';

const PLATFORMS: readonly Platform[] = ['linux/amd64', 'linux/arm64'];
const digest = (n: number): Digest => `sha256:${String(n).padStart(64, '0')}`;
const NEVER: ReadonlySet<number> = new Set();
const want = (on: readonly Digest[] = [], platform: Platform = 'linux/amd64', not = NEVER): Want => ({
  platform,
  on,
  not,
});

/** A world in which the chooser is watched: what it was told, and nothing of what it keeps. */
interface Model {
  readonly parallel: readonly number[];
  readonly up: (readonly Platform[] | null)[];
  readonly warm: Set<Digest>[];
  readonly running: Map<number, number>;
  readonly waiting: Map<number, Want>;
}

const load = (model: Model, at: number): number => [...model.running.values()].filter((one) => one === at).length;

/** All daemons that may take a build now, the best first; null: none that is up ever will. */
function oracle(model: Model, { platform, on, not }: Want): readonly number[] | null {
  const all = model.parallel.map((_, at) => at);
  const able = all.filter((at) => !not.has(at) && (model.up[at]?.includes(platform) ?? false));
  if (able.length === 0) return null;
  const roomy = able.filter((at) => load(model, at) < model.parallel[at]!);
  const rank = (at: number): readonly [number, number, number] => [
    on.some((image) => model.warm[at]!.has(image)) ? 0 : 1,
    load(model, at) / model.parallel[at]!,
    at,
  ];
  return roomy.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
  });
}

type Event =
  | {
      readonly type: 'enter';
      readonly platform: Platform;
      readonly on: readonly number[];
      readonly not: readonly number[];
    }
  | { readonly type: 'leave'; readonly which: number }
  | { readonly type: 'up' | 'down'; readonly at: number; readonly platforms: readonly Platform[] }
  | { readonly type: 'warm'; readonly at: number; readonly image: number };

const daemon = fc.nat({ max: 3 });
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    type: fc.constant('enter' as const),
    platform: fc.constantFrom(...PLATFORMS),
    on: fc.array(fc.nat({ max: 4 }), { maxLength: 2 }),
    not: fc.array(daemon, { maxLength: 2 }),
  }),
  fc.record({ type: fc.constant('leave' as const), which: fc.nat({ max: 30 }) }),
  fc.record({
    type: fc.constantFrom('up' as const, 'up' as const, 'down' as const),
    at: daemon,
    platforms: fc.subarray([...PLATFORMS], { minLength: 1 }),
  }),
  fc.record({ type: fc.constant('warm' as const), at: daemon, image: fc.nat({ max: 4 }) }),
);

describe('the chooser', () => {
  it('does in every history what the oracle says, build by build', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
        fc.array(event, { maxLength: 60 }),
        (parallel, events) => {
          const chooser = new Chooser<number>(parallel);
          const model: Model = {
            parallel,
            up: parallel.map(() => null),
            warm: parallel.map(() => new Set()),
            running: new Map(),
            waiting: new Map(),
          };
          let next = 0;
          for (const one of events) {
            apply(one, model, chooser, () => next++);
            checkDecisions(model, chooser);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('prefers a daemon where the parent is warm, as long as there is room', () => {
    const chooser = upOf([2, 2]);
    chooser.warm(1, digest(7));
    expect(go(chooser, 'a', want([digest(7)]))).toBe(1);
    expect(go(chooser, 'b', want([digest(7)]))).toBe(1);
    expect(go(chooser, 'c', want([digest(7)]))).toBe(0);
  });

  it('spreads by the part of the room that is in use', () => {
    const chooser = upOf([1, 4]);
    expect(go(chooser, 'a', want())).toBe(0);
    expect(['b', 'c', 'd', 'e'].map((name) => go(chooser, name, want()))).toEqual([1, 1, 1, 1]);
    expect(go(chooser, 'f', want())).toBeUndefined();
    chooser.leave('a');
    expect(chooser.decide()).toEqual([{ build: 'f', endpoint: 0 }]);
  });

  it('takes those that wait in the order in which they came, past those that need another platform', () => {
    const chooser = new Chooser<string>([1, 1]);
    chooser.up(0, ['linux/amd64']);
    chooser.up(1, ['linux/arm64']);
    expect(go(chooser, 'arm', want([], 'linux/arm64'))).toBe(1);
    expect(go(chooser, 'arm, waiting', want([], 'linux/arm64'))).toBeUndefined();
    expect(go(chooser, 'amd', want())).toBe(0);
    chooser.enter('first', want());
    chooser.enter('second', want());
    expect(chooser.decide()).toEqual([]);
    chooser.leave('amd');
    expect(chooser.decide()).toEqual([{ build: 'first', endpoint: 0 }]);
  });

  it('says at once when no daemon that is up will ever take a build', () => {
    const chooser = upOf([1, 1]);
    expect(go(chooser, 'tried', want([], 'linux/amd64', new Set([0, 1])))).toBeNull();
    expect(go(chooser, 'foreign', want([], 'linux/arm64'))).toBeNull();
    chooser.down(0);
    chooser.down(1);
    expect(go(chooser, 'late', want())).toBeNull();
  });

  it('forgets what was in the cache of a daemon that was down', () => {
    const chooser = upOf([4, 4]);
    chooser.warm(1, digest(7));
    chooser.down(1);
    chooser.up(1, ['linux/amd64']);
    expect(go(chooser, 'a', want([digest(7)]))).toBe(0);
  });

  it('remembers only so many images of a daemon, the latest', () => {
    const chooser = upOf([9, 9]);
    for (let n = 0; n <= 4_096; n++) chooser.warm(1, digest(n));
    expect(go(chooser, 'old', want([digest(0)]))).toBe(0);
    expect(go(chooser, 'new', want([digest(1)]))).toBe(1);
  });
});

function apply(one: Event, model: Model, chooser: Chooser<number>, name: () => number): void {
  const count = model.parallel.length;
  switch (one.type) {
    case 'enter': {
      const build = name();
      const wanted = want(one.on.map(digest), one.platform, new Set(one.not));
      chooser.enter(build, wanted);
      model.waiting.set(build, wanted);
      break;
    }
    case 'leave':
      chooser.leave(one.which);
      model.waiting.delete(one.which);
      model.running.delete(one.which);
      break;
    case 'up':
      chooser.up(one.at % count, one.platforms);
      model.up[one.at % count] = one.platforms;
      break;
    case 'down':
      chooser.down(one.at % count);
      model.up[one.at % count] = null;
      model.warm[one.at % count]!.clear();
      break;
    case 'warm':
      chooser.warm(one.at % count, digest(one.image));
      model.warm[one.at % count]!.add(digest(one.image));
      break;
    default:
      one satisfies never;
  }
}

/** Each decision is the oracle's at the moment when it is made; and afterwards nothing is left that could be decided. */
function checkDecisions(model: Model, chooser: Chooser<number>): void {
  const order = [...model.waiting.keys()];
  let last = -1;
  for (const { build, endpoint } of chooser.decide()) {
    const wanted = model.waiting.get(build)!;
    const best = oracle(model, wanted);
    expect(endpoint).toBe(best === null ? null : best[0]);
    expect(order.indexOf(build)).toBeGreaterThan(last);
    last = order.indexOf(build);
    model.waiting.delete(build);
    if (endpoint === null) continue;
    model.running.set(build, endpoint);
    // What never may be, said again without the oracle.
    expect(load(model, endpoint)).toBeLessThanOrEqual(model.parallel[endpoint]!);
    expect(model.up[endpoint]).toContain(wanted.platform);
    expect(wanted.not.has(endpoint)).toBe(false);
  }
  for (const wanted of model.waiting.values()) expect(oracle(model, wanted)).toEqual([]);
}

function upOf(parallel: readonly number[]): Chooser<string> {
  const chooser = new Chooser<string>(parallel);
  for (const at of parallel.keys()) chooser.up(at, ['linux/amd64']);
  return chooser;
}

/** Where a build goes at once; undefined: it waits. */
function go(chooser: Chooser<string>, build: string, wanted: Want): number | null | undefined {
  chooser.enter(build, wanted);
  return chooser.decide().find((one) => one.build === build)?.endpoint;
}

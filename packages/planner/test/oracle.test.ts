import type { Action, Lack, NodeId, Step } from '@rebake/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterwards, simulate, type Run } from './oracle.ts';
import { digest, external, id, image, inEngine, inRegistry, publication, Scene } from './scene.ts';

/** How one node of a random scene is declared and what has happened to it. */
interface Piece {
  readonly role: 'external' | 'image' | 'image2' | 'delegated' | 'publication' | 'publication-here';
  readonly parents: readonly number[];
  readonly past: 'built' | 'edited' | 'rebuilt' | 'never';
  readonly seen: 'both' | 'registry' | 'engine' | 'nowhere' | 'other';
  readonly candidate: 'none' | 'same' | 'new' | 'nowhere';
  /** Whether the candidate of a node without an entry is what somebody claims. */
  readonly claimed: boolean;
  /** Whether its entry knows of a place. */
  readonly placed: boolean;
  readonly forced: boolean;
}

const piece: fc.Arbitrary<Piece> = fc.record({
  role: fc.constantFrom(
    'external',
    'image',
    'image',
    'image',
    'image',
    'image2',
    'delegated',
    'publication',
    'publication',
    'publication-here',
  ),
  parents: fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 3 }),
  past: fc.constantFrom('built', 'built', 'built', 'built', 'edited', 'rebuilt', 'never'),
  seen: fc.constantFrom('both', 'both', 'registry', 'engine', 'nowhere', 'nowhere', 'other'),
  candidate: fc.constantFrom('none', 'none', 'none', 'same', 'new', 'nowhere'),
  claimed: fc.boolean(),
  placed: fc.boolean(),
  forced: fc.integer({ min: 0, max: 14 }).map((n) => n === 0),
});

const DELEGATE: Step = { step: 'delegate', kind: 'test/image', request: {}, at: [] };

function pick(among: readonly string[], choices: readonly number[]): readonly string[] {
  return among.length === 0 ? [] : [...new Set(choices.map((choice) => among[choice % among.length]!))];
}

/** Declares and builds everything, then lets things happen. Names do not follow the order, so that ranks are not what one thinks. */
function sceneOf(pieces: readonly Piece[]): { readonly scene: Scene; readonly forced: readonly NodeId[] } {
  const scene = new Scene().builder('docker2', { engine: 'engine-2', contents: 'layers@1' });
  const names: [string, Piece][] = [];
  for (const [at, one] of pieces.entries()) {
    const name = `${'dagcfbe'[at]}${at}`;
    const images = scene.nodes.filter(({ role }) => role === 'image').map((node) => node.id);
    const all = scene.nodes.filter(({ role }) => role !== 'publication').map((node) => node.id);
    if (one.role === 'external') scene.declare(external(name));
    else if (one.role === 'image') scene.declare(image(name, pick(all, one.parents)));
    else if (one.role === 'image2') scene.declare(image(name, pick(all, one.parents), { builder: 'docker2' }));
    else if (one.role === 'delegated')
      scene.declare(image(name, pick(all, one.parents), { builder: 'docker2', steps: [DELEGATE] }));
    else if (images.length === 0) continue;
    else
      scene.declare(
        publication(name, pick(images, one.parents)[0]!, { registry: one.role === 'publication' ? 'r.test' : null }),
      );
    names.push([name, one]);
  }
  scene.built();
  const engineOf = (name: string): string => {
    const node = scene.node(name);
    return node.role === 'image' ? scene.capabilities(node.builder).engine : 'none';
  };
  for (const [name, { past, seen, placed }] of names) {
    const node = scene.node(name);
    if (past === 'never') scene.entries.delete(node.id);
    // Built again in a run that did not get to what stands on it.
    if (past === 'rebuilt' && node.role === 'image')
      scene.entries.set(node.id, {
        ...scene.entries.get(node.id)!,
        output: { identity: digest(`newer ${name}`), at: [] },
      });
    const entry = scene.entries.get(node.id);
    if (placed && entry) scene.entries.set(node.id, { ...entry, output: { ...entry.output, at: [inRegistry(name)] } });
    if (past === 'edited') scene.change(name, { text: 'edited' });
    const identity = past === 'rebuilt' && node.role === 'image' ? digest(`newer ${name}`) : scene.identity(name);
    const at = [
      ...(seen === 'registry' ? [] : [inEngine(name, engineOf(name))]),
      ...(seen === 'engine' ? [] : [inRegistry(name)]),
    ];
    if (seen === 'other') scene.seeOther(name, digest(`other ${name}`));
    else if (seen === 'nowhere' && node.role !== 'external') scene.see(name);
    else scene.outputs.set(node.id, { seen: 'yes', value: { identity, at } });
  }
  for (const [name, { candidate, claimed }] of names) {
    const node = scene.node(name);
    if (candidate === 'none' || node.role !== 'image') continue;
    const parents = node.parents.map((parent) => {
      const seen = scene.outputs.get(parent)!;
      const external = scene.node(parent).role === 'external' && seen.seen === 'yes' ? seen.value.identity : undefined;
      return (
        external ??
        scene.candidates.get(parent)?.output.identity ??
        scene.entries.get(parent)?.output.identity ??
        scene.identity(parent)
      );
    });
    const at =
      candidate === 'nowhere' ? [] : candidate === 'same' ? [inEngine(name, engineOf(name))] : [inRegistry(name)];
    scene.candidate(name, candidate === 'same' ? scene.identity(name) : digest(`found ${name}`), parents, ...at);
    if (claimed && !scene.entries.has(node.id)) scene.claim(name);
  }
  return {
    scene,
    forced: names
      .filter(([, one]) => one.forced)
      .map(([name]) => id(name))
      .filter((name) => scene.node(name).role !== 'external'),
  };
}

const EFFORTS = ['keep', 'adopt', 'fetch', 'rebase', 'build', 'publish'];

/** All outcomes: each image that may be built comes out as it was or different. */
function runs(scene: Scene, forced: readonly NodeId[], actions: readonly Action[]): readonly Run[] {
  const free = actions.filter(({ atMost }) => atMost === 'build').map(({ node }) => node);
  return Array.from({ length: 2 ** free.length }, (_, bits) =>
    simulate(scene, new Set(forced), new Set(free.filter((_node, at) => (bits >> at) & 1))),
  );
}

function happened(action: Action, run: Run): boolean {
  if (action.ifChanged.length === 0) return true;
  return action.ifChanged.some((other) => run.get(other)!.changed || run.get(other)!.wasMissing);
}

const arbitrary = fc.array(piece, { minLength: 1, maxLength: 7 });
const RUNS = { numRuns: 300 };

function each(
  check: (scene: Scene, actions: readonly Action[], all: readonly Run[], forced: readonly NodeId[]) => void,
): void {
  fc.assert(
    fc.property(arbitrary, (pieces) => {
      const { scene, forced } = sceneOf(pieces);
      const { plan, blockers } = scene.planned({ force: forced });
      expect(blockers).toEqual([]);
      check(scene, plan.actions, runs(scene, forced, plan.actions), forced);
    }),
    RUNS,
  );
}

// Up to 128 outcomes each: generous, because other work may share the machine.
const PATIENCE = { timeout: 120_000 };

describe('plan against all outcomes of a brute-force run', PATIENCE, () => {
  it('is an upper bound: no run does more, nor does anything whose condition does not hold', () => {
    each((_scene, actions, all) => {
      for (const run of all) {
        for (const action of actions) {
          const { effort } = run.get(action.node)!;
          if (effort === 'keep') continue;
          expect(EFFORTS.indexOf(effort), `${effort} ${action.node}`).toBeLessThanOrEqual(
            EFFORTS.indexOf(action.atMost),
          );
          expect(happened(action, run), `${effort} ${action.node} if ${action.ifChanged.join()}`).toBe(true);
        }
      }
    });
  });

  it('is minimal: some run does everything that an action allows', () => {
    each((_scene, actions, all) => {
      for (const { node, atMost } of actions)
        expect(
          all.some((run) => run.get(node)!.effort === atMost),
          `${atMost} ${node}`,
        ).toBe(true);
    });
  });

  it('calls unconditional what every run does', () => {
    each((scene, actions, all) => {
      if (scene.candidates.size > 0) return;
      for (const { node, atMost, ifChanged } of actions) {
        if (atMost !== 'keep' && ifChanged.length === 0)
          for (const run of all) expect(run.get(node)!.effort, node).not.toBe('keep');
      }
    });
  });

  it('is in an allowed order', () => {
    each((scene, actions) => {
      const earlier = new Map<NodeId, Action>();
      for (const action of actions) {
        for (const other of action.after) expect(earlier.has(other)).toBe(true);
        for (const parent of scene.node(action.node).parents) {
          expect(earlier.has(parent)).toBe(true);
          if (action.atMost !== 'keep' && earlier.get(parent)!.atMost !== 'keep')
            expect(action.after).toContain(parent);
        }
        earlier.set(action.node, action);
      }
      expect(earlier.size).toBe(scene.nodes.length);
    });
  });

  it('plans nothing after a run in which everything succeeded', () => {
    each((scene, _actions, all) => {
      for (const run of all) expect(afterwards(scene, run).lines()).toEqual([]);
    });
  });

  it('gives true reasons, each with a path of edges from where it arose', () => {
    each((scene, actions, all, forced) => {
      const byNode = new Map(actions.map((action) => [action.node, action]));
      for (const { node, atMost, reasons } of actions) {
        expect(reasons.length > 0).toBe(atMost !== 'keep');
        for (const { cause, path } of reasons) {
          expect(path.at(-1)).toBe(node);
          for (const [at, step] of path.slice(1).entries()) expect(scene.node(step).parents).toContain(path[at]);
          for (const step of path)
            expect(cause.code === 'PARENT_CHANGED' || byNode.get(step)!.atMost !== 'keep').toBe(true);
          // Of an image that may change anyway, the planner does not work out whether all that demands it changes with it.
          const mayChange = scene.node(node).parents.some((parent) => byNode.get(parent)!.atMost === 'build');
          if (cause.code === 'OUTPUT_MISSING' && scene.node(node).role === 'image' && !mayChange) {
            expect(all.some((run) => run.get(node)!.effort === 'fetch' || run.get(node)!.wasMissing)).toBe(true);
          }
          holds(scene, byNode, node, forced, cause, path);
        }
      }
    });
  });
});

describe('plan with builders that lack something', PATIENCE, () => {
  const lacks = fc.subarray<Lack>(['engine-names', 'secrets', 'network', 'proxy']);
  const needs = fc.subarray<Lack>(['secrets', 'network', 'proxy']);

  it('does less than with able ones, never what a builder cannot do, and says of all the rest that it is blocked', () => {
    fc.assert(
      fc.property(arbitrary, lacks, lacks, needs, (pieces, of1, of2, need) => {
        const { scene, forced } = sceneOf(pieces);
        const wish = { force: forced, needs: need };
        const able = new Map(scene.planned(wish).plan.actions.map((action) => [action.node, action]));
        scene
          .builder('docker', { lacks: of1 })
          .builder('docker2', { engine: 'engine-2', contents: 'layers@1', lacks: of2 });
        const { plan, blockers, blocked } = scene.planned(wish);
        const unable = (name: NodeId): boolean => {
          const node = scene.node(name);
          if (node.role === 'external') return false;
          const builder = scene.node(node.role === 'image' ? node.id : node.parents[0]!);
          const { lacks: lacking = [] } = scene.capabilities(builder.role === 'image' ? builder.builder : '');
          if (node.role === 'publication') return node.registry === null && lacking.includes('engine-names');
          return need.some((one) => lacking.includes(one));
        };
        for (const { node, code } of blockers) {
          expect([code, unable(node)]).toEqual(['BUILDER_CANNOT', true]);
          if (scene.node(node).role === 'image') expect(able.get(node)!.atMost, node).toBe('build');
        }
        for (const { node, atMost } of plan.actions) {
          const before = able.get(node)!;
          expect(EFFORTS.indexOf(atMost), node).toBeLessThanOrEqual(EFFORTS.indexOf(before.atMost));
          if (atMost === 'build' || scene.node(node).role === 'publication')
            expect(atMost !== 'keep' && unable(node), node).toBe(false);
          const above = scene.node(node).parents.some((parent) => blocked.has(parent));
          if (above) expect(blocked.has(node), node).toBe(true);
          // What the ledger calls stale, and nobody has to offer, has to be said to be blocked where it cannot be built.
          const stale =
            before.reasons.some(({ cause }) => cause.code === 'INPUT_CHANGED') && !scene.candidates.has(node);
          if ((stale || scene.node(node).role === 'publication') && unable(node))
            expect(blocked.has(node), node).toBe(true);
        }
        if (blockers.length === 0) expect(plan.actions).toEqual([...able.values()]);
      }),
      RUNS,
    );
  });
});

function holds(
  scene: Scene,
  actions: ReadonlyMap<NodeId, Action>,
  name: NodeId,
  forced: readonly NodeId[],
  cause: Action['reasons'][number]['cause'],
  path: readonly NodeId[],
): void {
  const entry = scene.entries.get(name);
  const node = scene.node(name);
  const seen = scene.outputs.get(name)!;
  switch (cause.code) {
    case 'NEVER_BUILT':
      expect(entry).toBe(undefined);
      break;
    case 'INPUT_CHANGED':
      expect([entry!.inputs[cause.key], node.inputs[cause.key]]).toEqual([cause.from, cause.to]);
      break;
    case 'INPUT_ADDED':
      expect([entry!.inputs[cause.key], node.inputs[cause.key]]).toEqual([undefined, cause.to]);
      break;
    case 'INPUT_REMOVED':
      expect([entry!.inputs[cause.key], node.inputs[cause.key]]).toEqual([cause.from, undefined]);
      break;
    case 'EXTERNAL_MOVED':
      expect(scene.outputs.get(cause.parent)).toMatchObject({ value: { identity: cause.to } });
      expect(cause.from).toBe(cause.parent === name ? entry!.output.identity : entry!.parents[cause.parent]);
      break;
    case 'PARENT_CHANGED': {
      expect(entry!.parents[cause.parent]).toBe(cause.from);
      const possible = [
        scene.entries.get(cause.parent)?.output.identity,
        scene.candidates.get(cause.parent)?.output.identity,
      ];
      expect(possible).toContain(cause.to);
      break;
    }
    case 'PARENT_MAY_CHANGE': {
      expect(path.at(-2)).toBe(cause.parent);
      const leaf = actions.get(path[0]!)!;
      expect(leaf.reasons.some((reason) => reason.cause.code !== 'PARENT_MAY_CHANGE')).toBe(true);
      break;
    }
    case 'OUTPUT_MISSING':
      if (node.role === 'publication') expect(seen.seen).toBe('no');
      break;
    case 'TAG_MOVED':
      expect(seen).toMatchObject({ seen: 'yes', value: { identity: cause.to } });
      expect(entry!.output.identity).toBe(cause.from);
      expect(cause.to).not.toBe(cause.from);
      break;
    case 'FORCED':
      expect(forced).toContain(name);
      break;
    case 'CONTENTS_CHANGED':
    case 'UNDECLARED':
      expect.unreachable(cause.code);
      break;
    default:
      cause satisfies never;
  }
}

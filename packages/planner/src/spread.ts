/**
 * Second pass of planning: spreads openness (downwards) and demand for presence (upwards) to the least fixpoint. Both only grow, each step is
 * taken once: work lists, O(nodes + edges).
 */
import type { Blocker, Image, Output, Publication, Seen } from '@rebake/sdk';
import {
  buildBlocker,
  builderUnknown,
  capabilitiesOf,
  presenceAnywhere,
  presenceIn,
  seenInRegistry,
  type Presence,
} from './presence.ts';
import type { Question, Situation, Situations } from './situation.ts';
import { isTakenOnTrust } from './trust.ts';

/**
 * How many conditions one node takes on from those who demand it. With more, it is planned as unconditional, which is a wider upper bound and
 * never a wrong one; without a limit, sets of conditions handed up a long chain would cost more than everything else.
 */
const MAX_DEMANDS = 64;

/** When something may happen: always, or if one of these ranks changes. */
export interface Condition {
  always: boolean;
  readonly ifChanged: Set<number>;
}

/** What was found, by rank. A node that is in none of the maps stays as its situation says. */
export interface Spread {
  /** Nodes that may come out with another identity. */
  readonly open: ReadonlySet<number>;
  /** Images that may be built, publications that may be published. */
  readonly runs: ReadonlyMap<number, Condition>;
  /** Images that may have to be fetched. */
  readonly fetches: ReadonlyMap<number, Condition>;
  /** Images that are built because they are nowhere. */
  readonly missing: ReadonlySet<number>;
  /** What stands in the way of what was found. */
  readonly blockers: ReadonlyMap<number, Blocker>;
  /** How many steps were taken, for tests of the bound. */
  readonly steps: number;
}

/** Unconditional, where a condition is one rank. */
const ALWAYS = -1;

/** Spreads the situations. */
export function spread(question: Question, situations: Situations): Spread {
  const walk = new Walk(question, situations);
  walk.run();
  return walk;
}

class Walk implements Spread {
  readonly open = new Set<number>();
  readonly runs = new Map<number, Condition>();
  readonly fetches = new Map<number, Condition>();
  readonly missing = new Set<number>();
  readonly blockers = new Map<number, Blocker>();
  steps = 0;
  readonly #question: Question;
  readonly #situations: Situations['of'];
  /** Ranks that became open and whose children have not been told. */
  readonly #opened: number[] = [];
  /** Conditions under which nodes need their image parent. */
  readonly #needs = new Map<number, Condition>();
  /** Those of them that have not been told to the image parent. */
  readonly #demands: [rank: number, condition: number][] = [];

  /** Parents of demanded images, so that asking costs the same whatever their number. */
  readonly #parentSets = new Map<number, ReadonlySet<number>>();

  constructor(question: Question, situations: Situations) {
    this.#question = question;
    this.#situations = situations.of;
  }

  run(): void {
    for (const [rank, situation] of this.#situations.entries()) {
      if (situation?.verdict === 'do') this.#start(rank);
    }
    for (;;) {
      const opened = this.#opened.pop();
      if (opened !== undefined) {
        for (const child of this.#question.graph.children[opened] ?? []) this.#parentOpened(child, opened);
        continue;
      }
      const demand = this.#demands.pop();
      if (demand === undefined) return;
      this.#demand(...demand);
    }
  }

  /** A node runs whatever else happens. */
  #start(rank: number): void {
    this.#mayRun(rank, ALWAYS);
    this.#needsImage(rank, ALWAYS);
    this.#mayChange(rank);
  }

  #mayChange(rank: number): void {
    if (this.open.has(rank) || this.blockers.has(rank)) return;
    this.open.add(rank);
    this.#opened.push(rank);
  }

  #parentOpened(child: number, parent: number): void {
    this.steps++;
    const verdict = this.#situations[child]?.verdict;
    if (verdict === undefined || verdict === 'do') return;
    const ambiguous = this.#isAmbiguous(parent);
    // What is adopted is stale: something happens to it in any case, and the key under which it was found may not be the one that it will have.
    this.#mayRun(child, verdict === 'adopt' || ambiguous ? ALWAYS : parent);
    // If it is the image itself that comes out different, it has just been built, and is there.
    if (this.#imageParent(child) !== parent) this.#needsImage(child, ambiguous ? ALWAYS : parent);
    this.#mayChange(child);
  }

  /**
   * An open node that would have been adopted, with another identity than its entry's, may come out as either: what stands on it was judged by the
   * candidate, and cannot be made to wait for a change against the entry.
   */
  #isAmbiguous(rank: number): boolean {
    const situation = this.#situations[rank];
    const id = this.#question.graph.order[rank]?.id;
    if (situation?.verdict !== 'adopt' || situation.output.seen !== 'yes' || id === undefined) return false;
    const entry = this.#question.state.entries.get(id);
    return entry !== undefined && entry.output.identity !== situation.output.value.identity;
  }

  #mayRun(rank: number, condition: number): void {
    if (this.blockers.has(rank)) return;
    if (!this.runs.has(rank)) {
      const node = this.#question.graph.order[rank];
      const { world, needs } = this.#question;
      const blocker = node?.role === 'image' ? buildBlocker(node, world, needs) : null;
      if (blocker !== null) {
        this.blockers.set(rank, blocker);
        return;
      }
    }
    this.#add(this.runs, rank, condition);
  }

  /** A node that runs under a condition needs the image that it is built from, or that it publishes. */
  #needsImage(rank: number, condition: number): void {
    if (this.blockers.has(rank)) return;
    const added = this.#add(this.#needs, rank, condition);
    if (added !== null) this.#demands.push([rank, added]);
  }

  /** Widens a condition. Returns what is new about it, or null. */
  #add(to: Map<number, Condition>, rank: number, condition: number): number | null {
    let known = to.get(rank);
    if (known === undefined) {
      known = { always: false, ifChanged: new Set() };
      to.set(rank, known);
    }
    if (known.always || known.ifChanged.has(condition)) return null;
    const limit = MAX_DEMANDS + (this.#question.graph.parents[rank]?.length ?? 0);
    if (condition === ALWAYS || known.ifChanged.size >= limit) {
      known.always = true;
      return ALWAYS;
    }
    known.ifChanged.add(condition);
    return condition;
  }

  #demand(rank: number, condition: number): void {
    this.steps++;
    const parent = this.#imageParent(rank);
    // What stands on the node that changes is built because of that, and is there.
    if (parent === undefined || this.#standsOn(parent, condition)) return;
    const situation = this.#situations[parent];
    if (situation === undefined || situation.verdict === 'do' || this.blockers.has(parent)) return;
    if (isTakenOnTrust(this.#question, parent, rank, situation.verdict)) return;
    const presence = this.#presence(parent, situation, rank);
    if (presence === 'fetchable') this.#add(this.fetches, parent, condition);
    if (presence === 'absent') {
      this.#mayRun(parent, condition);
      if (this.blockers.has(parent)) return;
      this.missing.add(parent);
      this.#needsImage(parent, condition);
      this.#mayChange(parent);
    }
  }

  #standsOn(rank: number, other: number): boolean {
    let parents = this.#parentSets.get(rank);
    if (parents === undefined) {
      parents = new Set(this.#question.graph.parents[rank]);
      this.#parentSets.set(rank, parents);
    }
    return parents.has(other);
  }

  #imageParent(rank: number): number | undefined {
    const { graph } = this.#question;
    return graph.parents[rank]?.find((parent) => graph.order[parent]?.role === 'image');
  }

  /** Where the image of `parent` is for the sake of `child`; null when that is unknown, which blocks the parent. */
  #presence(parent: number, { output }: Situation, child: number): Presence | null {
    const { graph } = this.#question;
    const image = graph.order[parent];
    const needs = graph.order[child];
    if (image?.role !== 'image' || needs === undefined || needs.role === 'external') return 'present';
    switch (output.seen) {
      case 'no':
        return 'absent';
      case 'unknown':
        this.blockers.set(parent, { node: image.id, code: 'OBSERVATION_UNKNOWN', why: output.why });
        return null;
      case 'yes':
        return needs.role === 'image'
          ? this.#forBuild(output.value, needs)
          : this.#forPublication(parent, output, image, needs);
      default:
        return output satisfies never;
    }
  }

  #forBuild(output: Output, child: Image): Presence {
    const engine = capabilitiesOf(this.#question.world, child.builder)?.engine;
    return engine === undefined ? 'present' : presenceIn(output, engine);
  }

  #forPublication(
    rank: number,
    output: Seen<Output> & { seen: 'yes' },
    image: Image,
    publication: Publication,
  ): Presence | null {
    // Registries copy among each other; everything else goes through the builder.
    if (publication.registry !== null && seenInRegistry(output.value)) return 'present';
    const engine = capabilitiesOf(this.#question.world, image.builder)?.engine;
    if (engine !== undefined) {
      return publication.registry === null ? presenceIn(output.value, engine) : presenceAnywhere(output.value, engine);
    }
    const blocker = builderUnknown(image, this.#question.world);
    if (blocker !== null) this.blockers.set(rank, blocker);
    return null;
  }
}

/** What all parts of one run share: the plan, the state as it grows, and the ways to act. */
import { buildGraph, planDigest } from '@rebake/planner';
import type { Graph } from '@rebake/planner';
import { BuildFailure } from '@rebake/sdk';
import type {
  Built,
  Action,
  BuildAccess,
  Candidate,
  Claims,
  Digest,
  Entry,
  Image,
  NewEntry,
  Node,
  NodeId,
  Output,
  Plan,
  Publication,
  RegistryClient,
  State,
  Store,
} from '@rebake/sdk';
import { Known } from '../observe/known.ts';
import { publicationsByImage } from '../observe/lookout.ts';
import type { Lookout } from '../observe/lookout.ts';
import type { Builders } from '../run/builders.ts';
import type { Timer } from '../run/timer.ts';

/** Makes a repository ready for a push: once for each, whoever pushes first. */
export type BeforePush = (
  target: { readonly registry: string; readonly repository: string; readonly tag: string },
  call: { readonly signal: AbortSignal; readonly onLine: (line: string) => void },
) => Promise<void>;

/** What a run acts with. */
export interface Means {
  readonly store: Store;
  readonly builders: Builders;
  readonly registry: RegistryClient;
  readonly lookout: Lookout;
  /** What the build of an image may use. */
  readonly access: (image: NodeId) => BuildAccess;
  /** Done before something is brought into a repository that lacks it. */
  readonly beforePush: BeforePush | undefined;
  /** What somebody else has made, as the plan was told. */
  readonly claims: Claims | undefined;
  readonly timer: Timer;
  /** Longest time of a publication, in milliseconds; null: no limit. */
  readonly publishTimeoutMs: number | null;
  now(): number;
}

/** One run: what was planned, and what is known by now. */
export class Ground {
  readonly run: string;
  readonly plan: Plan;
  readonly digest: Digest;
  readonly means: Means;
  readonly graph: Graph;
  readonly entries: Map<NodeId, Entry>;
  readonly known: Known;
  readonly publications: ReadonlyMap<NodeId, readonly Publication[]>;
  /** Where images really were, when last looked at or acted on in this run. */
  readonly places = new Map<NodeId, Output>();
  /** Candidates that were found, and the key under which. */
  readonly candidates = new Map<NodeId, Candidate>();
  /** Images built in this run, or being built, by builder and key: nodes that ask for the same image share one build. */
  readonly making = new Map<string, Promise<Built>>();
  readonly #actions: ReadonlyMap<NodeId, Action>;

  constructor(run: string, nodes: readonly Node[], plan: Plan, state: State, means: Means) {
    this.run = run;
    this.plan = plan;
    this.digest = planDigest(plan);
    this.means = means;
    this.graph = buildGraph(nodes);
    this.entries = new Map(state.entries);
    this.known = new Known(this.entries);
    this.publications = publicationsByImage(this.graph.order);
    this.#actions = new Map(plan.actions.map((action) => [action.node, action]));
  }

  action(id: NodeId): Action {
    const action = this.#actions.get(id);
    if (!action) throw new Error(`${id} is not in the plan`);
    return action;
  }

  /** A declared node; undefined for vanished ones. */
  node(id: NodeId): Node | undefined {
    return this.graph.order[this.graph.rank.get(id) ?? -1];
  }

  image(id: NodeId): Image {
    const node = this.node(id);
    if (node?.role !== 'image') throw new Error(`${id} is no image`);
    return node;
  }

  publication(id: NodeId): Publication {
    const node = this.node(id);
    if (node?.role !== 'publication') throw new Error(`${id} is no publication`);
    return node;
  }

  /** Where the plan publishes an image to, each repository once. */
  targets(image: NodeId): readonly { readonly registry: string; readonly repository: string }[] {
    const targets = new Map<string, { readonly registry: string; readonly repository: string }>();
    for (const { id, registry, repository } of this.publications.get(image) ?? []) {
      if (registry === null || this.#actions.get(id)?.atMost !== 'publish') continue;
      targets.set(`${registry}/${repository}`, { registry, repository });
    }
    return [...targets.values()];
  }

  /** Whether this plan, in this run or an earlier one, has written the node's entry already. */
  isDone(id: NodeId): boolean {
    return this.entries.get(id)?.plan === this.digest;
  }

  entry(id: NodeId): Entry {
    const entry = this.entries.get(id);
    if (!entry) throw new Error(`${id} has no entry`);
    return entry;
  }

  /** An image with all places where it may be: really seen ones if it was looked for, else what the state knows. */
  output(id: NodeId): Output {
    return this.places.get(id) ?? this.placesOf(id);
  }

  /** An image with all places that the state knows. */
  placesOf(id: NodeId): Output {
    return this.known.places(this.entry(id).output.identity);
  }

  /** Identities of a node's parents by now, in its order. */
  parentsOf(node: Node): Record<NodeId, Digest> {
    const parents: Record<NodeId, Digest> = {};
    for (const id of node.parents) parents[id] = this.identity(id);
    return parents;
  }

  identity(id: NodeId): Digest {
    return this.external(id)?.identity ?? this.entry(id).output.identity;
  }

  /** What an external was pinned to by the plan; undefined for other nodes. */
  external(id: NodeId): Output | undefined {
    return this.node(id)?.role === 'external' ? this.plan.externals[id] : undefined;
  }

  /** As {@link Ground.external}, for one that is needed. */
  externalOutput(id: NodeId): Output {
    const output = this.external(id);
    if (!output) throw this.exceeded(`the plan does not say what ${id} is`);
    return output;
  }

  /** Commits a success of a node as it is declared now. */
  async commit(
    node: Node,
    made: {
      readonly output: Output;
      readonly contents: string;
      readonly key: Digest | null;
      readonly ms: number | null;
      readonly record?: string;
    },
  ): Promise<void> {
    const ms = made.ms ?? this.entries.get(node.id)?.ms;
    const entry: NewEntry = {
      inputs: node.inputs,
      contents: made.contents,
      parents: this.parentsOf(node),
      output: made.output,
      key: made.key,
      ...(made.record === undefined ? {} : { record: made.record }),
      ...(ms === undefined ? {} : { ms }),
      at: new Date(this.means.now()).toISOString(),
      run: this.run,
      plan: this.digest,
    };
    const written = await this.means.store.commit(node.id, entry);
    this.entries.set(node.id, written);
    this.known.note(written);
  }

  /** The failure of a node that would need more than the plan allows. */
  exceeded(words: string): BuildFailure {
    return new BuildFailure({ code: 'PLAN_EXCEEDED', retry: 'never', words: `${words}: plan again` });
  }
}

/** First pass of planning: what the ledger and the world say about each node, parents first, if nothing else changes. */
import type {
  Blocker,
  BuildError,
  Cause,
  Digest,
  Entry,
  External,
  Image,
  Lack,
  Node,
  NodeId,
  Output,
  Publication,
  Seen,
  State,
  World,
} from '@rebake/sdk';
import { nodeAt, type Graph } from './graph.ts';
import { judge, keyOf, type RoleOf } from './ledger.ts';
import { capabilitiesOf, engineNameBlocker } from './presence.ts';

/** `do`: build or publish whatever else happens. */
export type Verdict = 'keep' | 'adopt' | 'do';

/**
 * What is known of one node before openness and demand are spread. `output` is where the node is if nothing above it changes; `unknown` when
 * that could not be seen.
 */
export interface Situation {
  readonly verdict: Verdict;
  readonly causes: readonly Cause[];
  readonly output: Seen<Output>;
  /** Identity that the node has if nothing above it changes: as seen, of the entry, or of the candidate to be adopted. */
  readonly expected: Digest | undefined;
}

/** The situations by rank; undefined for nodes that are blocked or not part of the wish. */
export interface Situations {
  readonly of: (Situation | undefined)[];
  /** Blocked rank → rank of the node that blocks it (itself, where it is the one). */
  readonly blockedBy: ReadonlyMap<number, number>;
  /** Blockers found here, by rank. */
  readonly blockers: ReadonlyMap<number, Blocker>;
}

/** All that planning reads. `wanted` holds the ranks of the wish, or is null for all. */
export interface Question {
  readonly graph: Graph;
  readonly state: State;
  readonly world: World;
  readonly forced: ReadonlySet<NodeId>;
  readonly wanted: ReadonlySet<number> | null;
  /** What every build needs of its builder. */
  readonly needs: readonly Lack[];
}

const NO: Seen<never> = { seen: 'no' };
const NONE: readonly Cause[] = [];

/** @param blocked blockers known already, by rank: they and everything below them get no situation. */
export function assess(question: Question, blocked: ReadonlyMap<number, Blocker>): Situations {
  const { graph, state, world, wanted, forced } = question;
  const of: (Situation | undefined)[] = Array.from({ length: graph.order.length });
  const blockedBy = new Map<number, number>();
  const blockers = new Map(blocked);
  const expected = new Map<NodeId, Digest>();
  const roleOf: RoleOf = (id) => graph.order[graph.rank.get(id) ?? -1]?.role;
  const known: Known = { world, expected, roleOf, forced };

  for (let rank = 0; rank < graph.order.length; rank++) {
    if (wanted !== null && !wanted.has(rank)) continue;
    const above = blockers.has(rank) ? rank : blockingParent(graph, rank, blockedBy);
    if (above !== undefined) {
      blockedBy.set(rank, above);
      continue;
    }
    const node = nodeAt(graph.order, rank);
    const [image = -1] = graph.parents[rank] ?? [];
    const unable = node.role === 'publication' ? engineNameBlocker(node, graph.order[image], world) : null;
    const found = unable ?? assessNode(known, node, state.entries.get(node.id));
    if ('why' in found) {
      blockers.set(rank, unable ?? { node: node.id, code: 'OBSERVATION_UNKNOWN', why: found.why });
      blockedBy.set(rank, rank);
      continue;
    }
    of[rank] = found;
    if (found.expected !== undefined) expected.set(node.id, found.expected);
  }
  return { of, blockedBy, blockers };
}

function blockingParent(graph: Graph, rank: number, blockedBy: ReadonlyMap<number, number>): number | undefined {
  if (blockedBy.size === 0) return undefined;
  for (const parent of graph.parents[rank] ?? []) {
    const by = blockedBy.get(parent);
    if (by !== undefined) return by;
  }
  return undefined;
}

/** What all nodes are assessed by. `expected` grows: identities that nodes have if nothing above them changes. */
interface Known {
  readonly world: World;
  readonly expected: ReadonlyMap<NodeId, Digest>;
  readonly roleOf: RoleOf;
  readonly forced: ReadonlySet<NodeId>;
}

type Assessed = Situation | { readonly why: BuildError };

function assessNode(known: Known, node: Node, entry: Entry | undefined): Assessed {
  switch (node.role) {
    case 'external':
      return assessExternal(known, node, entry);
    case 'image':
      return assessImage(known, node, entry);
    case 'publication':
      return assessPublication(known, node, entry);
    default:
      return node satisfies never;
  }
}

function assessExternal({ world, expected, roleOf }: Known, node: External, entry: Entry | undefined): Assessed {
  const output = world.outputs.get(node.id) ?? NO;
  if (output.seen === 'unknown') return { why: output.why };
  if (output.seen === 'no') {
    return {
      why: { code: 'EXTERNAL_NOT_FOUND', retry: 'never', words: `${node.ref} was not found for ${node.platform}` },
    };
  }
  const { identity } = output.value;
  const causes: Cause[] = [...judge(node, entry, '', expected, roleOf)];
  if (entry !== undefined && entry.output.identity !== identity) {
    causes.push({ code: 'EXTERNAL_MOVED', parent: node.id, from: entry.output.identity, to: identity });
  }
  return { verdict: causes.length === 0 ? 'keep' : 'adopt', causes, output, expected: identity };
}

function assessImage(known: Known, node: Image, entry: Entry | undefined): Assessed {
  const { world, expected, roleOf, forced } = known;
  const contents = capabilitiesOf(world, node.builder)?.contents;
  const causes = judge(node, entry, contents ?? entry?.contents ?? '', expected, roleOf);
  const before = entry?.output.identity;
  if (forced.has(node.id))
    return { verdict: 'do', causes: [{ code: 'FORCED' }, ...causes], output: NO, expected: before };
  if (causes.length === 0 && before !== undefined) {
    return { verdict: 'keep', causes, output: sameImage(world.outputs.get(node.id) ?? NO, before), expected: before };
  }
  const candidate = contents === undefined ? undefined : candidateOf(known, node, contents);
  // Building what somebody else may have made is no answer to a question that failed.
  const untold = entry === undefined && candidate === undefined ? world.untold?.get(node.id) : undefined;
  if (untold !== undefined) return { why: untold };
  if (candidate === undefined) return { verdict: 'do', causes, output: NO, expected: before };
  return { verdict: 'adopt', causes, output: { seen: 'yes', value: candidate }, expected: candidate.identity };
}

/** Another image in the place of the entry's is not the entry's. */
function sameImage(seen: Seen<Output>, identity: Digest): Seen<Output> {
  return seen.seen === 'yes' && seen.value.identity !== identity ? NO : seen;
}

/** The candidate that was found under the key which the node has if none of its parents changes. */
function candidateOf({ world, expected }: Known, node: Image, contents: string): Output | undefined {
  const candidate = world.candidates.get(node.id);
  if (candidate === undefined) return undefined;
  const identities: Digest[] = [];
  for (const parent of node.parents) {
    const identity = expected.get(parent);
    if (identity === undefined) return undefined;
    identities.push(identity);
  }
  return keyOf(node, contents, identities) === candidate.key ? candidate.output : undefined;
}

function assessPublication(
  { world, expected, roleOf, forced }: Known,
  node: Publication,
  entry: Entry | undefined,
): Assessed {
  const output = world.outputs.get(node.id) ?? NO;
  if (output.seen === 'unknown') return { why: output.why };
  const causes = judge(node, entry, '', expected, roleOf);
  if (forced.has(node.id))
    return { verdict: 'do', causes: [{ code: 'FORCED' }, ...causes], output, expected: undefined };
  const [image] = node.parents;
  const identity = (image === undefined ? undefined : expected.get(image)) ?? entry?.output.identity;
  const shown = output.seen === 'yes' ? output.value.identity : undefined;
  if (shown !== undefined && shown === identity) {
    return { verdict: causes.length === 0 ? 'keep' : 'adopt', causes, output, expected: undefined };
  }
  const all = [...causes, ...tagCauses(node, entry, shown, world.movedTags?.get(node.id))];
  // An entry that says something else than the tags it describes is no account of them.
  return { verdict: 'do', causes: all.length === 0 ? [{ code: 'OUTPUT_MISSING' }] : all, output, expected: undefined };
}

/** What happened to the tags since they were published; nothing where they never were, or still show what was published. */
function tagCauses(
  node: Publication,
  entry: Entry | undefined,
  shown: Digest | undefined,
  moved: string | undefined,
): readonly Cause[] {
  if (entry === undefined) return NONE;
  const tag = moved ?? node.tags[0];
  if (shown === undefined || tag === undefined) return [{ code: 'OUTPUT_MISSING' }];
  if (shown === entry.output.identity) return NONE;
  return [{ code: 'TAG_MOVED', tag, from: entry.output.identity, to: shown }];
}

/** First pass of planning: what the ledger and the world say about each node, parents first, if nothing else changes. */
import type {
  Blocker,
  BuildError,
  Cause,
  Digest,
  Entry,
  External,
  Image,
  Node,
  NodeId,
  Output,
  Publication,
  Seen,
  State,
  World,
} from '@rebake/sdk';
import type { Graph } from './graph.ts';
import { judge, keyOf, type RoleOf } from './ledger.ts';
import { capabilitiesOf } from './presence.ts';

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
}

const NO: Seen<never> = { seen: 'no' };
const NONE: readonly Cause[] = [];

/** @param blocked blockers known already, by rank: they and everything below them get no situation. */
export function assess(question: Question, blocked: ReadonlyMap<number, Blocker>): Situations {
  const { graph, state, world, wanted } = question;
  const of: (Situation | undefined)[] = Array.from({ length: graph.order.length });
  const blockedBy = new Map<number, number>();
  const blockers = new Map(blocked);
  const expected = new Map<NodeId, Digest>();
  const roleOf: RoleOf = (id) => graph.order[graph.rank.get(id) ?? -1]?.role;

  for (const [rank, node] of graph.order.entries()) {
    if (wanted !== null && !wanted.has(rank)) continue;
    const above = blockers.has(rank) ? rank : blockingParent(graph, rank, blockedBy);
    if (above !== undefined) {
      blockedBy.set(rank, above);
      continue;
    }
    const ask = {
      node,
      entry: state.entries.get(node.id),
      world,
      expected,
      roleOf,
      forced: question.forced.has(node.id),
    };
    const found = assessNode(ask);
    if ('why' in found) {
      blockers.set(rank, { node: node.id, code: 'OBSERVATION_UNKNOWN', why: found.why });
      blockedBy.set(rank, rank);
      continue;
    }
    of[rank] = found.situation;
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

interface Ask<N extends Node = Node> {
  readonly node: N;
  readonly entry: Entry | undefined;
  readonly world: World;
  /** Identities that nodes have if nothing changes: of the entry, the candidate to be adopted, or the external as seen. */
  readonly expected: ReadonlyMap<NodeId, Digest>;
  readonly roleOf: RoleOf;
  readonly forced: boolean;
}

type Assessed = { readonly situation: Situation; readonly expected: Digest | undefined } | { readonly why: BuildError };

function assessNode(ask: Ask): Assessed {
  const { node } = ask;
  switch (node.role) {
    case 'external':
      return assessExternal({ ...ask, node });
    case 'image':
      return assessImage({ ...ask, node });
    case 'publication':
      return assessPublication({ ...ask, node });
    default:
      return node satisfies never;
  }
}

function assessExternal({ node, entry, world, expected, roleOf }: Ask<External>): Assessed {
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
  return { situation: { verdict: causes.length === 0 ? 'keep' : 'adopt', causes, output }, expected: identity };
}

function assessImage(ask: Ask<Image>): Assessed {
  const { node, entry, world, expected, roleOf, forced } = ask;
  const contents = capabilitiesOf(world, node.builder)?.contents;
  const causes = judge(node, entry, contents ?? entry?.contents ?? '', expected, roleOf);
  if (causes.length === 0 && entry !== undefined && !forced) {
    const output = sameImage(world.outputs.get(node.id) ?? NO, entry.output.identity);
    return { situation: { verdict: 'keep', causes: NONE, output }, expected: entry.output.identity };
  }
  if (forced) {
    const situation: Situation = { verdict: 'do', causes: [{ code: 'FORCED' }, ...causes], output: NO };
    return { situation, expected: entry?.output.identity };
  }
  const candidate = contents === undefined ? undefined : candidateOf(ask, contents);
  if (candidate === undefined)
    return { situation: { verdict: 'do', causes, output: NO }, expected: entry?.output.identity };
  return {
    situation: { verdict: 'adopt', causes, output: { seen: 'yes', value: candidate } },
    expected: candidate.identity,
  };
}

/** Another image in the place of the entry's is not the entry's. */
function sameImage(seen: Seen<Output>, identity: Digest): Seen<Output> {
  return seen.seen === 'yes' && seen.value.identity !== identity ? NO : seen;
}

/** The candidate that was found under the key which the node has if none of its parents changes. */
function candidateOf({ node, world, expected }: Ask<Image>, contents: string): Output | undefined {
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

function assessPublication({ node, entry, world, expected, roleOf, forced }: Ask<Publication>): Assessed {
  const output = world.outputs.get(node.id) ?? NO;
  if (output.seen === 'unknown') return { why: output.why };
  const [image] = node.parents;
  const identity = (image === undefined ? undefined : expected.get(image)) ?? entry?.output.identity;
  const shown = output.seen === 'yes' ? output.value.identity : undefined;
  const causes = judge(node, entry, '', expected, roleOf);
  const result = (verdict: Verdict, all: readonly Cause[]): Assessed => ({
    situation: { verdict, causes: all, output },
    expected: undefined,
  });

  if (forced) return result('do', [{ code: 'FORCED' }, ...causes]);
  if (shown !== undefined && shown === identity) return result(causes.length === 0 ? 'keep' : 'adopt', causes);
  const tags = tagCauses(node, entry, shown, world.movedTags?.get(node.id));
  const all = [...causes, ...tags];
  // An entry that says something else than the tags it describes is no account of them.
  return result('do', all.length === 0 ? [{ code: 'OUTPUT_MISSING' }] : all);
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

/** The ledger: fingerprints, keys, and the one function that says whether a node is stale. */
import {
  compareBytes,
  digestOf,
  type Cause,
  type Digest,
  type Entry,
  type Inputs,
  type Node,
  type NodeId,
} from '@rebake/sdk';

/** Role of a node of the graph; undefined for an id that is not in it. */
export type RoleOf = (id: NodeId) => Node['role'] | undefined;

const NONE: readonly Cause[] = [];

/** Fingerprint of a node's inputs: the digest of its `key → digest` pairs and of nothing else. */
export function own(inputs: Inputs): Digest {
  const digests = Object.create(null) as Record<string, Digest>;
  for (const [key, input] of Object.entries(inputs)) digests[key] = input.digest;
  return digestOf(digests);
}

/**
 * Key of an image, under which its candidates are found: a function of its inputs, of the contents class of its builder, and of the
 * identities of its parents in the node's order.
 */
export function keyOf(node: Node, contents: string, parents: readonly Digest[]): Digest {
  return digestOf({ own: own(node.inputs), contents, parents });
}

/**
 * Compares a node with its entry: the causes for which the entry does not describe it any more; none means ledger-fresh. Nothing else in
 * rebake computes staleness. Presence, force and tags are no matter of the ledger.
 *
 * @param contents contents class of the node's builder; only compared for images. Pass the entry's own where the builder is unknown.
 * @param parents identities of parents; one that is not in the map is not known yet, and not compared.
 * @returns inputs first, sorted by the bytes of their keys; then the contents class; then parents in the node's order; a parent that is
 *   none any more comes last, as INPUT_REMOVED of `parent/ID`.
 */
export function judge(
  node: Node,
  entry: Entry | undefined,
  contents: string,
  parents: ReadonlyMap<NodeId, Digest>,
  roleOf: RoleOf,
): readonly Cause[] {
  if (entry === undefined) return [{ code: 'NEVER_BUILT', because: node.because }];
  const causes: Cause[] = [];
  compareInputs(node.inputs, entry.inputs, causes);
  if (node.role === 'image' && contents !== entry.contents) {
    causes.push({ code: 'CONTENTS_CHANGED', from: entry.contents, to: contents });
  }
  compareParents(node, entry, parents, roleOf, causes);
  if (causes.length > 0) return causes;
  return orderChanged(node, entry, contents, parents, roleOf) ?? NONE;
}

function compareInputs(now: Inputs, before: Inputs, causes: Cause[]): void {
  let shared = 0;
  const keys = Object.keys(now);
  for (const key of keys) {
    const to = now[key];
    if (to === undefined) continue;
    const from = Object.hasOwn(before, key) ? before[key] : undefined;
    if (from === undefined) {
      causes.push({ code: 'INPUT_ADDED', key, to });
      continue;
    }
    shared++;
    if (from.digest !== to.digest) causes.push({ code: 'INPUT_CHANGED', key, from, to });
  }
  const old = Object.keys(before);
  if (shared < old.length) {
    for (const key of old) {
      const from = before[key];
      if (from !== undefined && !Object.hasOwn(now, key)) causes.push({ code: 'INPUT_REMOVED', key, from });
    }
  }
  if (causes.length > 1) causes.sort((a, b) => compareBytes(inputKey(a), inputKey(b)));
}

function inputKey(cause: Cause): string {
  return 'key' in cause ? cause.key : '';
}

function parentCause(parent: NodeId, from: Digest | null, to: Digest, roleOf: RoleOf): Cause {
  return { code: roleOf(parent) === 'external' ? 'EXTERNAL_MOVED' : 'PARENT_CHANGED', parent, from, to };
}

function compareParents(
  node: Node,
  entry: Entry,
  parents: ReadonlyMap<NodeId, Digest>,
  roleOf: RoleOf,
  causes: Cause[],
): void {
  let shared = 0;
  for (const parent of node.parents) {
    const from = Object.hasOwn(entry.parents, parent) ? (entry.parents[parent] ?? null) : null;
    if (from !== null) shared++;
    const to = parents.get(parent);
    if (to !== undefined && from !== to) causes.push(parentCause(parent, from, to, roleOf));
  }
  const old = Object.keys(entry.parents) as NodeId[];
  if (shared === old.length) return;
  const current = new Set(node.parents);
  for (const parent of old) {
    const digest = entry.parents[parent];
    if (digest !== undefined && !current.has(parent)) {
      causes.push({ code: 'INPUT_REMOVED', key: `parent/${parent}`, from: { digest, shown: parent } });
    }
  }
}

/** The order of parents counts in the key, and only there: the same parents in another order make another image. */
function orderChanged(
  node: Node,
  entry: Entry,
  contents: string,
  parents: ReadonlyMap<NodeId, Digest>,
  roleOf: RoleOf,
): readonly Cause[] | null {
  const [first] = node.parents;
  if (first === undefined || node.parents.length === 1 || entry.key === null) return null;
  const identities: Digest[] = [];
  for (const parent of node.parents) {
    const identity = parents.get(parent);
    if (identity === undefined) return null;
    identities.push(identity);
  }
  const [identity] = identities;
  if (identity === undefined || keyOf(node, contents, identities) === entry.key) return null;
  return [parentCause(first, null, identity, roleOf)];
}

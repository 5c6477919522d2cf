/** What is done to images: looking for candidates, locating, adopting, fetching, building. */
import { isDelegated, keyOf } from '@rebake/planner';
import { BuildFailure, candidateTag, digestOf } from '@rebake/sdk';
import type { BuildError, Built, Candidate, Digest, Image, Location, NodeId, Output, Seen } from '@rebake/sdk';
import { mergePlaces } from '../observe/known.ts';
import type { Call } from '../run/builders.ts';
import type { Place, Report } from './cell.ts';
import type { Ground } from './ground.ts';
import { bringCandidate } from './publish.ts';

/** Looks for a candidate under the key that the image has with its parents as they are now. */
export async function look(ground: Ground, node: Image): Promise<Report> {
  const { lookout } = ground.means;
  const key = await keyNow(ground, node, lookout.signal);
  const candidate = await lookout.candidate(node, key, ground.publications.get(node.id) ?? [], ground.known);
  const found = candidate ? { key, output: candidate } : await claimed(ground, node, key);
  if (!found) return { work: 'look', found: null };
  ground.candidates.set(node.id, found);
  ground.places.set(node.id, found.output);
  return { work: 'look', found: await placeOf(ground, node, { seen: 'yes', value: found.output }) };
}

/** What somebody else has made for a node that nobody has made here so far. Asked only where the plan was told so: else it is for the next plan. */
async function claimed(ground: Ground, node: Image, key: Digest): Promise<Candidate | null> {
  if (ground.entries.has(node.id) || ground.action(node.id).claim === undefined) return null;
  const parents = new Map(node.parents.map((id) => [id, ground.identity(id)]));
  const claim = await ground.means.claims?.(node, parents);
  if (!claim) return null;
  const { output, note, unverified } = claim;
  return { key, output, claim: { note, unverified } };
}

/** Looks for the image of the entry. Where the places that matter do not answer, that is the node's failure. */
export async function locate(ground: Ground, node: Image): Promise<Report> {
  const seen = await ground.means.lookout.locate(ground.placesOf(node.id), node.builder);
  if (seen.seen === 'unknown') return { work: 'failed', error: seen.why };
  if (seen.seen === 'yes') ground.places.set(node.id, seen.value);
  return { work: 'locate', place: await placeOf(ground, node, seen) };
}

/** Records the candidate that was found. */
export async function adoptImage(ground: Ground, node: Image): Promise<Report> {
  const found = ground.candidates.get(node.id);
  if (!found) throw new Error(`${node.id} has no candidate to adopt`);
  const { contents } = await ground.means.builders.capabilities(node.builder, ground.means.lookout.signal);
  // What the entry knows of the same image may still be true where it could not be asked.
  const before = ground.entries.get(node.id)?.output;
  const output = mergePlaces(found.output, before ? [found.output, before] : [found.output]);
  const record = found.claim?.note;
  await ground.commit(node, {
    output,
    contents,
    key: found.key,
    ms: null,
    ...(record === undefined ? {} : { record }),
  });
  await followKey(ground, node, found.key, ground.means.lookout.signal);
  return { work: 'adopt', identity: found.output.identity };
}

/** Brings the image from a registry into its builder's engine, and makes sure that it is the same one. */
export async function fetchImage(ground: Ground, node: Image, call: Call): Promise<Report> {
  const { builders } = ground.means;
  const entry = ground.entry(node.id);
  const output = ground.output(node.id);
  const key = entry.key ?? output.identity;
  const location = await builders.fetch(node.builder, output, key, call);
  const seen = await builders.inspect(node.builder, location, call);
  if (seen.seen === 'unknown') throw new BuildFailure(seen.why);
  if (seen.seen === 'no' || seen.value.identity !== output.identity) throw changed(node, 'after it was fetched');
  const merged = mergePlaces(output, [{ identity: output.identity, at: [location] }, output]);
  await ground.commit(node, { output: merged, contents: entry.contents, key: entry.key, ms: null });
  ground.places.set(node.id, merged);
  return { work: 'fetch' };
}

/** Builds the image and commits it. What another node of this run builds under the same key is taken from there. */
export async function buildImage(ground: Ground, node: Image, call: Call): Promise<Report> {
  const { builders } = ground.means;
  const { contents } = await builders.capabilities(node.builder, call.signal);
  const key = await keyNow(ground, node, call.signal);
  const name = `${node.builder} ${key}`;
  const start = ground.means.now();
  const { built, mine } = await shared(ground.making, name, () => makeImage(ground, node, key, call));
  const { record, ...output } = built;
  ground.places.set(node.id, output);
  const ms = mine ? Math.round(ground.means.now() - start) : null;
  await ground.commit(node, { output, contents, key, ms, ...(record === undefined ? {} : { record }) });
  await followKey(ground, node, key, call.signal);
  return { work: mine ? 'build' : 'adopt', identity: output.identity };
}

/** One `make` a name: whoever comes later waits for it. If it fails, the first of those who waited tries in its place. */
async function shared(
  making: Map<string, Promise<Built>>,
  name: string,
  make: () => Promise<Built>,
): Promise<{ readonly built: Built; readonly mine: boolean }> {
  for (let other = making.get(name); other; other = making.get(name)) {
    try {
      return { built: await other, mine: false };
    } catch {
      if (making.get(name) === other) making.delete(name);
    }
  }
  // Nothing is awaited between looking and entering: else two could find the place empty.
  const own = make();
  making.set(name, own);
  return { built: await own, mine: true };
}

/**
 * An image that came out as it was has a new key, and its publications stay as they are: there, it gets the candidate name of the new key,
 * under which other machines will look. Where that fails, they build it once more; nothing else rests on it.
 */
async function followKey(ground: Ground, node: Image, key: Digest, signal: AbortSignal): Promise<void> {
  const { identity } = ground.entry(node.id).output;
  for (const publication of ground.publications.get(node.id) ?? []) {
    const published = ground.entries.get(publication.id)?.output;
    if (published?.identity !== identity) continue;
    for (const at of published.at) {
      if (!('registry' in at)) continue;
      try {
        await ground.means.registry.tag(at, candidateTag(key), { signal });
      } catch (error) {
        if (!(error instanceof BuildFailure)) throw error;
      }
    }
  }
}

async function makeImage(ground: Ground, node: Image, key: Digest, call: Call): Promise<Built> {
  const froms: Record<string, Output> = {};
  for (const id of node.parents) {
    const parent = ground.node(id);
    if (parent?.role === 'external') froms[parent.ref] = ground.externalOutput(id);
  }
  const { access, builders } = ground.means;
  const parent = await parentOf(ground, node, call);
  const series = seriesOf(node.id);
  return builders.build(
    node.builder,
    {
      key,
      series,
      spec: node.spec,
      platform: node.platform,
      parent,
      froms,
      access: access(node.id),
      publishTo: ground.targets(node.id),
    },
    call,
  );
}

/** A node's name as a tag can hold it: as much of it as can be read, and enough of a digest to tell it from all others. */
export function seriesOf(id: NodeId): string {
  const readable = id
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 80);
  const digest = digestOf(id).slice('sha256:'.length, 'sha256:'.length + 16);
  // A tag begins with no dash, whatever a node is called.
  return readable === '' ? digest : `${readable}-${digest}`;
}

/** What the image is built FROM: its first image parent, else its first external one; nothing where the first step brings its own ground. */
async function parentOf(ground: Ground, node: Image, call: Call): Promise<Output | null> {
  const first = node.spec.steps[0]?.step;
  if (first === 'rootfs' || first === 'layout' || first === 'dockerfile') return null;
  const parents = node.parents.map((id) => ground.node(id));
  const parent = parents.find((one) => one?.role === 'image') ?? parents.find((one) => one?.role === 'external');
  if (!parent) return null;
  if (parent.role === 'external') return ground.externalOutput(parent.id);
  const output = ground.output(parent.id);
  // Another system builds from what it finds; where nobody has ever seen the parent, its identity is all that can be handed on.
  if (output.at.length === 0 && isDelegated(node)) return output;
  const { engine } = await ground.means.builders.capabilities(node.builder, call.signal);
  const here = output.at.filter((at) => 'engine' in at && at.engine === engine);
  const seen = output.at.filter((at) => 'registry' in at);
  if (here.length > 0) return { identity: output.identity, at: [...here, ...seen] };
  // Its parent is made by another builder, in another engine: what a registry has can be brought here all the same.
  const elsewhere = seen.length > 0 ? seen : [await throughRegistry(ground, parent, node, call)];
  const key = ground.entry(parent.id).key ?? output.identity;
  const location = await ground.means.builders.fetch(
    node.builder,
    { identity: output.identity, at: elsewhere },
    key,
    call,
  );
  return { identity: output.identity, at: [location, ...elsewhere] };
}

/**
 * Brings an image that is only in its builder's engine to where it is going to be published anyway, under its candidate's name: from there, other
 * builders can have it.
 */
async function throughRegistry(ground: Ground, parent: Image, child: Image, call: Call): Promise<Location> {
  for (const { registry, repository } of ground.publications.get(parent.id) ?? []) {
    if (registry === null) continue;
    const target = { registry, repository };
    const key = ground.entry(parent.id).key ?? ground.output(parent.id).identity;
    return { ...target, manifest: await bringCandidate(ground, target, parent, ground.output(parent.id), key, call) };
  }
  const words = `${parent.id} is only in another engine than that of builder ${child.builder}: publish it, or build both with one builder`;
  throw new BuildFailure({ code: 'PARENT_ELSEWHERE', retry: 'never', words });
}

async function keyNow(ground: Ground, node: Image, signal: AbortSignal): Promise<Digest> {
  const { contents } = await ground.means.builders.capabilities(node.builder, signal);
  return keyOf(
    node,
    contents,
    node.parents.map((id) => ground.identity(id)),
  );
}

async function placeOf(ground: Ground, node: Image, seen: Seen<Output>): Promise<Place> {
  if (seen.seen !== 'yes' || seen.value.at.length === 0) return 'nowhere';
  const { engine } = await ground.means.builders.capabilities(node.builder, ground.means.lookout.signal);
  return seen.value.at.some((at) => 'engine' in at && at.engine === engine) ? 'engine' : 'registry';
}

function changed({ id }: { readonly id: NodeId }, when: string): BuildFailure {
  const error: BuildError = { code: 'IDENTITY_CHANGED', retry: 'never', words: `${id} is another image ${when}` };
  return new BuildFailure(error);
}

/** Publishing: the candidate is made present in the repository first, then each tag is moved. */
import { BuildFailure, candidateTag } from '@rebake/sdk';
import type { Digest, Image, Location, Output, Publication } from '@rebake/sdk';
import { mergePlaces } from '../observe/known.ts';
import type { Call } from '../run/builders.ts';
import type { Report } from './cell.ts';
import type { Ground } from './ground.ts';

/** A place to publish to. */
interface Target {
  readonly registry: string;
  readonly repository: string;
}

/** Publishes the image of a publication as it is now. */
export async function publish(ground: Ground, node: Publication, call: Call): Promise<Report> {
  const image = imageOf(ground, node);
  const start = ground.means.now();
  const { identity } = ground.output(image.id);
  const at =
    node.registry === null
      ? await tagInEngine(ground, node, image, call)
      : await toRegistry(ground, node, { registry: node.registry, repository: node.repository }, image, call);
  await ground.commit(node, {
    output: { identity, at },
    contents: '',
    key: null,
    ms: Math.round(ground.means.now() - start),
  });
  return { work: 'publish', identity };
}

/** Records a publication whose tags show its image already. Fails where they do not: moving them was not planned. */
export async function adoptPublication(ground: Ground, node: Publication, call: Call): Promise<Report> {
  const image = imageOf(ground, node);
  const output = ground.output(image.id);
  const at =
    node.registry === null
      ? await engineTags(ground, node, image, output, call)
      : await registryTags(ground, node, { registry: node.registry, repository: node.repository }, image, output);
  if (!at) throw ground.exceeded('its tags do not show its image any more');
  await ground.commit(node, { output: { identity: output.identity, at }, contents: '', key: null, ms: null });
  return { work: 'adopt', identity: output.identity };
}

function imageOf(ground: Ground, node: Publication): Image {
  const [image] = node.parents;
  if (image === undefined) throw new Error(`${node.id} publishes nothing`);
  return ground.image(image);
}

async function tagInEngine(ground: Ground, node: Publication, image: Image, call: Call): Promise<readonly Location[]> {
  const output = ground.output(image.id);
  const at: Location[] = [];
  for (const tag of node.tags) {
    at.push(await ground.means.builders.tag(image.builder, output, `${node.repository}:${tag}`, call));
  }
  // Without tags, the candidate itself is what is published.
  return at.length > 0 ? at : output.at;
}

async function toRegistry(
  ground: Ground,
  node: Publication,
  target: Target,
  image: Image,
  call: Call,
): Promise<readonly Location[]> {
  const { registry, lookout } = ground.means;
  const output = ground.output(image.id);
  const key = ground.entry(image.id).key ?? output.identity;
  const manifest = await bringCandidate(ground, target, image, output, key, call);
  for (const tag of node.tags) {
    const seen = await lookout.head({ ...target, reference: tag });
    if (seen.seen === 'yes' && seen.value.manifest === manifest) continue;
    await registry.tag({ ...target, manifest }, tag, { signal: call.signal });
  }
  return [{ ...target, manifest }];
}

/** Manifest of the image in the repository: there already, copied from another repository, or pushed by its builder. */
export async function bringCandidate(
  ground: Ground,
  target: Target,
  image: Image,
  output: Output,
  key: Digest,
  call: Call,
): Promise<Digest> {
  const { registry, lookout, builders, beforePush } = ground.means;
  const tag = candidateTag(key);
  const seen = await lookout.resolve({ ...target, reference: tag }, image.platform);
  if (seen.seen === 'unknown') throw new BuildFailure(seen.why);
  if (seen.seen === 'yes' && seen.value.identity === output.identity) return seen.value.top;
  const onLine = (text: string): void => call.emit?.({ type: 'log', text });
  await beforePush?.({ ...target, tag }, { signal: call.signal, onLine });

  const places = mergePlaces(output, [output, ground.placesOf(image.id)]).at.flatMap((at) =>
    'registry' in at ? [at] : [],
  );
  const [here, ...others] = places.toSorted((a, b) => distance(a, target) - distance(b, target));
  for (const from of here ? [here, ...others] : []) {
    const there = await lookout.isAt(output.identity, from, image.builder);
    if (there.seen !== 'yes') continue;
    if (distance(from, target) === 0) {
      await registry.tag(from, tag, { signal: call.signal });
      return from.manifest;
    }
    const onBytes = (done: number): void => call.emit?.({ type: 'bytes', done });
    const { digest, bytes } = await registry.copy(from, { ...target, tag }, { signal: call.signal, onBytes });
    call.emit?.({ type: 'sent', ...bytes });
    return verified(ground, target, image, output, digest);
  }
  return verified(ground, target, image, output, await builders.push(image.builder, output, { ...target, key }, call));
}

/** 0: this repository, 1: this registry, 2: another one. */
function distance(at: Target, target: Target): number {
  if (at.registry !== target.registry) return 2;
  return at.repository === target.repository ? 0 : 1;
}

/** Makes sure that what is in the repository now is the image: no tag ever moves to something else. */
async function verified(
  ground: Ground,
  target: Target,
  image: Image,
  output: Output,
  manifest: Digest,
): Promise<Digest> {
  const seen = await ground.means.lookout.resolve({ ...target, reference: manifest }, image.platform);
  if (seen.seen === 'unknown') throw new BuildFailure(seen.why);
  if (seen.seen === 'yes' && seen.value.identity === output.identity) return seen.value.top;
  const words = `${target.registry}/${target.repository}@${manifest} is not the image ${output.identity} that was pushed`;
  throw new BuildFailure({ code: 'IDENTITY_CHANGED', retry: 'never', words });
}

async function registryTags(
  ground: Ground,
  node: Publication,
  target: Target,
  image: Image,
  output: Output,
): Promise<readonly Location[] | null> {
  const { lookout } = ground.means;
  const key = ground.entry(image.id).key;
  const references = node.tags.length > 0 ? node.tags : key === null ? [] : [candidateTag(key)];
  const places: Location[] = [];
  for (const reference of references) {
    const seen = await lookout.resolve({ ...target, reference }, image.platform);
    if (seen.seen === 'unknown') throw new BuildFailure(seen.why);
    if (seen.seen === 'no' || seen.value.identity !== output.identity) return null;
    places.push({ ...target, manifest: seen.value.top });
  }
  return places.length > 0 ? mergePlaces(output, [{ identity: output.identity, at: places }]).at : null;
}

async function engineTags(
  ground: Ground,
  node: Publication,
  image: Image,
  output: Output,
  call: Call,
): Promise<readonly Location[] | null> {
  const { builders } = ground.means;
  const { engine } = await builders.capabilities(image.builder, call.signal);
  const places: Location[] = [];
  for (const tag of node.tags) {
    const at: Location = { engine, name: `${node.repository}:${tag}` };
    const seen = await builders.inspect(image.builder, at, call);
    if (seen.seen === 'unknown') throw new BuildFailure(seen.why);
    if (seen.seen === 'no' || seen.value.identity !== output.identity) return null;
    places.push(at);
  }
  return places.length > 0 ? places : output.at;
}

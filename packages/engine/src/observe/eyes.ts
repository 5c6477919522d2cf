/** What observing asks of the world, and how it is answered: by looking. (Trusting the state instead is in trust.ts.) */
import { parseReference } from '@rebake/sdk';
import type { BuildError, Capabilities, Digest, External, Image, Output, Publication, Seen } from '@rebake/sdk';
import type { Known } from './known.ts';
import { referenceOf } from './lookout.ts';
import type { Lookout } from './lookout.ts';

/** A publication as far as tags go. Nodes are not spread to make one: what they look up when asked would be looked up for each. */
export type Tagged = Pick<Publication, 'id' | 'registry' | 'repository' | 'tags'>;

/** Questions about nodes. */
export interface Eyes {
  capabilities(builder: string): Promise<Seen<Capabilities>>;
  /** `builder`: one that could pull it; asked for references without a registry. */
  external(node: External, builder: string | null): Promise<Seen<Output>>;
  image(image: Image, output: Output): Promise<Seen<Output>>;
  candidate(image: Image, key: Digest, publications: readonly Publication[]): Promise<Output | null>;
  /** Per tag: what image is there. */
  tags(node: Tagged, image: Image): Promise<ReadonlyMap<string, Seen<Output>>>;
}

const NO: Seen<never> = { seen: 'no' };

/** Really looks. */
export function openEyes(lookout: Lookout, known: Known): Eyes {
  const externals = new Map<string, Promise<Seen<Output>>>();
  return {
    capabilities: (builder) => lookout.capabilities(builder),
    external(node, builder) {
      const reference = parseReference(node.ref);
      // Only a name without a registry depends on who asks.
      const asker = 'registry' in reference && reference.registry === null ? builder : null;
      const name = `${node.ref} ${node.platform} ${asker}`;
      let seen = externals.get(name);
      if (!seen) externals.set(name, (seen = lookAtExternal(lookout, node, builder)));
      return seen;
    },
    image: (image, output) => lookout.locate(output, image.builder),
    candidate: (image, key, publications) => lookout.candidate(image, key, publications, known),
    async tags(node, image) {
      const before = known.entries.get(node.id)?.output;
      const { registry, repository } = node;
      const look = (tag: string): Promise<Seen<Output>> =>
        registry === null
          ? lookAtEngineTag(lookout, node, image, tag)
          : lookAtTag(lookout, { registry, repository }, image, tag, before);
      return new Map(await Promise.all(node.tags.map(async (tag) => [tag, await look(tag)] as const)));
    },
  };
}

async function lookAtExternal(lookout: Lookout, node: External, builder: string | null): Promise<Seen<Output>> {
  const reference = parseReference(node.ref);
  if ('error' in reference) return unknown('REFERENCE_INVALID', `${node.ref}: ${reference.error}`);
  const { registry, repository } = reference;
  if (registry === null) {
    // No registry is assumed anywhere: such a name is one of an engine.
    if (builder === null) return NO;
    const capabilities = await lookout.capabilities(builder);
    if (capabilities.seen !== 'yes') return capabilities;
    return lookout.inspect(builder, { engine: capabilities.value.engine, name: node.ref });
  }
  const seen = await lookout.resolve({ registry, repository, reference: referenceOf(reference) }, node.platform);
  if (seen.seen !== 'yes') return seen;
  const { identity, manifest } = seen.value;
  return { seen: 'yes', value: { identity, at: [{ registry, repository, manifest }] } };
}

async function lookAtTag(
  lookout: Lookout,
  { registry, repository }: { readonly registry: string; readonly repository: string },
  image: Image,
  tag: string,
  known: Output | undefined,
): Promise<Seen<Output>> {
  const head = await lookout.head({ registry, repository, reference: tag });
  if (head.seen !== 'yes') return head;
  const { manifest } = head.value;
  const at = { registry, repository, manifest };
  // The manifest that was published: its identity is known without reading it.
  const published = known?.at.some(
    (place) =>
      'registry' in place &&
      place.registry === registry &&
      place.repository === repository &&
      place.manifest === manifest,
  );
  if (known && published) return { seen: 'yes', value: { identity: known.identity, at: [at] } };
  const seen = await lookout.resolve({ registry, repository, reference: manifest }, image.platform);
  // A tag on an image for another platform, or on something that is no image, is a tag that does not show the image.
  if (seen.seen === 'unknown' && seen.why.code === 'PLATFORM_MISSING') return NO;
  return seen.seen === 'yes' ? { seen: 'yes', value: { identity: seen.value.identity, at: [at] } } : seen;
}

async function lookAtEngineTag(lookout: Lookout, node: Tagged, image: Image, tag: string): Promise<Seen<Output>> {
  const capabilities = await lookout.capabilities(image.builder);
  if (capabilities.seen !== 'yes') return capabilities;
  return lookout.inspect(image.builder, { engine: capabilities.value.engine, name: `${node.repository}:${tag}` });
}

/** An observation that could not be made. */
export function unknown(code: string, words: string): Seen<never> {
  const why: BuildError = { code, retry: 'never', words };
  return { seen: 'unknown', why };
}

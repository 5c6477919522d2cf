/** Images between Podman and registries: pushed and pulled by digest, and compared afterwards. */
import { candidateTag, createRegistryClient, isDigest } from '@rebake/image';
import type { Digest, Location, Output } from '@rebake/image';
import {
  candidateName,
  failure,
  fromFirstRegistry,
  parseName,
  pullReference,
  registryName,
} from '@rebake/sdk/building';
import type { LayeredImage } from '@rebake/sdk/building';
import type { Ctx } from '@rebake/sdk';
import type { PodmanLine } from './json-lines.ts';
import type { Entrance, Podman } from './podman.ts';

/** Pushes an image as the candidate of a key. Returns the digest of its manifest in the registry. */
export async function push(
  podman: Podman,
  image: Output,
  to: { readonly registry: string; readonly repository: string; readonly key: Digest },
  ctx: Ctx,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Digest> {
  const name = registryName(to.registry, to.repository, candidateTag(to.key));
  // Podman's own words for it are about something else.
  if (!(await podman.image(image.identity, ctx.signal)))
    throw failure('IMAGE_MISSING', 'never', `Podman has no image ${image.identity}`);
  let said: string | undefined;
  await podman.push(image.identity, name, await entranceOf(to.registry, ctx), ctx.signal, (line) => {
    said = line.manifest ?? said;
    report(line, ctx);
  });
  return checked(image.identity, { ...to, reference: isDigest(said) ? said : name.tag }, ctx, env);
}

/** What the registry has by now: Podman 4.3 does not say under which digest it has pushed, and none says whether the config is the same. */
async function checked(
  identity: Digest,
  at: { readonly registry: string; readonly repository: string; readonly reference: string },
  ctx: Ctx,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Digest> {
  const client = createRegistryClient({
    access: (host) => ctx.registry(host),
    credentials: async (host) => ctx.credentials(host),
    env,
  });
  try {
    const { registry, repository, reference } = at;
    const seen = await client.resolve({ registry, repository, reference }, { signal: ctx.signal });
    const shown = `${registry}/${repository} ${reference}`;
    switch (seen.seen) {
      case 'yes':
        if (seen.value.identity === identity) return seen.value.manifest;
        throw failure('IDENTITY_MISMATCH', 'never', `${shown} is ${seen.value.identity} by now, not ${identity}`);
      case 'no':
        throw failure('REGISTRY_NOT_FOUND', 'backoff', `Podman pushed ${shown}, and it is not there`);
      case 'unknown':
        throw failure(seen.why.code, seen.why.retry, seen.why.words);
      default:
        return seen satisfies never;
    }
  } finally {
    await client.close();
  }
}

/** Pulls an image from the first of its registries that has it, and keeps it as the candidate of a key. */
export async function fetch(podman: Podman, image: Output, key: Digest, ctx: Ctx): Promise<Location> {
  const { id } = await podman.info(ctx.signal);
  const name = candidateName(key);
  const { reference } = await pullImage(podman, image, ctx);
  try {
    await podman.tag(image.identity, parseName(name), ctx.signal);
  } finally {
    // The name that the pull gave it; the image stays, under the candidate's. Also after an abort.
    await podman.untag(reference, new AbortController().signal).catch(() => undefined);
  }
  return { engine: id, name };
}

/** Pulls an image from the first of its registries that has it. The reference is its only new name. */
export async function pullImage(
  podman: Podman,
  { identity, at: places }: Output,
  ctx: Ctx,
): Promise<{ readonly image: LayeredImage; readonly reference: string }> {
  let image: LayeredImage | null = null;
  const at = await fromFirstRegistry({ identity, at: places }, ctx.signal, async (place) => {
    const reference = pullReference(place);
    await podman.pull(reference, await entranceOf(place.registry, ctx), ctx.signal, (line) => report(line, ctx));
    image = await podman.image(reference, ctx.signal);
    if (image?.id !== identity) await podman.untag(reference, ctx.signal);
    return image?.id ?? null;
  });
  const reference = pullReference(at);
  if (!image) throw failure('IMAGE_MISSING', 'backoff', `Podman pulled ${reference}, and has it no more`);
  return { image, reference };
}

async function entranceOf(host: string, ctx: Ctx): Promise<Entrance> {
  return { access: { ...ctx.registry(host), host }, login: await ctx.credentials(host) };
}

function report({ stream }: PodmanLine, ctx: Ctx): void {
  for (const text of (stream ?? '').split('\n')) if (text !== '') ctx.emit({ type: 'log', text });
}

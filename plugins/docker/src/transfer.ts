/** Images between an engine and registries: pushed and pulled under names that are checked, with digests that are compared. */
import { candidateTag, isDigest } from '@rebake/image';
import type { Digest, Location, Output } from '@rebake/image';
import type { Ctx } from '@rebake/sdk';
import {
  candidateName,
  failure,
  fromFirstRegistry,
  parseName,
  pullReference,
  registryName,
} from '@rebake/sdk/building';
import type { RegistryLocation } from '@rebake/sdk/building';
import type { Engine } from './engine.ts';
import { transferProgress } from './transfer-progress.ts';

/** Temporary names in use, by engine and name, so that one push does not take the name away from another. */
export type NamesInUse = Map<string, number>;

/** Pushes an image of this engine as the candidate of a key. Returns the digest of its manifest in the registry. */
export async function push(
  engine: Engine,
  image: Output,
  to: { readonly registry: string; readonly repository: string; readonly key: Digest },
  ctx: Ctx,
  inUse: NamesInUse,
): Promise<Digest> {
  const name = registryName(to.registry, to.repository, candidateTag(to.key));
  const full = `${name.repository}:${name.tag}`;
  const login = await ctx.credentials(to.registry);
  await engine.tag(image.identity, name, ctx.signal);
  inUse.set(full, (inUse.get(full) ?? 0) + 1);
  let digest: string | undefined;
  try {
    const report = transferProgress(ctx.emit.bind(ctx));
    await engine.push(name, login, ctx.signal, (line) => {
      digest = line.digest ?? digest;
      report(line);
    });
  } finally {
    const left = (inUse.get(full) ?? 1) - 1;
    if (left > 0) inUse.set(full, left);
    else {
      inUse.delete(full);
      // Also after an abort; and what became of the push matters more than a name that stays behind.
      await engine.untag(full, new AbortController().signal).catch(() => undefined);
    }
  }
  if (!isDigest(digest))
    throw failure('ENGINE_ANSWER_INVALID', 'never', `the engine pushed ${full} without saying a digest`);
  return digest;
}

/** Pulls an image from the first of its registries that has it, and keeps it as the candidate of a key. */
export async function fetch(engine: Engine, engineId: string, image: Output, key: Digest, ctx: Ctx): Promise<Location> {
  const name = candidateName(key);
  const from = await fromFirstRegistry(image, ctx.signal, (at) => pull(engine, image.identity, at, ctx));
  await engine.tag(image.identity, parseName(name), ctx.signal);
  // The name that the pull gave it; the image stays, under the candidate's.
  await engine.untag(pullReference(from), ctx.signal);
  return { engine: engineId, name };
}

/** Pulls an image; what came under another identity is let go again. */
async function pull(engine: Engine, identity: Digest, at: RegistryLocation, ctx: Ctx): Promise<Digest | null> {
  const reference = pullReference(at);
  await engine.pull(reference, await ctx.credentials(at.registry), ctx.signal, transferProgress(ctx.emit.bind(ctx)));
  const pulled = await engine.inspect(reference, ctx.signal);
  if (pulled?.id !== identity) await engine.untag(reference, ctx.signal);
  return pulled?.id ?? null;
}

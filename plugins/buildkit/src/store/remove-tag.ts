/** Takes one tag away from a repository, and nothing else. */
import { BuildFailure, digestOfBytes } from '@rebake/image';
import type { RegistryClient, RepositoryAt } from '@rebake/image';
import type { Use } from '@rebake/sdk/building';

/**
 * Registries delete manifests, with all of their tags; few delete a tag. So the tag is moved to an index of no images that is its own, and
 * that one is deleted. In between, and for ever where a registry goes down between the two, the tag leads to no image. Where the registry does
 * not delete, the tag is put back and its refusal passed on.
 */
export async function removeTag(client: RegistryClient, at: RepositoryAt, tag: string, { signal }: Use): Promise<void> {
  const seen = await client.head({ ...at, reference: tag }, { signal });
  if (seen.seen === 'unknown') throw new BuildFailure(seen.why);
  if (seen.seen === 'no') return;
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [],
      annotations: { 'dev.rebake.removed': tag },
    }),
  );
  const nothing = digestOfBytes(bytes);
  const source = {
    async *read(): AsyncGenerator<Uint8Array> {
      yield bytes;
    },
  };
  await client.upload(source, nothing, { ...at, tag }, { signal });
  try {
    await client.remove({ ...at, manifest: nothing }, { signal });
  } catch (error) {
    await client.tag({ ...at, manifest: seen.value.manifest }, tag, { signal }).catch(() => undefined);
    throw error;
  }
}

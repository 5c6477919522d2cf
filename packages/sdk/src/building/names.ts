/** Names of images in an engine: every one is checked before it goes into a path of the engine's API. */
import { candidateTag, isDigest, parseReference } from '@rebake/image';
import type { Digest, Location } from '@rebake/image';
import { failure } from './failures.ts';

/** Name under which an engine keeps the image of a key. */
export function candidateName(key: Digest): string {
  return `rebake/candidate:${candidateTag(key)}`;
}

/** A name taken apart. */
export interface Name {
  /** With the host, if it has one. */
  readonly repository: string;
  readonly tag: string;
}

/** Takes `[host/]repository:tag` apart. Throws a failure for anything else: it may come from a config or a state file. */
export function parseName(name: string): Name {
  const reference = parseReference(name);
  if ('error' in reference || reference.tag === undefined || reference.digest !== undefined) {
    const why = 'error' in reference ? reference.error : 'a name in an engine is repository:tag';
    throw failure('NAME_INVALID', 'never', `${JSON.stringify(name)} cannot name an image in an engine: ${why}`);
  }
  const { registry, repository, tag } = reference;
  return { repository: registry === null ? repository : `${registry}/${repository}`, tag };
}

/** Name of an image that is about to be pushed: Docker must read the same registry in it that is meant, and no other. */
export function registryName(registry: string, repository: string, tag: string): Name {
  const text = `${registry}/${repository}:${tag}`;
  const reference = parseReference(text);
  if (!('error' in reference) && reference.registry !== registry) {
    throw failure(
      'NAME_INVALID',
      'never',
      `${JSON.stringify(registry)} is no registry to Docker: it has no dot and no port`,
    );
  }
  return parseName(text);
}

/** `host/repository@digest`, checked. */
export function pullReference({ registry, repository, manifest }: Extract<Location, { registry: string }>): string {
  const { repository: checked } = registryName(registry, repository, 'x');
  if (!isDigest(manifest)) throw failure('NAME_INVALID', 'never', `${JSON.stringify(manifest)} is no digest`);
  return `${checked}@${manifest}`;
}

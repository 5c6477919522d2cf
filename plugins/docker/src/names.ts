/** Names of images in an engine: every one is checked before it goes into a path of the engine's API. */
import { candidateTag, parseReference } from '@rebake/image';
import type { Digest } from '@rebake/image';
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

/** Looking for images: what is asked for, as a name of this engine. */
import type { Digest, Location } from '@rebake/image';
import { failure } from './failures.ts';
import { candidateName, parseName } from './names.ts';

/**
 * The name under which an image would be in this engine, checked; null for a place in another engine: what was in an engine that is gone is gone
 * with it. Throws `LOCATION_ELSEWHERE` for a registry, which is not to be seen from here.
 */
export function nameHere(at: Location | { readonly key: Digest }, engineId: string): string | null {
  if ('registry' in at) {
    const words = `${at.registry}/${at.repository} is a registry's matter, not an engine's`;
    throw failure('LOCATION_ELSEWHERE', 'elsewhere', words);
  }
  if ('engine' in at && at.engine !== engineId) return null;
  const { repository, tag } = parseName('key' in at ? candidateName(at.key) : at.name);
  return `${repository}:${tag}`;
}

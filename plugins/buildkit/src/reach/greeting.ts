/** What comes first through other programs: BuildKit's greeting, or the words of something in between. */
import type { BuildFailure } from '@rebake/image';
import { failure } from '@rebake/sdk/building';

/** Where the type of a frame stands in HTTP/2, and that of a server's first one. */
const TYPE_AT = 3;
const SETTINGS = 4;

const MOST_SHOWN = 500;

/**
 * Looks at the first bytes through a login, a container or a pod. Shells print greetings of their own, and engines write there that they
 * cannot run a command: as HTTP/2 that would only be an error of the protocol.
 */
export function acceptGreeting(shown: string): (first: Uint8Array) => BuildFailure | null {
  return (first) => {
    if (first.length <= TYPE_AT || first[TYPE_AT] === SETTINGS) return null;
    // What follows may be our own bytes, sent back by whatever reads them.
    const [words = ''] = Buffer.from(first.subarray(0, MOST_SHOWN)).toString().trim().split('\n');
    return failure('ENGINE_UNREACHABLE', 'never', `${shown} answers with something else than BuildKit: ${words}`);
  };
}

/** Why a daemon cannot be reached, or refuses to be spoken to. */
import { engineFailure } from '@rebake/sdk/building';

/**
 * The failure of a connection: `ENGINE_UNREACHABLE`, worth another try unless it is for certificates, permissions or an address that cannot
 * be. What is none (the signal's reason, a bug) comes back as it is.
 */
export function connectFailure(error: unknown, host: string): unknown {
  return engineFailure(error, host);
}

/** The mirror that this machine itself uses. */
import type { Env } from '@rebake/cache';
import type { DebianMirror } from '@rebake/image';

export async function machineMirror(_env: Env): Promise<DebianMirror | null> {
  return Promise.resolve(null);
}

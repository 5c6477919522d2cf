/** The user's home folder. */
import { homedir } from 'node:os';
import type { Env } from '@rebake/cache';

/** `HOME` of the caller's environment, else what the system says; null: there is none. */
export function homeOf(env: Env): string | null {
  const set = env['HOME'] ?? '';
  if (set !== '') return set;
  try {
    return homedir();
  } catch {
    // A user without an entry in the system's tables.
    return null;
  }
}

/** Names of lock files: one for each thing that can be locked, and never one for two. */
import { digestOfBytes } from '../digest.ts';

/** What both PEP 751 (no dots in NAME) and every file system take, and what no two names share but for their case. */
const PLAIN = /^[a-z0-9][a-z0-9_-]*$/;
/** Hex digits that tell names apart whose letters had to be replaced. */
const TOLD_APART = 10;
/** Longest NAME; with prefix and suffix a file name stays far below 255 bytes. */
const LONGEST = 120;

/**
 * `pylock.NAME.toml` of an id such as `glm` or `base-python`. `variant` (such as `py311-arm64`) tells several locks of one id apart; null: there
 * is one.
 */
export function lockFileName(id: string, variant: string | null): string {
  return `pylock.${nameOf(id, variant)}.toml`;
}

/** `debian.NAME.lock.json`, with the same NAME. */
export function debianLockFileName(id: string, variant: string | null): string {
  return `debian.${nameOf(id, variant)}.lock.json`;
}

function nameOf(id: string, variant: string | null): string {
  const whole = variant === null ? id : `${id}--${variant}`;
  // `--` divides id and variant; an id that has it itself is told apart by its digest, as is one of other letters.
  const plain =
    PLAIN.test(whole) && whole.length <= LONGEST && !id.includes('--') && !(variant?.includes('--') ?? false);
  if (plain && !endsLikeDigest(whole)) return whole;
  const letters = whole
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/gu, '-')
    .slice(0, LONGEST)
    .replaceAll(/^[_-]+|[_-]+$/gu, '');
  const digest = digestOfBytes(JSON.stringify([id, variant])).slice('sha256:'.length, 'sha256:'.length + TOLD_APART);
  return letters === '' ? `x${digest}` : `${letters}-x${digest}`;
}

/** A name that looks as if a digest had been appended to it gets one, so that no other name leads to its file. */
function endsLikeDigest(name: string): boolean {
  return /(?:^|-)x[0-9a-f]{10}$/.test(name);
}

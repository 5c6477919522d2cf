/** Locks Debian packages. */
import { machineMirror, resolveDebian, type Means } from '@rebake/debian';
import { debianLockDigest, debianLockText, parseDebianLock, type DebianLock } from '@rebake/image/locks';
import { BuildFailure, compareBytes } from '@rebake/image';
import type { DebianLockRequest, LockOutcome } from './types.ts';

/** Locks what is wanted, on top of what is locked below. The mirror it came from is not in the lock. */
export async function lockDebian(request: DebianLockRequest, means: Means): Promise<LockOutcome> {
  const { suite, architecture, packages } = request;
  const below: DebianLock[] = [];
  for (const text of request.below) {
    const parsed = parseDebianLock(text);
    if (!parsed.ok) return { ok: false, why: 'failed', words: `the lock below it cannot be read: ${parsed.message}` };
    below.push(parsed.lock);
  }
  const [nearest] = below;
  const wanted = [...new Set(packages)].sort(compareBytes);
  const installed = nearest === undefined ? null : below.flatMap((lock) => lock.packages);
  const mirror = request.mirror ?? (await machineMirror(means.env));
  if (mirror === null) throw noMirror();
  const resolved = await resolveDebian({ suite, architecture, packages: wanted, installed }, mirror, means);
  if (!resolved.ok) return { ok: false, why: 'unresolvable', words: resolved.words };
  return {
    ok: true,
    text: debianLockText({
      packages: resolved.packages,
      madeFrom: { suite, architecture, wanted, below: nearest === undefined ? null : debianLockDigest(nearest) },
    }),
  };
}

function noMirror(): BuildFailure {
  const words = 'this machine has no Debian mirror of its own: name one with `mirror` in the base image';
  return new BuildFailure({ code: 'MIRROR_MISSING', retry: 'never', words });
}

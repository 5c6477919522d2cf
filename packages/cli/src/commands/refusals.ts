/** What keeps a command from changing anything although the declaration is fine: another rebake, or a plan that is older than the world. */
import type { ApplyResult } from '@rebake/rebake';
import type { Diagnostic, LockHolder } from '@rebake/sdk';

/** How many of the ways in which a plan is stale are told; the first says enough. */
const MAX_STALE = 5;

/** Another rebake holds the lock. */
export function lockedDiagnostic(holder: LockHolder | null): Diagnostic {
  const who =
    holder === null
      ? 'another rebake'
      : `rebake run ${holder.run} (pid ${holder.pid} on ${holder.host}, since ${holder.since})`;
  return error('STATE_LOCKED', `the state is locked by ${who}`, 'Wait for it to end; its lock ends with its process.');
}

/** A saved plan no longer fits. */
export function staleDiagnostics({ stale }: Extract<ApplyResult, { status: 'stale' }>): readonly Diagnostic[] {
  const more = stale.length - MAX_STALE;
  return stale.slice(0, MAX_STALE).map(({ node, why }, index) => {
    const others = more > 0 && index === MAX_STALE - 1 ? ` (and ${more} more)` : '';
    const what = node === null ? 'the plan no longer fits' : `the plan no longer fits \`${node}\``;
    return error('PLAN_STALE', `${what}: ${why}${others}`, 'Plan again with `rebake plan --out FILE`.');
  });
}

function error(code: string, message: string, help: string): Diagnostic {
  return { code, severity: 'error', message, where: null, help };
}

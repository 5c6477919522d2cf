/** The end of an apply: what failed in the engine's own words, what was skipped for it, and what to do now. */
import type { Event, NodeId } from '@rebake/sdk';
import { nearest } from './places.ts';
import { count, quoted, type Paint } from './style.ts';

/** Lines of the engine's words that are shown; the log file has them all. */
const SHOWN_LINES = 12;

/** Codes of nodes that were not started because of a flag. */
const BRAKES: ReadonlySet<string> = new Set(['MAX_FAILURES', 'DEADLINE', 'WAVE_FAILED']);

/** What a tired engineer needs to read after a run; empty when all went well. */
export function runText(
  events: readonly Event[],
  names: ReadonlyMap<NodeId, string>,
  { paint, cwd }: { readonly paint: Paint; readonly cwd: string },
): string {
  const settled = events.filter((event) => event.type === 'node-settled');
  const failed = settled.filter(({ outcome }) => outcome === 'failed');
  const cancelled = settled.some(({ outcome }) => outcome === 'cancelled');
  const name = (id: NodeId): string => names.get(id) ?? id;
  const parts = failed.map((event) => {
    const shown = quoted(event.error?.words ?? '').slice(-SHOWN_LINES);
    const skipped = settled
      .filter((other) => other.outcome === 'skipped' && other.cause === event.node)
      .map((other) => name(other.node));
    return [
      `${paint('red', name(event.node))} failed: ${event.error?.code ?? 'UNKNOWN'}\n`,
      ...shown.map((line) => `${line}\n`),
      ...(event.log === undefined ? [] : [`  log: ${nearest(event.log, cwd)}\n`]),
      ...(skipped.length === 0 ? [] : [`  skipped for it: ${skipped.join(', ')}\n`]),
      '\n',
    ].join('');
  });
  const held = settled.filter(({ outcome, error }) => outcome === 'cancelled' && BRAKES.has(error?.code ?? ''));
  const [reason] = held;
  if (reason !== undefined)
    parts.push(`${paint('yellow', count(held.length, 'node'))} ${reason.error?.words ?? ''}\n\n`);
  const [first] = failed;
  if (failed.length > 0 && failed.every(({ error }) => error?.code === 'PLAN_EXCEEDED'))
    parts.push('Next: plan again, and apply that; what is done stays done.\n');
  else if (first !== undefined)
    parts.push(
      `Next: mend the cause, then run \`rebake apply\` again; what is done stays done. \`rebake why ${name(first.node)}\` explains.\n`,
    );
  else if (cancelled)
    parts.push('Next: run `rebake apply` again; it goes on from here and adopts what had finished.\n');
  return parts.join('');
}

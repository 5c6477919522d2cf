/** What behaviours assert with: each assertion says, in one sentence for the author of a builder, which rule was broken. */
import { inspect, isDeepStrictEqual } from 'node:util';
import { BuildFailure } from '@rebake/image';
import type { BuildError } from '@rebake/image';

/** A builder does not do what every builder has to do. */
export class RuleBroken extends Error {
  constructor(rule: string, seen?: string, options?: ErrorOptions) {
    super(seen === undefined ? rule : `${rule}\n  seen: ${seen}`, options);
    this.name = 'RuleBroken';
  }
}

/** A value for people: whole enough to see what is wrong, and bounded. */
export function shown(value: unknown): string {
  const text =
    value instanceof BuildFailure
      ? `BuildFailure ${inspect(value.error)}`
      : inspect(value, { depth: 6, breakLength: 120, maxArrayLength: 40 });
  return text.length > 4_000 ? `${text.slice(0, 4_000)}…` : text;
}

/** Breaks `rule` where the condition does not hold. `seen`: what was there instead. */
export function hold(condition: boolean, rule: string, seen?: unknown): asserts condition {
  if (!condition) throw new RuleBroken(rule, seen === undefined ? undefined : shown(seen));
}

/** Breaks `rule` where the two differ. */
export function same(actual: unknown, wanted: unknown, rule: string): void {
  if (!isDeepStrictEqual(actual, wanted)) throw new RuleBroken(rule, `${shown(actual)}\n  wanted: ${shown(wanted)}`);
}

/** What a failure has to be. Absent: any. */
export interface WantedFailure {
  readonly code?: string | readonly string[];
  readonly retry?: BuildError['retry'] | readonly BuildError['retry'][];
}

/** Breaks `rule` unless the call rejects with a `BuildFailure` of these codes; returns what it says. */
export async function refused(call: Promise<unknown>, wanted: WantedFailure, rule: string): Promise<BuildError> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) throw new RuleBroken(rule, `no failure: ${shown(outcome.value)}`);
  const { error } = outcome;
  if (!(error instanceof BuildFailure))
    throw new RuleBroken(`${rule} (as a BuildFailure)`, shown(error), { cause: error });
  matches(error.error, wanted, rule);
  return error.error;
}

/** Breaks `rule` unless the error is one of these. */
export function matches(error: BuildError, { code, retry }: WantedFailure, rule: string): void {
  const isAny = (value: string, one: string | readonly string[] | undefined) =>
    one === undefined || [one].flat().includes(value);
  if (isAny(error.code, code) && isAny(error.retry, retry)) return;
  const parts = [code === undefined ? '' : `code ${String(code)}`, retry === undefined ? '' : `retry ${String(retry)}`];
  throw new RuleBroken(rule, `${shown(error)}\n  wanted: ${parts.filter((part) => part !== '').join(', ')}`);
}

/** Breaks `rule` unless the call rejects with exactly this reason, as an aborted one does. */
export async function abortedWith(call: Promise<unknown>, reason: unknown, rule: string): Promise<void> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) throw new RuleBroken(rule, `it resolved: ${shown(outcome.value)}`);
  if (outcome.error !== reason) throw new RuleBroken(rule, `it rejected with ${shown(outcome.error)}`);
}

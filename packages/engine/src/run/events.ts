/** The event sink of a run: stamps what happened, and lets nothing out unredacted. */
import type { BuildError, Event, EventBody } from '@rebake/sdk';
import type { Redactor } from './redaction.ts';

/** Takes what happened; reporters get it stamped. */
export type Sink = (body: EventBody) => void;

/** Makes the sink of one run. `seq` counts from 1 without gaps. */
export function createSink(run: string, now: () => number, redactor: Redactor, emit: (event: Event) => void): Sink {
  let seq = 0;
  return (body) => {
    const time = new Date(now()).toISOString();
    seq += 1;
    emit({ formatVersion: 1, run, seq, time, ...cleanDeep(body, redactor) });
  };
}

/** A {@link BuildError} with its words masked: for everything that is kept or shown. */
export function cleanError(error: BuildError, redactor: Redactor): BuildError {
  return { ...error, words: redactor.clean(error.words) };
}

function cleanDeep<T>(value: T, redactor: Redactor): T {
  if (typeof value === 'string') return redactor.clean(value) as T & string;
  if (Array.isArray(value)) return value.map((item: unknown) => cleanDeep(item, redactor)) as T & unknown[];
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, cleanDeep(member, redactor)])) as T;
}

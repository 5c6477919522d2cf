/** The reporter of an apply: a live block on a terminal, plain lines elsewhere, events as they are with --json. */
import { sentText, type Effort, type Event, type NodeId, type Progress } from '@rebake/sdk';
import type { Io } from '../io.ts';
import { claimText } from './reasons.ts';
import { countsText } from './summary.ts';
import { duration, effortStyle, painter, type Paint } from './style.ts';

/** Consumes the events of a run. `tick` redraws what depends on the time; `close` leaves the last block where it is. */
export interface Reporter {
  event(event: Event): void;
  tick(): void;
  close(): void;
}

/** NDJSON: one event a line, nothing else on standard output. */
export function jsonReporter(io: Io): Reporter {
  return { event: (event) => io.out(`${JSON.stringify(event)}\n`), tick() {}, close() {} };
}

/** What both reporters for people are made with. */
export interface PeopleOptions {
  readonly io: Io;
  name(id: NodeId): string;
  now(): number;
  /** Whether the plan holds something to do for a node. */
  isWork(id: NodeId): boolean;
  /** Whether nodes that came out as they were get a line. */
  readonly verbose: boolean;
}

/** One line when a node starts and one when it ends; the engine's steps go to the log file only. */
export function plainReporter(options: PeopleOptions): Reporter {
  const paint = painter(options.io.colors);
  const started = new Set<NodeId>();
  return {
    event(event) {
      if (event.type === 'node-settled' && !isTold(event, started)) return;
      if (event.type === 'node-started') started.add(event.node);
      if (event.type === 'node-started')
        options.io.out(`${paint('dim', event.effort.padEnd(9))} ${options.name(event.node)} …\n`);
      const line = settledLine(event, options, paint);
      if (line !== null) options.io.out(line);
    },
    tick() {},
    close() {},
  };
}

interface Running {
  readonly started: number;
  readonly effort: string;
  readonly expectedMs: number | null;
  step: string;
}

/** The live block: what runs with the engine's current step and the time, above it a line for each node that ended. */
export function liveReporter(options: PeopleOptions & { readonly columns: number }): Reporter {
  const { io } = options;
  const paint = painter(io.colors);
  const running = new Map<NodeId, Running>();
  let settled = 0;
  let total = 0;
  // Null before the run and after it: while a question waits for its answer, nothing else is drawn.
  let started: number | null = null;
  const draw = (): void => {
    if (started === null) return;
    const now = options.now();
    const head = paint('bold', `${settled}/${total} done · ${running.size} running · ${duration(now - started)}`);
    const rows = [...running].map(([id, state]) => {
      const clock =
        duration(now - state.started) + (state.expectedMs === null ? '' : ` of about ${duration(state.expectedMs)}`);
      return clip(`  ${state.effort} ${options.name(id)}  ${clock}  ${state.step}`.trimEnd(), options.columns);
    });
    io.redraw([head, ...rows].join('\n'));
  };
  return {
    event(event) {
      switch (event.type) {
        case 'run-started':
          total = event.actions;
          started = options.now();
          break;
        case 'node-started':
          running.set(event.node, {
            started: options.now(),
            effort: event.effort,
            expectedMs: isTimed(event.effort) ? event.expectedMs : null,
            step: '',
          });
          break;
        case 'node-progress': {
          const state = running.get(event.node);
          if (state !== undefined) state.step = stepText(event.progress) ?? state.step;
          return;
        }
        case 'node-settled': {
          const told = isTold(event, running);
          running.delete(event.node);
          if (!options.isWork(event.node) && !options.verbose) return;
          if (options.isWork(event.node)) settled += 1;
          const line = told ? settledLine(event, options, paint) : null;
          if (line !== null) {
            io.redraw('');
            io.out(line);
          }
          break;
        }
        case 'node-retry': {
          const state = running.get(event.node);
          if (state !== undefined) state.step = `${event.error.code}, again in ${duration(event.inMs)}`;
          break;
        }
        case 'run-finished':
          started = null;
          io.redraw('');
          return;
        default:
          event satisfies never;
      }
      draw();
    },
    tick: draw,
    close() {
      if (started !== null) io.redraw('');
      started = null;
    },
  };
}

/** What an interruption kept from starting is told by its number only. */
function isTold(
  { node, outcome }: Extract<Event, { type: 'node-settled' }>,
  started: { has(node: NodeId): boolean },
): boolean {
  return outcome !== 'cancelled' || started.has(node);
}

/** What the time of the last success says something about. */
function isTimed(effort: Effort): boolean {
  return effort === 'build' || effort === 'publish';
}

function stepText(progress: Progress): string | null {
  switch (progress.type) {
    case 'step':
      return `${progress.index}${progress.of === undefined ? '' : `/${progress.of}`} ${firstLine(progress.name)}`;
    case 'bytes':
      return `${megabytes(progress.done)}${progress.of === undefined ? '' : ` of ${megabytes(progress.of)}`} MB`;
    case 'sent':
      return sentText(progress);
    case 'log':
      return null;
    default:
      return progress satisfies never;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function settledLine(event: Event, options: PeopleOptions, paint: Paint): string | null {
  if (event.type === 'node-retry')
    return `${paint('yellow', 'again    ')} ${options.name(event.node)}: ${event.error.code}: ${firstLine(event.error.words)}\n`;
  if (event.type !== 'node-settled') return null;
  if (event.outcome === 'kept' && !options.verbose) return null;
  const name = options.name(event.node);
  switch (event.outcome) {
    case 'failed':
      return `${paint('red', 'failed   ')} ${name}  ${duration(event.ms)}  ${event.error?.code ?? ''}: ${firstLine(event.error?.words ?? '')}\n`;
    case 'skipped':
      return `${paint('yellow', 'skipped  ')} ${name}  because ${event.cause === undefined ? 'a node before it failed' : `${options.name(event.cause)} failed`}\n`;
    case 'cancelled':
      return `${paint('yellow', 'cancelled')} ${name}\n`;
    case 'kept':
    case 'adopted':
    case 'fetched':
    case 'built':
    case 'published':
    case 'forgotten':
    case 'deleted': {
      const format =
        event.outcome === 'built'
          ? effortStyle('build').format
          : event.outcome === 'published'
            ? effortStyle('publish').format
            : 'cyan';
      const said = event.claim === undefined ? '' : `${claimText(event.claim)}  `;
      const sent = event.sent === undefined ? '' : `  ${paint('dim', sentText(event.sent))}`;
      return `${paint(format, event.outcome.padEnd(9))} ${name}  ${said}${paint('dim', duration(event.ms))}${sent}\n`;
    }
    default:
      return event.outcome satisfies never;
  }
}

function firstLine(words: string): string {
  return (
    words
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? ''
  );
}

function clip(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

/** The closing lines of a run. */
export function finishedText(event: Extract<Event, { type: 'run-finished' }>, paint: Paint): string {
  const failed = event.counts.failed + event.counts.cancelled + event.counts.skipped > 0;
  const sent = event.sent === undefined ? '' : `; ${sentText(event.sent)}`;
  return `${paint(failed ? 'red' : 'green', event.interrupted ? 'Interrupted' : failed ? 'Not all done' : 'Done')}: ${countsText(event.counts)} in ${duration(event.ms)}${sent}.\n`;
}

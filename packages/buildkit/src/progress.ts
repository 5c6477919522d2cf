/** What BuildKit says while it builds, as progress for people; and what a failure needs of it: the failing step and its last lines. */
import { stripVTControlCharacters } from 'node:util';
import type { Progress } from '@rebake/sdk';
import { instructionName } from '@rebake/sdk/building';
import type { StatusResponse, Vertex, VertexStatus } from './generated/control_pb.ts';
import { LogLines } from './log-lines.ts';

/** A step that failed. */
export interface FailedStep {
  /** Digest of its vertex. */
  readonly vertex: string;
  /** The instruction, cleaned for people. */
  readonly name: string;
  /** What BuildKit says about it. */
  readonly error: string;
  /** The end of what it printed. */
  readonly lastLines: readonly string[];
}

/** Lines of a step that are kept in case it fails. */
const KEPT_LINES = 50;
/** Nobody waits for less, such as the Dockerfile itself. */
const WORTH_SHOWING = 1024 * 1024;

interface Step {
  readonly vertex: string;
  readonly name: string;
  /** Lookups and transfers that BuildKit does on its own account are no steps of the user. */
  readonly internal: boolean;
  started: boolean;
  error: string;
  readonly streams: Map<bigint, LogLines>;
  readonly lastLines: string[];
}

/** Follows one build. Steps are counted as they start; how many there are grows while BuildKit finds out. */
export class BuildProgress {
  readonly #emit: (progress: Progress) => void;
  readonly #steps = new Map<string, Step>();
  readonly #bytes = new Map<string, { done: number; of: number }>();
  #started = 0;
  #shownBytes = 0;

  constructor(emit: (progress: Progress) => void) {
    this.#emit = emit;
  }

  /** Takes one message of `Control.Status`. */
  take(status: StatusResponse): void {
    for (const vertex of status.vertexes) this.#declare(vertex);
    for (const vertex of status.vertexes) this.#advance(vertex);
    for (const { vertex, stream, msg } of status.logs) {
      const step = this.#steps.get(vertex);
      if (step) this.#print(step, linesOf(step, stream).push(msg));
    }
    for (const vertex of status.vertexes) {
      if (vertex.completed || vertex.error !== '') this.#finish(vertex);
    }
    for (const transfer of status.statuses) this.#count(transfer);
    this.#showBytes();
  }

  /** To be called when no more messages come: prints what has no line end yet. */
  end(): void {
    for (const step of this.#steps.values()) this.#flush(step);
  }

  /** The step that failed: the one of this digest, else the first that BuildKit gave an error, other than for being cancelled. */
  failed(vertex?: string): FailedStep | null {
    const steps = [...this.#steps.values()];
    const step =
      steps.find((one) => one.vertex === vertex) ??
      steps.find(({ error }) => error !== '' && !error.endsWith('context canceled'));
    return step ? { vertex: step.vertex, name: step.name, error: step.error, lastLines: step.lastLines } : null;
  }

  #declare(vertex: Vertex): void {
    if (this.#steps.has(vertex.digest)) return;
    this.#steps.set(vertex.digest, {
      vertex: vertex.digest,
      name: stepName(vertex.name),
      internal: /^\[(internal|auth)\]|^(importing|exporting) /.test(vertex.name),
      started: false,
      error: '',
      streams: new Map(),
      lastLines: [],
    });
  }

  #advance(vertex: Vertex): void {
    const step = this.#steps.get(vertex.digest);
    if (!step || step.started || !(vertex.started ?? vertex.cached)) return;
    step.started = true;
    if (step.internal) return;
    this.#started += 1;
    const of = [...this.#steps.values()].filter(({ internal }) => !internal).length;
    this.#emit({ type: 'step', index: this.#started, of, name: vertex.cached ? `${step.name} (cached)` : step.name });
  }

  #finish(vertex: Vertex): void {
    const step = this.#steps.get(vertex.digest);
    if (!step) return;
    this.#flush(step);
    step.error = vertex.error;
  }

  #flush(step: Step): void {
    for (const lines of step.streams.values()) this.#print(step, lines.end());
  }

  #print(step: Step, lines: readonly string[]): void {
    for (const text of lines) {
      step.lastLines.push(text);
      if (step.lastLines.length > KEPT_LINES) step.lastLines.shift();
      this.#emit({ type: 'log', text });
    }
  }

  #count({ vertex, ID, current, total }: VertexStatus): void {
    const done = Number(current);
    if (done > 0) this.#bytes.set(`${vertex} ${ID}`, { done, of: Number(total) });
  }

  #showBytes(): void {
    const all = [...this.#bytes.values()];
    const done = all.reduce((sum, one) => sum + one.done, 0);
    if (done <= this.#shownBytes || done < WORTH_SHOWING) return;
    this.#shownBytes = done;
    // A total is known only if it is for every transfer.
    const known = all.every((one) => one.of > 0);
    this.#emit({ type: 'bytes', done, ...(known ? { of: all.reduce((sum, one) => sum + one.of, 0) } : {}) });
  }
}

function linesOf(step: Step, stream: bigint): LogLines {
  let lines = step.streams.get(stream);
  if (!lines) step.streams.set(stream, (lines = new LogLines()));
  return lines;
}

/** An instruction for people, without BuildKit's own numbering. */
export function stepName(vertexName: string): string {
  return instructionName(stripVTControlCharacters(vertexName).replace(/^\[(?!internal|auth)[^\]]*\]\s*/, ''));
}

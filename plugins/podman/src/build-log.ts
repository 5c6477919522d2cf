/** What Podman says while it builds: steps, what the steps print, and the image at the end. */
import type { Digest } from '@rebake/image';
import type { Progress } from '@rebake/sdk';
import { instructionName, shownLine } from '@rebake/sdk/building';

/** Lines of a step that are kept in case it fails. */
const KEPT_LINES = 50;

/** A longer line is cut into pieces, so that a process without line ends cannot fill the memory. */
const LONGEST_LINE = 8_192;

// What Podman itself says comes in messages of its own, of one line. Stages are numbered where there are several.
const STEP = /^(?:\[(\d+)\/(\d+)\] )?STEP (\d+)\/(\d+): (.*)\n$/s;
const DONE = /^--> (?:Using cache )?[0-9a-f]{11,64}\n$/;
const COMMIT = /^(?:\[\d+\/\d+\] )?COMMIT( \S+)?\n$/;
const IMAGE = /^([0-9a-f]{64})\n$/;
/** About arguments that rebake sets for every build. */
const UNUSED = /^\[Warning\] one or more build args were not consumed: /;

/** Follows one build. */
export class BuildLog {
  readonly #emit: (progress: Progress) => void;
  readonly #lastLines: string[] = [];
  #step = '';
  #steps = 0;
  #rest = '';
  /** A message that is the result if nothing follows it; else something printed it. */
  #maybe: string | null = null;

  constructor(emit: (progress: Progress) => void) {
    this.#emit = emit;
  }

  /** The instruction that is carried out, cleaned for people; empty before the first. */
  get step(): string {
    return this.#step;
  }

  /** The end of what the step printed. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** Takes one message. */
  take(message: string): void {
    if (this.#maybe !== null && !UNUSED.test(message)) {
      this.#print(this.#maybe);
      this.#maybe = null;
    }
    const step = STEP.exec(message);
    if (step) this.#begin(step);
    else if (DONE.test(message) || COMMIT.test(message)) this.#endLine();
    else if (IMAGE.test(message)) this.#maybe = message;
    else if (!UNUSED.test(message)) this.#print(message);
  }

  /** To be called when no more messages come. Returns the image that was built, if Podman named one. */
  end(): Digest | null {
    const hex = this.#maybe === null ? undefined : IMAGE.exec(this.#maybe)?.[1];
    this.#endLine();
    return hex === undefined ? null : `sha256:${hex}`;
  }

  #begin([, , stages, index, of, text]: RegExpExecArray): void {
    this.#endLine();
    this.#lastLines.length = 0;
    this.#step = instructionName(text ?? '');
    this.#steps += 1;
    // Each stage counts from 1, and how many there are in those to come is not said.
    const place = stages === undefined ? { index: Number(index), of: Number(of) } : { index: this.#steps };
    this.#emit({ type: 'step', ...place, name: this.#step });
  }

  #print(text: string): void {
    const lines = joined(this.#rest, text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    while (this.#rest.length > LONGEST_LINE) {
      this.#line(this.#rest.slice(0, LONGEST_LINE));
      this.#rest = this.#rest.slice(LONGEST_LINE);
    }
  }

  #endLine(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #line(line: string): void {
    const text = shownLine(line);
    this.#lastLines.push(text);
    if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift();
    this.#emit({ type: 'log', text });
  }
}

/** Podman cuts output where its buffer ends, and writes what is left of a character there, on both sides, as replacement characters: that one is lost. */
function joined(before: string, after: string): string {
  if (!before.endsWith('\uFFFD') || !after.startsWith('\uFFFD')) return before + after;
  return before.replace(/\uFFFD+$/, '') + after.replace(/^\uFFFD+/, '');
}

/** What the outside sees of one node's work: events, progress and a log file, all of it redacted. */
import { addSent, sentText } from '@rebake/sdk';
import type { BuildError, Effort, NodeId, Progress, SentBytes } from '@rebake/sdk';
import type { Sink } from '../run/events.ts';
import type { NodeLog } from '../run/log.ts';
import type { Redactor } from '../run/redaction.ts';
import type { Settlement } from './cell.ts';
import type { Ground } from './ground.ts';

interface Started {
  readonly at: number;
  readonly log: NodeLog;
  /** Takes progress, cleans it, and gives it to the log and the sink. */
  emit(progress: Progress): void;
  flush(): void;
  /** What its pushes and copies took so far; null: there were none that told. */
  sent: SentBytes | null;
}

/** Watches all nodes of one run. */
export class Watch {
  readonly #ground: Ground;
  readonly #sink: Sink;
  readonly #logs: { open(node: NodeId): NodeLog };
  readonly #redactor: Redactor;
  readonly #started = new Map<NodeId, Started>();
  #sent: SentBytes | null = null;

  constructor(ground: Ground, sink: Sink, logs: { open(node: NodeId): NodeLog }, redactor: Redactor) {
    this.#ground = ground;
    this.#sink = sink;
    this.#logs = logs;
    this.#redactor = redactor;
  }

  /** A node begins to do something. */
  start(node: NodeId, effort: Effort, builder: string | null): void {
    const expectedMs = this.#ground.entries.get(node)?.ms ?? null;
    const { reasons } = this.#ground.action(node);
    this.#sink({ type: 'node-started', node, effort, reasons, builder, expectedMs });
    const before = this.#started.get(node);
    if (before) return;
    this.#started.set(node, this.#open(node));
  }

  #open(node: NodeId): Started {
    const log = this.#logs.open(node);
    const text = this.#redactor.stream();
    const put = (piece: string): void => {
      if (piece === '') return;
      log.write(piece);
      this.#sink({ type: 'node-progress', node, progress: { type: 'log', text: piece } });
    };
    const started: Started = {
      at: this.#ground.means.now(),
      log,
      emit: (progress) => {
        if (progress.type === 'log') return put(text.push(progress.text));
        put(text.end());
        if (progress.type === 'step') log.write(this.#redactor.clean(stepLine(progress)));
        if (progress.type === 'sent') {
          log.write(sentText(progress));
          started.sent = plus(started.sent, progress);
        }
        this.#sink({ type: 'node-progress', node, progress });
      },
      flush: () => put(text.end()),
      sent: null,
    };
    return started;
  }

  progress(node: NodeId, progress: Progress): void {
    this.#started.get(node)?.emit(progress);
  }

  retry(node: NodeId, attempt: number, error: BuildError, inMs: number): void {
    const started = this.#started.get(node);
    started?.flush();
    started?.log.write(this.#redactor.clean(`${error.code}: ${error.words} (attempt ${attempt}, again in ${inMs} ms)`));
    this.#sink({ type: 'node-retry', node, attempt, error, inMs });
  }

  /** A node has ended. Returns how long its work took, in milliseconds; null if it did nothing. */
  settle({ node, outcome, identity, error, cause }: Settlement): number | null {
    const started = this.#started.get(node);
    this.#started.delete(node);
    started?.flush();
    if (error) started?.log.write(this.#redactor.clean(`${error.code}: ${error.words}`));
    started?.log.close();
    const ms = started ? this.#ground.means.now() - started.at : null;
    if (started?.sent) this.#sent = plus(this.#sent, started.sent);
    const log = started?.log.path;
    const claim = outcome === 'adopted' ? this.#ground.candidates.get(node)?.claim : undefined;
    this.#sink({
      type: 'node-settled',
      node,
      outcome,
      ms: ms ?? 0,
      identity,
      ...(error ? { error } : {}),
      ...(claim ? { claim } : {}),
      ...(cause ? { cause } : {}),
      ...(log ? { log } : {}),
      ...(started?.sent ? { sent: started.sent } : {}),
    });
    return ms;
  }

  /** What the pushes and copies of all nodes that have ended took; null: there were none that told. */
  get sent(): SentBytes | null {
    return this.#sent;
  }
}

function plus(before: SentBytes | null, { uploaded, mounted, skipped }: SentBytes): SentBytes {
  return addSent(before ?? { uploaded: 0, mounted: 0, skipped: 0 }, { uploaded, mounted, skipped });
}

function stepLine({ index, of, name }: Extract<Progress, { type: 'step' }>): string {
  return `[${index}${of === undefined ? '' : `/${of}`}] ${name}`;
}

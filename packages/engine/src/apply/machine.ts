/**
 * The transitions of the scheduler's state machine: how one cell goes from phase to phase when something near it has changed. What is
 * taken up when, and how much at once, is the scheduler's.
 */
import type { BuildError, Digest, NodeId } from '@rebake/sdk';
import { covers, ended, mayBeBrought, meets, reopenable, settledForGood, vanishes } from './cell.ts';
import type { Cell, Demand, End, HeldWork, Settlement, Task, Verdict, Work } from './cell.ts';

/** What the scheduler asks of the rest. Both are called synchronously. */
export interface SchedulerHooks {
  /** Judges a node whose parents are known; their identities come in the node's order. */
  judge(node: NodeId, parents: ReadonlyMap<NodeId, Digest | null>): Verdict;
  /** Told of every node's end. A node that had to be judged again after it had ended is told again. */
  settle(settlement: Settlement): void;
}

/** How an interrupted node ended that never ran. */
export const INTERRUPTED: BuildError = { code: 'INTERRUPTED', retry: 'never', words: 'interrupted before it was done' };

/** All cells in motion. */
export class Machine {
  /** First all that may still be demanded; then the kept ones that nobody demanded are told; vanished nodes come last. */
  stage: 'working' | 'closing' | 'vanishing' = 'working';
  /** Tasks queued or running. */
  active = 0;
  /** Why nothing more is started; null: it is. */
  stopped: BuildError | null = null;
  /** Cells that have what they need but for a parent that may still change. */
  readonly stuck = new Set<Cell>();
  /** How many cells have not ended. */
  unsettled: number;
  readonly #hooks: SchedulerHooks;
  readonly #enqueue: (task: Task) => void;
  /** Cells whose situation may have changed. */
  readonly #dirty: Cell[] = [];

  /** `size`: number of cells. */
  constructor(size: number, hooks: SchedulerHooks, enqueue: (task: Task) => void) {
    this.unsettled = size;
    this.#hooks = hooks;
    this.#enqueue = enqueue;
  }

  /** Marks cells whose situation may have changed; the last one is visited first. */
  touch(...cells: readonly Cell[]): void {
    this.#dirty.push(...cells);
  }

  /** Visits all cells that were marked, and those that this marks. */
  settleDown(): void {
    for (let cell = this.#dirty.pop(); cell; cell = this.#dirty.pop()) this.#visit(cell);
  }

  #visit(cell: Cell): void {
    switch (cell.phase) {
      case 'waiting':
        return this.#visitWaiting(cell);
      case 'held':
        return this.#visitHeld(cell);
      case 'known':
        return this.#visitKnown(cell);
      case 'asking':
      case 'working':
      case 'failed':
      case 'skipped':
      case 'cancelled':
        return;
      default:
        cell.phase satisfies never;
    }
  }

  #visitWaiting(cell: Cell): void {
    if (vanishes(cell)) {
      if (this.stage === 'vanishing') this.#start(cell, cell.member.atMost === 'delete' ? 'delete' : 'forget');
      return;
    }
    if (this.#skipped(cell) || !cell.parents.every((parent) => parent.phase === 'known')) return;
    const identities = new Map(cell.parents.map((parent) => [parent.member.id, parent.identity]));
    const verdict = this.#hooks.judge(cell.member.id, identities);
    switch (verdict.is) {
      case 'fresh':
        cell.identity = verdict.identity;
        return this.know(cell);
      case 'stale':
        cell.place = null;
        if (verdict.first !== 'look') return this.hold(cell, verdict.first);
        cell.phase = 'asking';
        return this.#queue(cell, 'look');
      case 'failed':
        return this.end(cell, { phase: 'failed', error: verdict.error });
      default:
        verdict satisfies never;
    }
  }

  #visitHeld(cell: Cell): void {
    const { work, from } = cell;
    if (work === null || this.#skipped(cell) || !this.#allows(cell, work)) return;
    if (from && cell.member.from && work !== 'adopt' && !this.#demand(from, cell.member.from.demand)) return;
    if (cell.parents.every(settledForGood)) this.#start(cell, work);
    else this.stuck.add(cell);
  }

  #visitKnown(cell: Cell): void {
    if (cell.demand !== null && !meets(cell.place, cell.demand) && cell.presence === null)
      this.#bring(cell, cell.demand);
    // Bringing it may have ended it, or opened it again.
    if (cell.phase !== 'known') return;
    if (!cell.firm && !reopenable(cell) && cell.parents.every(settledForGood)) {
      cell.firm = true;
      this.#dirty.push(...cell.children.toReversed());
      // What waits for the answer to a demand may need more than the answer.
      if (cell.demand !== null) this.#dirty.push(cell);
    }
    const later = this.stage === 'working' && cell.outcome === 'kept' && mayBeBrought(cell);
    if (cell.firm && cell.presence === null && !later) this.settle(cell);
  }

  /** Whether the image is where a child needs it; if not, sees to it. */
  #demand(from: Cell, demand: Demand): boolean {
    if (from.phase === 'known' && meets(from.place, demand)) return true;
    if (from.demand !== 'engine') from.demand = demand;
    this.#dirty.push(from);
    return false;
  }

  /** Answers a demand: finds out where the image is, gets it from there, or builds it again. */
  #bring(cell: Cell, demand: Demand): void {
    switch (cell.place) {
      case null:
        return this.#queue(cell, 'locate');
      case 'registry':
        if (!this.#allows(cell, 'fetch')) return;
        if (cell.parents.every(settledForGood)) return this.#queue(cell, 'fetch');
        this.stuck.add(cell);
        return;
      case 'nowhere':
        if (!this.#allows(cell, 'build')) return;
        for (const child of cell.children) this.reset(child);
        return this.hold(cell, 'build');
      case 'engine':
        throw new Error(`${cell.member.id} is in its engine and demanded ${demand}`);
      default:
        cell.place satisfies never;
    }
  }

  /** Back to waiting, with all that rests on it: a parent's identity is open again. */
  reset(cell: Cell): void {
    if (ended(cell) || cell.phase === 'waiting') return;
    cell.demand = null;
    cell.firm = false;
    this.stuck.delete(cell);
    if (cell.task?.running) {
      cell.again = true;
    } else {
      this.#drop(cell.task);
      cell.task = null;
      cell.work = null;
      this.#reopen(cell);
      cell.phase = 'waiting';
      this.#dirty.push(cell);
    }
    for (const child of cell.children) this.reset(child);
  }

  /** Its identity is known. */
  know(cell: Cell): void {
    cell.phase = 'known';
    cell.work = null;
    cell.firm = false;
    this.#dirty.push(...cell.children.toReversed(), cell);
  }

  /** It has something to do, and waits until its parents are as it needs them. */
  hold(cell: Cell, work: HeldWork): void {
    cell.phase = 'held';
    this.#reopen(cell);
    cell.work = work;
    cell.demand = null;
    cell.firm = false;
    this.#dirty.push(cell);
  }

  /** It was told as ended, and is not after all. */
  #reopen(cell: Cell): void {
    if (cell.settled) this.unsettled += 1;
    cell.settled = false;
  }

  #start(cell: Cell, work: Work): void {
    this.stuck.delete(cell);
    cell.phase = 'working';
    this.#queue(cell, work);
  }

  #queue(cell: Cell, work: Work): void {
    this.stuck.delete(cell);
    const lane = work === 'build' || work === 'fetch' ? cell.member.lane : null;
    const task: Task = { cell, work, lane, running: false, dropped: false };
    if (work === 'locate' || work === 'fetch') cell.presence = task;
    else cell.task = task;
    this.active += 1;
    this.#enqueue(task);
  }

  #drop(task: Task | null): void {
    if (!task || task.running || task.dropped) return;
    task.dropped = true;
    this.active -= 1;
  }

  /** Ends a cell one of whose parents ended without success. */
  #skipped(cell: Cell): boolean {
    const bad = cell.parents.find(ended);
    if (!bad) return false;
    if (bad.phase === 'cancelled') this.end(cell, { phase: 'cancelled', error: this.stopped ?? INTERRUPTED });
    else this.end(cell, { phase: 'skipped', cause: bad.cause ?? bad.member.id });
    return true;
  }

  /** Whether the plan covers an effort; a node that needs more has failed. */
  #allows(cell: Cell, need: HeldWork | 'fetch'): boolean {
    const { atMost } = cell.member;
    if (covers(atMost, need)) return true;
    const words = `it needs \`${need}\` and the plan allows \`${atMost}\`: the world has changed since, plan again`;
    this.end(cell, { phase: 'failed', error: { code: 'PLAN_EXCEEDED', retry: 'never', words } });
    return false;
  }

  /** It ends without success; what rests on it is visited. */
  end(cell: Cell, end: End): void {
    this.stuck.delete(cell);
    this.#drop(cell.task);
    this.#drop(cell.presence);
    cell.phase = end.phase;
    cell.outcome = end.phase;
    cell.work = null;
    cell.demand = null;
    cell.cause = end.phase === 'skipped' ? end.cause : null;
    this.#reopen(cell);
    this.settle(cell, end);
    this.#dirty.push(...cell.children.toReversed());
  }

  /** Tells of its end, once. */
  settle(cell: Cell, end?: End): void {
    if (cell.settled) return;
    cell.settled = true;
    this.unsettled -= 1;
    const detail = end === undefined ? {} : end.phase === 'skipped' ? { cause: end.cause } : { error: end.error };
    this.#hooks.settle({ node: cell.member.id, outcome: cell.outcome, identity: cell.identity, ...detail });
  }
}

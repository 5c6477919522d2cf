/**
 * The scheduler: a state machine over all nodes of a plan, without I/O, clock or promises. It hands out work, is told how that ended,
 * and settles every node exactly as docs/architecture.md says under "Applying".
 */
import type { BuildError, Digest, Effort, NodeId, Outcome } from '@rebake/sdk';
import { settleAssumptions } from './assumptions.ts';
import { covers, createCell, ended, mayBeBrought, meets, reopenable, settledForGood, vanishes } from './cell.ts';
import type { Cell, Demand, End, HeldWork, Member, Report, Settlement, Task, Verdict, Work } from './cell.ts';
import { Lanes } from './lanes.ts';
import type { Limits } from './lanes.ts';

/** What the scheduler asks of the rest. Both are called synchronously. */
export interface SchedulerHooks {
  /** Judges a node whose parents are known; their identities come in the node's order. */
  judge(node: NodeId, parents: ReadonlyMap<NodeId, Digest | null>): Verdict;
  /** Told of every node's end. A node that had to be judged again after it had ended is told again. */
  settle(settlement: Settlement): void;
}

/** Work that was handed out. */
export interface Assignment {
  readonly node: NodeId;
  readonly work: Work;
}

const OUTCOME = {
  adopt: 'adopted',
  build: 'built',
  publish: 'published',
} as const satisfies Record<'adopt' | 'build' | 'publish', Outcome>;

const INTERRUPTED: BuildError = { code: 'INTERRUPTED', retry: 'never', words: 'interrupted before it was done' };

/** The state machine of one run. */
export class Scheduler {
  readonly #cells = new Map<NodeId, Cell>();
  readonly #order: Cell[] = [];
  readonly #lanes: Lanes<Task>;
  readonly #hooks: SchedulerHooks;
  /** Cells whose situation may have changed. */
  readonly #dirty: Cell[] = [];
  /** Cells that have what they need but for a parent that may still change. */
  readonly #stuck = new Set<Cell>();
  /** Tasks queued or running. */
  #active = 0;
  #stopped = false;
  /** First all nodes that may still be demanded, then what is settled last: see {@link Scheduler.#unlock}. */
  #stage: 'working' | 'closing' | 'vanishing' = 'working';

  /** `members`: parents first. */
  constructor(members: readonly Member[], limits: Limits, hooks: SchedulerHooks) {
    this.#lanes = new Lanes(limits);
    this.#hooks = hooks;
    for (const member of members) {
      const parents = member.parents.map((id) => this.#cell(id));
      const cell = createCell(member, parents, member.from ? this.#cell(member.from.node) : null);
      for (const parent of parents) parent.children.push(cell);
      this.#cells.set(member.id, cell);
      this.#order.push(cell);
    }
    this.#dirty.push(...this.#order.toReversed());
    this.#advance();
  }

  /** Whether every node has ended. */
  get finished(): boolean {
    return this.#lanes.running === 0 && this.#order.every((cell) => cell.settled);
  }

  get running(): number {
    return this.#lanes.running;
  }

  /** The next piece of work that may start now, or null. */
  take(): Assignment | null {
    if (this.#stopped) return null;
    const task = this.#lanes.take((queued) => !queued.dropped);
    if (!task) return null;
    task.running = true;
    return { node: task.cell.member.id, work: task.work };
  }

  /** Tells how handed-out work ended. */
  report(node: NodeId, assigned: Work, report: Report): void {
    const cell = this.#cell(node);
    const presence = assigned === 'locate' || assigned === 'fetch';
    const task = presence ? cell.presence : cell.task;
    if (!task?.running || task.work !== assigned) throw new Error(`${node}: nobody was told to ${assigned}`);
    this.#lanes.free(task.lane);
    this.#active -= 1;
    if (presence) this.#reportPresence(cell, report);
    else this.#reportWork(cell, report);
    this.#dirty.push(cell);
    this.#advance();
  }

  /** Starts nothing more. What runs is still reported; what never started is cancelled. */
  stop(): void {
    this.#stopped = true;
    this.#advance();
  }

  #reportWork(cell: Cell, report: Report): void {
    const again = cell.again;
    cell.task = null;
    cell.again = false;
    switch (report.work) {
      case 'look':
        if (again) return this.#reset(cell);
        if (report.found !== null) cell.place = report.found;
        return this.#hold(cell, report.found === null ? 'build' : 'adopt');
      case 'adopt':
      case 'build':
      case 'publish':
        if (report.work === 'build') cell.place = 'engine';
        cell.outcome = OUTCOME[report.work];
        cell.identity = report.identity;
        if (again) return this.#reset(cell);
        return this.#know(cell);
      case 'forget':
      case 'delete':
        cell.outcome = report.work === 'forget' ? 'forgotten' : 'deleted';
        return this.#know(cell);
      case 'failed':
        return this.#end(cell, { phase: 'failed', error: report.error });
      case 'cancelled':
        return this.#end(cell, { phase: 'cancelled', error: report.error });
      case 'locate':
      case 'fetch':
        throw new Error(`${cell.member.id}: ${report.work} was reported for other work`);
      default:
        report satisfies never;
    }
  }

  #reportPresence(cell: Cell, report: Report): void {
    cell.presence = null;
    this.#dirty.push(...cell.children.toReversed());
    switch (report.work) {
      case 'locate':
        cell.place = report.place;
        return;
      case 'fetch':
        cell.place = 'engine';
        if (cell.outcome === 'kept') cell.outcome = 'fetched';
        return;
      case 'failed':
        return this.#end(cell, { phase: 'failed', error: report.error });
      case 'cancelled':
        return this.#end(cell, { phase: 'cancelled', error: report.error });
      case 'look':
      case 'adopt':
      case 'build':
      case 'publish':
      case 'forget':
      case 'delete':
        throw new Error(`${cell.member.id}: ${report.work} was reported for a question about its place`);
      default:
        report satisfies never;
    }
  }

  #advance(): void {
    for (;;) {
      for (let cell = this.#dirty.pop(); cell; cell = this.#dirty.pop()) this.#visit(cell);
      if (this.#stopped) {
        if (this.#lanes.running === 0) this.#cancelRest();
        return;
      }
      if (this.#active > 0 && this.#stuck.size === 0) return;
      for (const cell of settleAssumptions(this.#order)) this.#dirty.push(...cell.children.toReversed(), cell);
      if (this.#dirty.length > 0) continue;
      if (this.#active > 0 || !this.#unlock()) return;
    }
  }

  /**
   * Nothing runs and nothing is queued. Either nodes wait for each other: that takes several image parents, each of which the other
   * could still demand; going on is right all the same, at worst one is judged again. Or all is done, and the last stages begin.
   */
  #unlock(): boolean {
    if (this.#stuck.size > 0) {
      for (const cell of this.#order) if (cell.phase === 'known') cell.firm = true;
    } else if (this.#stage === 'working') {
      this.#stage = 'closing';
    } else if (this.#stage === 'closing') {
      this.#stage = 'vanishing';
    } else {
      return false;
    }
    this.#dirty.push(...this.#order.toReversed());
    return true;
  }

  #cancelRest(): void {
    for (const cell of this.#order) {
      if (cell.phase === 'known') this.#settle(cell);
      else if (!ended(cell)) this.#end(cell, { phase: 'cancelled', error: INTERRUPTED });
    }
    this.#dirty.length = 0;
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
      if (this.#stage === 'vanishing') this.#start(cell, cell.member.atMost === 'delete' ? 'delete' : 'forget');
      return;
    }
    if (this.#skipped(cell) || !cell.parents.every((parent) => parent.phase === 'known')) return;
    const identities = new Map(cell.parents.map((parent) => [parent.member.id, parent.identity]));
    const verdict = this.#hooks.judge(cell.member.id, identities);
    switch (verdict.is) {
      case 'fresh':
        cell.identity = verdict.identity;
        return this.#know(cell);
      case 'stale':
        cell.place = null;
        if (verdict.first !== 'look') return this.#hold(cell, verdict.first);
        cell.phase = 'asking';
        return this.#queue(cell, 'look');
      case 'failed':
        return this.#end(cell, { phase: 'failed', error: verdict.error });
      default:
        verdict satisfies never;
    }
  }

  #visitHeld(cell: Cell): void {
    const { work, from } = cell;
    if (work === null || this.#skipped(cell) || !this.#allows(cell, work)) return;
    if (from && cell.member.from && work !== 'adopt' && !this.#demand(from, cell.member.from.demand)) return;
    if (cell.parents.every(settledForGood)) this.#start(cell, work);
    else this.#stuck.add(cell);
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
    const later = this.#stage === 'working' && cell.outcome === 'kept' && mayBeBrought(cell);
    if (cell.firm && cell.presence === null && !later) this.#settle(cell);
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
        this.#stuck.add(cell);
        return;
      case 'nowhere':
        if (!this.#allows(cell, 'build')) return;
        for (const child of cell.children) this.#reset(child);
        return this.#hold(cell, 'build');
      case 'engine':
        throw new Error(`${cell.member.id} is in its engine and demanded ${demand}`);
      default:
        cell.place satisfies never;
    }
  }

  /** Back to waiting, with all that rests on it: a parent's identity is open again. */
  #reset(cell: Cell): void {
    if (ended(cell) || cell.phase === 'waiting') return;
    cell.demand = null;
    cell.firm = false;
    this.#stuck.delete(cell);
    if (cell.task?.running) {
      cell.again = true;
    } else {
      this.#drop(cell.task);
      cell.task = null;
      cell.work = null;
      cell.settled = false;
      cell.phase = 'waiting';
      this.#dirty.push(cell);
    }
    for (const child of cell.children) this.#reset(child);
  }

  #know(cell: Cell): void {
    cell.phase = 'known';
    cell.work = null;
    cell.firm = false;
    this.#dirty.push(...cell.children.toReversed(), cell);
  }

  #hold(cell: Cell, work: HeldWork): void {
    cell.phase = 'held';
    cell.settled = false;
    cell.work = work;
    cell.demand = null;
    cell.firm = false;
    this.#dirty.push(cell);
  }

  #start(cell: Cell, work: Work): void {
    this.#stuck.delete(cell);
    cell.phase = 'working';
    this.#queue(cell, work);
  }

  #queue(cell: Cell, work: Work): void {
    this.#stuck.delete(cell);
    const lane = work === 'build' || work === 'fetch' ? cell.member.lane : null;
    const task: Task = { cell, work, lane, running: false, dropped: false };
    if (work === 'locate' || work === 'fetch') cell.presence = task;
    else cell.task = task;
    this.#active += 1;
    this.#lanes.push(lane, cell.member.priority, task);
  }

  #drop(task: Task | null): void {
    if (!task || task.running || task.dropped) return;
    task.dropped = true;
    this.#active -= 1;
  }

  /** Ends a cell one of whose parents ended without success. */
  #skipped(cell: Cell): boolean {
    const bad = cell.parents.find(ended);
    if (!bad) return false;
    if (bad.phase === 'cancelled') this.#end(cell, { phase: 'cancelled', error: INTERRUPTED });
    else this.#end(cell, { phase: 'skipped', cause: bad.cause ?? bad.member.id });
    return true;
  }

  /** Whether the plan covers an effort; a node that needs more has failed. */
  #allows(cell: Cell, need: Effort): boolean {
    const { atMost } = cell.member;
    if (covers(atMost, need)) return true;
    const words = `it needs \`${need}\` and the plan allows \`${atMost}\`: the world has changed since, plan again`;
    this.#end(cell, { phase: 'failed', error: { code: 'PLAN_EXCEEDED', retry: 'never', words } });
    return false;
  }

  #end(cell: Cell, end: End): void {
    this.#stuck.delete(cell);
    this.#drop(cell.task);
    this.#drop(cell.presence);
    cell.phase = end.phase;
    cell.outcome = end.phase;
    cell.work = null;
    cell.demand = null;
    cell.cause = end.phase === 'skipped' ? end.cause : null;
    cell.settled = false;
    this.#settle(cell, end);
    this.#dirty.push(...cell.children.toReversed());
  }

  #settle(cell: Cell, end?: End): void {
    if (cell.settled) return;
    cell.settled = true;
    const detail = end === undefined ? {} : end.phase === 'skipped' ? { cause: end.cause } : { error: end.error };
    this.#hooks.settle({ node: cell.member.id, outcome: cell.outcome, identity: cell.identity, ...detail });
  }

  #cell(id: NodeId): Cell {
    const cell = this.#cells.get(id);
    if (!cell) throw new Error(`${id} is not in the plan, or comes after what depends on it`);
    return cell;
  }
}

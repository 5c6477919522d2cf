/**
 * The scheduler: a state machine over all nodes of a plan, without I/O, clock or promises. It hands out work, is told how that ended,
 * and settles every node exactly as docs/architecture.md says under "Applying".
 */
import type { BuildError, NodeId, Outcome } from '@rebake/sdk';
import { settleAssumptions } from './assumptions.ts';
import { createCell, ended } from './cell.ts';
import type { Cell, Member, Report, Task, Work } from './cell.ts';
import { Lanes } from './lanes.ts';
import type { Limits } from './lanes.ts';
import { INTERRUPTED, Machine } from './machine.ts';
import type { SchedulerHooks } from './machine.ts';

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

/** The state machine of one run. */
export class Scheduler {
  readonly #cells = new Map<NodeId, Cell>();
  readonly #order: Cell[] = [];
  readonly #lanes: Lanes<Task>;
  readonly #machine: Machine;

  /** `members`: parents first. */
  constructor(members: readonly Member[], limits: Limits, hooks: SchedulerHooks) {
    this.#lanes = new Lanes(limits);
    this.#machine = new Machine(members.length, hooks, (task) =>
      this.#lanes.push(task.lane, task.cell.member.priority, task),
    );
    for (const member of members) {
      const parents = member.parents.map((id) => this.#cell(id));
      const cell = createCell(member, parents, member.from ? this.#cell(member.from.node) : null);
      for (const parent of parents) parent.children.push(cell);
      this.#cells.set(member.id, cell);
      this.#order.push(cell);
    }
    this.#machine.touch(...this.#order.toReversed());
    this.#advance();
  }

  /** Whether every node has ended. */
  get finished(): boolean {
    return this.#lanes.running === 0 && this.#machine.unsettled === 0;
  }

  get running(): number {
    return this.#lanes.running;
  }

  /** The next piece of work that may start now, or null. `buildersHeld`: nothing for builders. */
  take(buildersHeld = false): Assignment | null {
    if (this.#machine.stopped) return null;
    const task = this.#lanes.take((queued) => !queued.dropped, buildersHeld);
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
    this.#machine.active -= 1;
    if (presence) this.#reportPresence(cell, report);
    else this.#reportWork(cell, report);
    this.#machine.touch(cell);
    this.#advance();
  }

  /** Starts nothing more. What runs is still reported; what never started is cancelled, for the first reason that was given. */
  stop(why: BuildError = INTERRUPTED): void {
    this.#machine.stopped ??= why;
    this.#advance();
  }

  #reportWork(cell: Cell, report: Report): void {
    const again = cell.again;
    cell.task = null;
    cell.again = false;
    switch (report.work) {
      case 'look':
        if (again) return this.#machine.reset(cell);
        if (report.found !== null) cell.place = report.found;
        return this.#machine.hold(cell, report.found === null ? 'build' : 'adopt');
      case 'adopt':
      case 'build':
      case 'publish':
        if (report.work === 'build') cell.place = 'engine';
        cell.outcome = OUTCOME[report.work];
        cell.identity = report.identity;
        if (again) return this.#machine.reset(cell);
        return this.#machine.know(cell);
      case 'forget':
      case 'delete':
        cell.outcome = report.work === 'forget' ? 'forgotten' : 'deleted';
        return this.#machine.know(cell);
      case 'failed':
        return this.#machine.end(cell, { phase: 'failed', error: report.error });
      case 'cancelled':
        return this.#machine.end(cell, { phase: 'cancelled', error: report.error });
      case 'locate':
      case 'fetch':
        throw new Error(`${cell.member.id}: ${report.work} was reported for other work`);
      default:
        report satisfies never;
    }
  }

  #reportPresence(cell: Cell, report: Report): void {
    cell.presence = null;
    this.#machine.touch(...cell.children.toReversed());
    switch (report.work) {
      case 'locate':
        cell.place = report.place;
        return;
      case 'fetch':
        cell.place = 'engine';
        if (cell.outcome === 'kept') cell.outcome = 'fetched';
        return;
      case 'failed':
        return this.#machine.end(cell, { phase: 'failed', error: report.error });
      case 'cancelled':
        return this.#machine.end(cell, { phase: 'cancelled', error: report.error });
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
      this.#machine.settleDown();
      if (this.#machine.stopped) {
        if (this.#lanes.running === 0) this.#cancelRest();
        return;
      }
      if (this.#machine.active > 0 && this.#machine.stuck.size === 0) return;
      const firm = settleAssumptions(this.#order);
      for (const cell of firm) this.#machine.touch(...cell.children.toReversed(), cell);
      if (firm.length > 0) continue;
      if (this.#machine.active > 0 || !this.#unlock()) return;
    }
  }

  /**
   * Nothing runs and nothing is queued. Either nodes wait for each other: that takes several image parents, each of which the other
   * could still demand; going on is right all the same, at worst one is judged again. Or all is done, and the last stages begin.
   */
  #unlock(): boolean {
    if (this.#machine.stuck.size > 0) {
      for (const cell of this.#order) if (cell.phase === 'known') cell.firm = true;
    } else if (this.#machine.stage === 'working') {
      this.#machine.stage = 'closing';
    } else if (this.#machine.stage === 'closing') {
      this.#machine.stage = 'vanishing';
    } else {
      return false;
    }
    this.#machine.touch(...this.#order.toReversed());
    return true;
  }

  #cancelRest(): void {
    for (const cell of this.#order) {
      if (cell.phase === 'known') this.#machine.settle(cell);
      else if (!ended(cell))
        this.#machine.end(cell, { phase: 'cancelled', error: this.#machine.stopped ?? INTERRUPTED });
    }
  }

  #cell(id: NodeId): Cell {
    const cell = this.#cells.get(id);
    if (!cell) throw new Error(`${id} is not in the plan, or comes after what depends on it`);
    return cell;
  }
}

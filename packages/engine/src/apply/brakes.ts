/** When a run starts nothing more by itself: too many failures, its time is up, or one of its canaries has failed. What runs is waited for. */
import type { BuildError, NodeId, Outcome } from '@rebake/sdk';
import type { Report, Work } from './cell.ts';

/** What a user has set; what is left out does not brake. */
export interface BrakeSettings {
  /** Failed nodes after which nothing more starts. */
  readonly maxFailures?: number;
  /** Moment from which on nothing more starts, in milliseconds since the epoch. */
  readonly deadlineAt?: number;
  /** How many images on other images are built first: the rest waits for them, and is not started if one of them fails. */
  readonly wave?: number;
}

/** The brakes of one run. `isCanary`: whether the building of a node counts for the first wave. */
export class Brakes {
  readonly #settings: BrakeSettings;
  readonly #isCanary: (node: NodeId) => boolean;
  readonly #canaries = new Set<NodeId>();
  readonly #failures = new Set<NodeId>();
  #flying = 0;
  #crashed: NodeId | null = null;

  constructor(settings: BrakeSettings, isCanary: (node: NodeId) => boolean) {
    this.#settings = settings;
    this.#isCanary = isCanary;
  }

  /** Whether builders get nothing new for now: the first wave is on its way. */
  get holdsBuilders(): boolean {
    const { wave } = this.#settings;
    return wave !== undefined && this.#canaries.size >= wave && this.#flying > 0;
  }

  /** Work was handed out. */
  started(node: NodeId, work: Work): void {
    const { wave } = this.#settings;
    if (wave === undefined || work !== 'build' || this.#canaries.size >= wave || !this.#isCanary(node)) return;
    this.#canaries.add(node);
    this.#flying += 1;
  }

  /** Handed-out work has ended. */
  ended(node: NodeId, work: Work, report: Report): void {
    if (work !== 'build' || !this.#canaries.has(node)) return;
    this.#flying -= 1;
    if (report.work === 'failed') this.#crashed ??= node;
  }

  /** A node has ended. */
  settled(node: NodeId, outcome: Outcome): void {
    if (outcome === 'failed') this.#failures.add(node);
    else this.#failures.delete(node);
  }

  /** Why nothing more is to start; null: go on. */
  why(now: number): BuildError | null {
    const { maxFailures, deadlineAt } = this.#settings;
    if (this.#crashed !== null) {
      const words = `not started: ${this.#crashed} of the first wave has failed`;
      return { code: 'WAVE_FAILED', retry: 'never', words };
    }
    if (maxFailures !== undefined && this.#failures.size >= maxFailures) {
      const words = `not started: ${this.#failures.size} failed, and no more than that are allowed`;
      return { code: 'MAX_FAILURES', retry: 'never', words };
    }
    if (deadlineAt !== undefined && now >= deadlineAt)
      return { code: 'DEADLINE', retry: 'never', words: 'not started: the time given for this run was up' };
    return null;
  }
}

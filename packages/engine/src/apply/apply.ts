/** `apply`: carries out a plan, at most that, and leaves a state from which the next one goes on, however it ends. */
import { checkPlan, remainingMs } from '@rebake/planner';
import type { Stale } from '@rebake/planner';
import type {
  BuildAccess,
  BuildError,
  Capabilities,
  Claims,
  Counts,
  Event,
  LockHolder,
  Node,
  NodeId,
  Outcome,
  Plan,
  RegistryClient,
  Seen,
  State,
  Store,
} from '@rebake/sdk';
import { Lookout } from '../observe/lookout.ts';
import { Builders } from '../run/builders.ts';
import type { BuilderPool } from '../run/builders.ts';
import type { CtxFactory } from '../run/ctx.ts';
import { cleanError, createSink } from '../run/events.ts';
import { createRunLogs, pruneLogs, RUNS_KEPT } from '../run/log.ts';
import { systemTimer } from '../run/timer.ts';
import type { Timer } from '../run/timer.ts';
import { Brakes } from './brakes.ts';
import type { BrakeSettings } from './brakes.ts';
import type { Settlement } from './cell.ts';
import { execute } from './execute.ts';
import { Ground } from './ground.ts';
import type { BeforePush } from './ground.ts';
import { lanesOf } from './lanes.ts';
import { membersOf } from './members.ts';
import { startOrder } from './order.ts';
import type { Priority } from './order.ts';
import { Scheduler } from './scheduler.ts';
import { judgeNode } from './verdict.ts';
import { Watch } from './watch.ts';

/** What an apply takes. */
export interface ApplyInput {
  readonly nodes: readonly Node[];
  readonly plan: Plan;
  readonly store: Store;
  readonly builders: BuilderPool;
  readonly registry: RegistryClient;
  readonly ctx: CtxFactory;
  readonly access: BuildAccess;
  /** Proxies of single images, which go before that of `access`. */
  readonly proxies?: ReadonlyMap<NodeId, NonNullable<BuildAccess['proxy']>>;
  /** Done before something is brought into a repository that lacks it. */
  readonly beforePush?: BeforePush | undefined;
  /** What somebody else has made: what the plan adopts for the sake of this is asked again. */
  readonly claims?: Claims | undefined;
  /** Everything at once: builds, transfers and questions. */
  readonly parallelism: number;
  /** What is wanted first, before the longest way to go; absent: nothing. */
  readonly priority?: Priority | undefined;
  /** When nothing more is started although there is more to do; absent: never. */
  readonly brakes?: BrakeSettings;
  /** Longest time of one publication, in milliseconds; null: no limit. Those of builds are the builders'. */
  readonly publishTimeoutMs: number | null;
  /** Who takes the lock for this run, or `held` when the caller has taken it. */
  readonly lock: 'held' | { readonly pid: number; readonly host: string };
  readonly runsDir: string;
  /** Aborted on Ctrl-C: what runs is cancelled and waited for. */
  readonly signal: AbortSignal;
  readonly timer?: Timer;
  readonly emit: (event: Event) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly newRunId: () => string;
}

/** How a run ended. Times in milliseconds. */
export interface RunSummary {
  readonly run: string;
  readonly counts: Counts;
  readonly failed: readonly { readonly node: NodeId; readonly error: BuildError }[];
  readonly interrupted: boolean;
  readonly ms: number;
  /** Every node of the plan, by how it ended. */
  readonly outcomes: ReadonlyMap<NodeId, Outcome>;
}

/** A run, or why there was none. */
export type Applied =
  | { readonly is: 'done'; readonly summary: RunSummary }
  | { readonly is: 'stale'; readonly stale: readonly Stale[] }
  | { readonly is: 'locked'; readonly holder: LockHolder | null };

/** Applies a plan. Nothing is done when the plan no longer fits the graph or the state, or when somebody else holds the lock. */
export async function apply(input: ApplyInput): Promise<Applied> {
  const run = input.newRunId();
  if (input.lock === 'held') return applyLocked(input, run);
  const since = new Date(input.now()).toISOString();
  const lock = await input.store.lock({ ...input.lock, run, since });
  if (!lock.ok) return { is: 'locked', holder: lock.holder };
  try {
    return await applyLocked(input, run);
  } finally {
    await lock.release();
  }
}

async function applyLocked(input: ApplyInput, run: string): Promise<Applied> {
  const state = await input.store.read();
  const check = checkPlan(input.plan, input.nodes, state);
  if (!check.ok) return { is: 'stale', stale: check.stale };
  return { is: 'done', summary: await new Run(input, run, state).drive() };
}

/** How many questions are asked at once within one piece of work. */
const QUESTIONS = 32;

class Run {
  readonly #input: ApplyInput;
  readonly #state: State;
  readonly #ground: Ground;
  readonly #watch: Watch;
  readonly #sink: ReturnType<typeof createSink>;
  /** Aborted with the input's signal, and when the run cannot go on. */
  readonly #stop = new AbortController();
  readonly #settled = new Map<NodeId, Settlement>();
  readonly #brakes: Brakes;
  /** Notes of how nodes ended, written one after the other. */
  #notes: Promise<unknown> = Promise.resolve();
  #fatal: { readonly error: unknown } | null = null;

  constructor(input: ApplyInput, run: string, state: State) {
    this.#input = input;
    this.#state = state;
    const { registry, ctx } = input;
    const { signal } = this.#stop;
    const builders = new Builders(input.builders, ctx);
    const lookout = new Lookout({ builders, registry, signal, concurrency: QUESTIONS, silent: 'ask again' });
    const means = {
      store: input.store,
      builders,
      registry,
      lookout,
      access: (image: NodeId): BuildAccess => {
        const proxy = input.proxies?.get(image);
        return proxy === undefined ? input.access : { ...input.access, proxy };
      },
      beforePush: input.beforePush,
      claims: input.claims,
      timer: input.timer ?? systemTimer,
      publishTimeoutMs: input.publishTimeoutMs,
      now: () => input.now(),
    };
    this.#ground = new Ground(run, input.nodes, input.plan, state, means);
    this.#sink = createSink(run, means.now, ctx.redactor, (event) => input.emit(event));
    this.#brakes = new Brakes(input.brakes ?? {}, (id) => this.#isOnImage(id));
    this.#watch = new Watch(this.#ground, this.#sink, createRunLogs(input.runsDir, run), ctx.redactor);
  }

  async drive(): Promise<RunSummary> {
    const { parallelism, plan, now, runsDir, store } = this.#input;
    const start = now();
    pruneLogs(runsDir);
    await store.retain(RUNS_KEPT - 1);
    const work = plan.actions.filter(({ atMost }) => atMost !== 'keep').length;
    this.#sink({ type: 'run-started', plan: this.#ground.digest, actions: work, parallelism });
    const capabilities = await this.#probe();
    await this.#schedule(capabilities);
    await this.#notes;
    if (this.#fatal) throw this.#fatal.error;
    return this.#summary(Math.round(now() - start));
  }

  /** Builders that something may be adopted, fetched or built with: judging needs what they say. */
  async #probe(): Promise<ReadonlyMap<string, Seen<Capabilities>>> {
    const { builders } = this.#ground.means;
    const names = new Set<string>();
    for (const { node: id, atMost } of this.#input.plan.actions) {
      const node = this.#ground.node(id);
      if (atMost !== 'keep' && node?.role === 'image') names.add(node.builder);
    }
    return new Map(
      await Promise.all([...names].map(async (name) => [name, await builders.probe(name, this.#stop.signal)] as const)),
    );
  }

  #schedule(capabilities: ReadonlyMap<string, Seen<Capabilities>>): Promise<void> {
    const { input, ground } = { input: this.#input, ground: this.#ground };
    const limits = { parallelism: input.parallelism, lanes: lanesOf(input.builders, capabilities) };
    const remaining = remainingMs(input.plan, input.nodes, this.#state);
    const members = membersOf(ground, startOrder(ground.graph, remaining, input.priority));
    const scheduler = new Scheduler(members, limits, {
      judge: (node, parents) => judgeNode(ground, node, parents, capabilities),
      settle: (settlement) => this.#settle(settlement),
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { signal } = this.#stop;

    const halt = (reason: unknown): void => {
      this.#stop.abort(reason);
      scheduler.stop();
      pump();
    };
    const onAbort = (): void => halt(input.signal.reason);
    const pump = (): void => {
      const why = this.#brakes.why(input.now());
      if (why) scheduler.stop(why);
      const take = (): ReturnType<Scheduler['take']> => scheduler.take(this.#brakes.holdsBuilders);
      for (let next = take(); next; next = take()) {
        const { node, work } = next;
        this.#brakes.started(node, work);
        execute(ground, this.#watch, node, work, signal)
          .catch((error: unknown) => {
            // A bug, or a state that cannot be written: nothing more may start, but what runs is waited for.
            this.#fatal ??= { error };
            halt(error);
            return { work: 'cancelled', error: { code: 'INTERRUPTED', retry: 'never', words: String(error) } } as const;
          })
          .then((report) => {
            this.#brakes.ended(node, work, report);
            scheduler.report(node, work, report);
            pump();
          })
          .catch(reject);
      }
      if (scheduler.finished) {
        input.signal.removeEventListener('abort', onAbort);
        resolve();
      } else if (scheduler.running === 0) {
        reject(new Error('nothing runs, and not all nodes are settled'));
      }
    };
    input.signal.addEventListener('abort', onAbort, { once: true });
    if (input.signal.aborted) onAbort();
    else pump();
    return promise;
  }

  /** Env images, not the bases that they wait for anyway. */
  #isOnImage(id: NodeId): boolean {
    const node = this.#ground.node(id);
    return node?.parents.some((parent) => this.#ground.node(parent)?.role === 'image') === true;
  }

  #settle(raw: Settlement): void {
    const { ctx, store, now } = this.#input;
    const settlement = raw.error ? { ...raw, error: cleanError(raw.error, ctx.redactor) } : raw;
    const { node, outcome, error } = settlement;
    this.#settled.set(node, settlement);
    this.#brakes.settled(node, outcome);
    const ms = this.#watch.settle(settlement);
    if (outcome === 'kept') return;
    const { run } = this.#ground;
    const { reasons } = this.#ground.action(node);
    const at = new Date(now()).toISOString();
    this.#note(async () => {
      if (outcome === 'failed' && error) await store.fail(node, { error, at, run });
      await store.record({ run, node, outcome, reasons, ms, at, ...(error ? { error } : {}) });
    });
  }

  #note(write: () => Promise<void>): void {
    this.#notes = this.#notes.then(write).catch((error: unknown) => {
      this.#fatal ??= { error };
      this.#stop.abort(error);
    });
  }

  #summary(ms: number): RunSummary {
    const counts: Record<Outcome, number> = {
      kept: 0,
      adopted: 0,
      fetched: 0,
      built: 0,
      published: 0,
      forgotten: 0,
      deleted: 0,
      failed: 0,
      skipped: 0,
      cancelled: 0,
    };
    const failed: { node: NodeId; error: BuildError }[] = [];
    const outcomes = new Map<NodeId, Outcome>();
    for (const { node, outcome, error } of this.#settled.values()) {
      counts[outcome] += 1;
      outcomes.set(node, outcome);
      if (outcome === 'failed' && error) failed.push({ node, error });
    }
    const interrupted = this.#input.signal.aborted;
    const { sent } = this.#watch;
    this.#sink({ type: 'run-finished', counts, ms, interrupted, ...(sent ? { sent } : {}) });
    return { run: this.#ground.run, counts, failed, interrupted, ms, outcomes };
  }
}

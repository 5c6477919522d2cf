/** A test's whole world: an engine, registries, a state, and `plan` and `apply` over them as a user would run them. */
import { plan } from '@rebake/planner';
import type { Planned } from '@rebake/planner';
import type { Claims, Event, Node, NodeId, RegistryClient } from '@rebake/sdk';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apply, createCtxFactory, createRedactor, observe } from '../../src/index.ts';
import type {
  Applied,
  ApplyInput,
  BuilderPool,
  CtxFactory,
  PooledBuilder,
  RunSummary,
  Timer,
} from '../../src/index.ts';
import { FakeBuilder } from './fake-builder.ts';
import { FakeRegistry } from './fake-registry.ts';
import { memoryStore } from './memory-store.ts';

/** Everything that a test can change between a plan and an apply. */
export class Bench {
  readonly registry = new FakeRegistry();
  /** What is asked of registries; the fake one, unless a test brings a real one. */
  readonly client: RegistryClient;
  readonly builder: FakeBuilder;
  readonly dir = mkdtempSync(join(tmpdir(), 'rebake-engine-'));
  readonly events: Event[] = [];
  readonly ctx: CtxFactory;
  store = memoryStore('lineage-1');
  parallel: number | null = 4;
  timeoutMs: number | null = null;
  /** What somebody else has made. */
  claims: Claims | undefined;
  runs = 0;
  /** Milliseconds; moves only when a test moves it. */
  time = Date.UTC(2026, 0, 1);

  constructor(
    env: Readonly<Record<string, string>> = {},
    real: { readonly registry?: RegistryClient; readonly builder?: (registry: FakeRegistry) => FakeBuilder } = {},
  ) {
    this.client = real.registry ?? this.registry;
    this.builder = real.builder?.(this.registry) ?? new FakeBuilder('engine-1', this.registry);
    this.ctx = createCtxFactory({
      root: this.dir,
      env,
      scratchDir: join(this.dir, 'scratch'),
      redactor: createRedactor(),
      credentials: () => Promise.resolve(null),
      registry: (host) => ({ host }),
      now: () => this.time,
    });
  }

  /** Builders beside `fake`, by name. */
  readonly others = new Map<string, FakeBuilder>();

  get pool(): BuilderPool {
    const more = [...this.others].map(
      ([name, builder]) =>
        [name, { load: () => Promise.resolve(builder), parallel: this.parallel, timeoutMs: this.timeoutMs }] as const,
    );
    return new Map<string, PooledBuilder>([
      ...more,
      ['fake', { load: () => Promise.resolve(this.builder), parallel: this.parallel, timeoutMs: this.timeoutMs }],
    ]);
  }

  async plan(
    nodes: readonly Node[],
    wish: { force?: readonly NodeId[]; prune?: boolean; refresh?: 'all' | 'none' } = {},
  ): Promise<Planned> {
    const state = await this.store.read();
    const force = wish.force ?? [];
    const world = await observe({
      nodes,
      state,
      builders: this.pool,
      registry: this.client,
      ctx: this.ctx,
      refresh: wish.refresh ?? 'all',
      signal: new AbortController().signal,
      memory: this.store,
      claims: this.claims,
      force,
    });
    return plan(nodes, state, world, { force, ...(wish.prune === undefined ? {} : { prune: wish.prune }) });
  }

  async applyPlan(
    nodes: readonly Node[],
    planned: Planned,
    options: Partial<ApplyInput> & { timer?: Timer } = {},
  ): Promise<Applied> {
    return apply({
      nodes,
      plan: planned.plan,
      store: this.store,
      builders: this.pool,
      registry: this.client,
      ctx: this.ctx,
      access: { secrets: {}, network: 'default' },
      claims: this.claims,
      parallelism: 8,
      publishTimeoutMs: null,
      lock: { pid: 1, host: 'here' },
      runsDir: join(this.dir, 'runs'),
      signal: new AbortController().signal,
      emit: (event) => this.events.push(event),
      now: () => this.time,
      newRunId: () => `run-${++this.runs}`,
      ...options,
    });
  }

  /** Plans and applies; fails unless there was a run. */
  async run(
    nodes: readonly Node[],
    wish: Parameters<Bench['plan']>[1] = {},
    options: Partial<ApplyInput> = {},
  ): Promise<RunSummary> {
    const applied = await this.applyPlan(nodes, await this.plan(nodes, wish), options);
    if (applied.is !== 'done') throw new Error(`nothing was applied: ${JSON.stringify(applied)}`);
    return applied.summary;
  }

  /** Efforts of a plan, but for what is kept. */
  async efforts(nodes: readonly Node[], wish: Parameters<Bench['plan']>[1] = {}): Promise<Record<string, string>> {
    const { plan: found } = await this.plan(nodes, wish);
    return Object.fromEntries(
      found.actions.filter(({ atMost }) => atMost !== 'keep').map(({ node, atMost }) => [node, atMost]),
    );
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** `apply`: plan (or take a saved plan), ask, carry it out. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { apply as run, type BrakeSettings, type RunSummary } from '@rebake/engine';
import type { Stale } from '@rebake/planner';
import type { Diagnostic, Event, LockHolder, Node, Plan } from '@rebake/sdk';
import { DEFAULT_PARALLELISM, PUBLISH_TIMEOUT_MS } from './defaults.ts';
import { readPlan } from './plan-file.ts';
import { buildersOf, nodesToDo, withPlan, type PlanOptions, type PlanResult } from './plan.ts';
import { hasErrors, withProject, type Project } from './project.ts';
import { prePushHooks } from './pre-push.ts';
import { openSession, type Session } from './session.ts';

/** What to apply, and how. */
export interface ApplyOptions extends PlanOptions {
  /** Path of a saved plan, relative to `cwd`; without one, apply plans first. */
  readonly planFile?: string;
  /** Actions at a time. */
  readonly parallelism?: number;
  /** What is wanted first, such as the envs that are used most, with the bases below them; greater is earlier. */
  readonly priority?: (node: Node) => number;
  /** When nothing more is started although there is more to do. */
  readonly brakes?: BrakeSettings;
  /** Asked before anything is changed, with the fresh plan; a saved plan is its own approval. */
  readonly confirm: (result: PlanResult) => Promise<'yes' | 'no'>;
  /** Told once what is going to be carried out, before the first event: for reporters that show short names and how far a run is. */
  readonly onPlan?: (plan: Plan) => void;
  readonly emit: (event: Event) => void;
}

/** How an apply ended. */
export type ApplyResult =
  | { readonly status: 'invalid'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly status: 'nothing'; readonly diagnostics: readonly Diagnostic[]; readonly plan: Plan }
  | { readonly status: 'declined' }
  | { readonly status: 'stale'; readonly stale: readonly Stale[] }
  | { readonly status: 'locked'; readonly holder: LockHolder | null }
  | { readonly status: 'ran'; readonly summary: RunSummary };

/** Applies and closes everything again. */
export async function apply(options: ApplyOptions): Promise<ApplyResult> {
  const { planFile } = options;
  return withProject(
    options,
    (diagnostics): ApplyResult => ({ status: 'invalid', diagnostics }),
    (project) => (planFile === undefined ? applyFresh(project, options) : applySaved(project, options, planFile)),
  );
}

async function applyFresh(project: Project, options: ApplyOptions): Promise<ApplyResult> {
  return withPlan(project, options, async (result, session) => {
    const { planned, diagnostics } = result;
    if (planned === null || session === null) return { status: 'invalid', diagnostics };
    // A blocker leaves its part of the graph out; whoever wants the rest all the same names it with --target.
    if (hasErrors(diagnostics)) return { status: 'invalid', diagnostics };
    if (planned.plan.actions.every(({ atMost }) => atMost === 'keep'))
      return { status: 'nothing', diagnostics, plan: planned.plan };
    if ((await options.confirm(result)) === 'no') return { status: 'declined' };
    return carryOut(project, session, planned.plan, options);
  });
}

async function applySaved(project: Project, options: ApplyOptions, file: string): Promise<ApplyResult> {
  const {
    dataDir,
    declaration: { expansion, diagnostics },
  } = project;
  if (dataDir === null || expansion === null || hasErrors(diagnostics)) return { status: 'invalid', diagnostics };
  const saved = await readPlan(file, options.cwd);
  if (!saved.ok) return { status: 'invalid', diagnostics: saved.diagnostics };
  const session = openSession(project, dataDir, expansion, options);
  try {
    const refused = await session.refused(buildersOf(nodesToDo(expansion.nodes, saved.plan)));
    if (refused.length > 0) return { status: 'invalid', diagnostics: refused };
    return await carryOut(project, session, saved.plan, options);
  } finally {
    await session.close();
  }
}

async function carryOut(project: Project, session: Session, plan: Plan, options: ApplyOptions): Promise<ApplyResult> {
  const {
    dataDir,
    declaration: { expansion },
  } = project;
  if (expansion === null || dataDir === null) throw new Error('a declaration that is planned has an expansion');
  options.onPlan?.(plan);
  const applied = await run({
    nodes: expansion.nodes,
    plan,
    store: await project.store(),
    builders: session.builders,
    registry: session.registry,
    ctx: session.ctx,
    access: expansion.access,
    proxies: expansion.proxies,
    beforePush: prePushHooks(expansion.prePush, options.env ?? process.env),
    claims: options.claims,
    priority: options.priority,
    parallelism: options.parallelism ?? DEFAULT_PARALLELISM,
    ...(options.brakes === undefined ? {} : { brakes: options.brakes }),
    publishTimeoutMs: PUBLISH_TIMEOUT_MS,
    lock: { pid: process.pid, host: hostname() },
    runsDir: join(dataDir, 'runs'),
    signal: options.signal ?? new AbortController().signal,
    emit: options.emit,
    now: project.now,
    newRunId: project.randomId,
  });
  switch (applied.is) {
    case 'done':
      return { status: 'ran', summary: applied.summary };
    case 'stale':
      return { status: 'stale', stale: applied.stale };
    case 'locked':
      return { status: 'locked', holder: applied.holder };
    default:
      return applied satisfies never;
  }
}

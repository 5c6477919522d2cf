/** `plan`: load, observe, plan. Looks at the world, changes nothing but caches. */
import { observe } from '@rebake/engine';
import type { Expansion } from '@rebake/model';
import { accessNeeds, plan as makePlan, selectNodes } from '@rebake/planner';
import type { Blocker, Claims, Diagnostic, Node, NodeId, Plan, State, World } from '@rebake/sdk';
import { blockerDiagnostics, selectionDiagnostic } from './diagnostics.ts';
import { hasErrors, withProject, type Project, type ProjectOptions } from './project.ts';
import { rememberQuiet, stateStamp } from './quiet.ts';
import { openSession, type Session, type SessionOptions } from './session.ts';

/** What to plan. */
export interface PlanOptions extends ProjectOptions, SessionOptions {
  /** Nodes by id or short name; `NODE+` takes what stands on it along. Empty or absent: everything. */
  readonly targets?: readonly string[];
  /** Nodes to build again whatever the ledger says. */
  readonly rebuild?: readonly string[];
  /** `none` trusts the state instead of looking at engines and registries. */
  readonly refresh?: 'all' | 'none';
  /** Whether what vanished nodes left is deleted instead of forgotten. */
  readonly vanished?: 'forget' | 'delete';
  /** What somebody else has made, so that it is adopted instead of made again; asked only where there is a refresh. */
  readonly claims?: Claims;
}

/** A plan with all that it was made from. */
export interface Planned {
  readonly plan: Plan;
  readonly blockers: readonly Blocker[];
  /** Nodes that nothing is planned for → the blocker's node. */
  readonly blocked: ReadonlyMap<NodeId, NodeId>;
  readonly expansion: Expansion;
  readonly state: State;
  readonly world: World;
}

/** The outcome of planning. `planned` is null when the declaration has errors; blockers are errors too, but the rest of the plan is there. */
export interface PlanResult {
  readonly diagnostics: readonly Diagnostic[];
  readonly planned: Planned | null;
}

/** Plans and closes everything again. */
export async function plan(options: PlanOptions): Promise<PlanResult> {
  return withProject(
    options,
    (diagnostics): PlanResult => ({ diagnostics, planned: null }),
    (project) => withPlan(project, options, async (result) => result),
  );
}

/** Plans, and hands the plan to `use` while builders and registries are still open: what apply goes on with. */
export async function withPlan<T>(
  project: Project,
  options: PlanOptions,
  use: (result: PlanResult, session: Session | null) => Promise<T>,
): Promise<T> {
  const {
    dataDir,
    declaration: { expansion, diagnostics },
  } = project;
  if (dataDir === null || expansion === null || hasErrors(diagnostics))
    return use({ diagnostics, planned: null }, null);
  const selected = select(expansion, options);
  if (!selected.ok) return use({ diagnostics: [...diagnostics, ...selected.diagnostics], planned: null }, null);

  const session = openSession(project, dataDir, expansion, options);
  try {
    const looks = options.refresh !== 'none';
    // What is asked has to be made first; without a refresh nobody is asked, and most plans find nothing to do.
    const unable = looks ? await session.refused(buildersOf(expansion.nodes)) : [];
    if (unable.length > 0) return await use({ diagnostics: [...diagnostics, ...unable], planned: null }, null);
    const stateBefore = stateStamp(dataDir);
    const store = await project.store();
    const state = await store.read();
    const world = await observe({
      nodes: expansion.nodes,
      state,
      builders: session.builders,
      registry: session.registry,
      ctx: session.ctx,
      memory: store,
      force: selected.force,
      refresh: options.refresh ?? 'all',
      claims: options.claims,
      signal: options.signal ?? new AbortController().signal,
    });
    const {
      plan: made,
      blockers,
      blocked,
    } = makePlan(expansion.nodes, state, world, {
      force: selected.force,
      ...(selected.only === null ? {} : { only: selected.only }),
      prune: options.vanished === 'delete',
      needs: accessNeeds(expansion.access),
    });
    const needed = looks ? [] : buildersOf(nodesToDo(expansion.nodes, made, blocked));
    const refused = await session.refused(needed);
    if (refused.length > 0) return await use({ diagnostics: [...diagnostics, ...refused], planned: null }, null);
    const planned: Planned = { plan: made, blockers, blocked, expansion, state, world };
    const found = [...diagnostics, ...blockerDiagnostics(blockers, expansion.nodes)];
    if (
      found.length === 0 &&
      project.ownState &&
      project.file !== null &&
      made.actions.every(({ atMost }) => atMost === 'keep')
    ) {
      rememberQuiet(
        { dataDir, file: project.file, declaration: project.declarationStamp, stateBefore, now: project.now() },
        options,
        made.actions.length,
      );
    }
    return await use({ diagnostics: found, planned }, session);
  } finally {
    await session.close();
  }
}

/** Builders of images. */
export function buildersOf(nodes: readonly Node[]): ReadonlySet<string> {
  return new Set(nodes.flatMap((node) => (node.role === 'image' ? [node.builder] : [])));
}

/** Nodes that something is planned for, or would be if nothing stood in the way. */
export function nodesToDo(
  nodes: readonly Node[],
  { actions }: Plan,
  blocked: ReadonlyMap<NodeId, NodeId> = new Map(),
): readonly Node[] {
  const busy = new Set([
    ...actions.flatMap(({ atMost, node }) => (atMost === 'keep' ? [] : [node])),
    ...blocked.keys(),
  ]);
  return busy.size === 0 ? [] : nodes.filter(({ id }) => busy.has(id));
}

type Selected =
  | { readonly ok: true; readonly only: readonly NodeId[] | null; readonly force: readonly NodeId[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

function select(expansion: Expansion, options: PlanOptions): Selected {
  const { targets = [], rebuild = [] } = options;
  const only = targets.length === 0 ? null : selectNodes(expansion.nodes, targets, 'with-ancestors');
  const force = rebuild.length === 0 ? null : selectNodes(expansion.nodes, rebuild, 'alone');
  const diagnostics = [only, force].flatMap((picked) =>
    picked === null || picked.ok ? [] : picked.problems.map(selectionDiagnostic),
  );
  if ((only !== null && !only.ok) || (force !== null && !force.ok)) return { ok: false, diagnostics };
  return { ok: true, only: only?.nodes ?? null, force: force?.nodes ?? [] };
}

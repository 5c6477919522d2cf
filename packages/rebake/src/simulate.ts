/** `upgrade --simulate`: what another version of DSS would mean, told from the declaration, the state and the table of releases alone. */
import { join } from 'node:path';
import { createFileHasher } from '@rebake/image';
import { releaseChanges, simulateRelease, type ReleaseChanges } from '@rebake/model';
import type { Diagnostic, Node, NodeId, State } from '@rebake/sdk';
import { withPlan } from './plan.ts';
import { hasErrors, withExpansion, withProject, type ProjectOptions } from './project.ts';
import type { SessionOptions } from './session.ts';
import { baseTroubles, breaksOf, type BaseTrouble, type Break } from './simulate-breaks.ts';

/** What to simulate. */
export interface SimulateOptions extends ProjectOptions, SessionOptions {
  readonly version: string;
  /** Needed where the config has several releases. */
  readonly release?: string;
}

/** Nodes of one kind that something would be done to. */
export interface StaleKind {
  readonly kind: string;
  /** To be built or published whatever happens. */
  readonly certain: readonly NodeId[];
  /** Only if what they stand on comes out different. */
  readonly ifChanged: readonly NodeId[];
}

/** How long it would take, from what builds took before; milliseconds. */
export interface Cost {
  /** Of all builds that have a record, one after the other. */
  readonly work: number;
  /** Of the longest chain of them: less it cannot be, however many run side by side. */
  readonly longest: number;
  /** Builds that have no record. */
  readonly unknown: number;
}

/** What an upgrade would mean. */
export interface SimulatedUpgrade {
  readonly formatVersion: 1;
  readonly from: string;
  readonly to: string;
  /** Null: the only `release`. */
  readonly release: string | null;
  readonly changes: ReleaseChanges;
  readonly stale: readonly StaleKind[];
  /** Nodes that stay as they are. */
  readonly kept: number;
  readonly breaks: readonly Break[];
  readonly bases: readonly BaseTrouble[];
  readonly cost: Cost;
}

/** Simulated, or why not. */
export interface SimulateResult {
  readonly simulated: SimulatedUpgrade | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Simulates an upgrade. Contacts nothing, and writes nothing but caches of the declaration as it is. */
export async function simulateUpgrade(options: SimulateOptions): Promise<SimulateResult> {
  const nothing = (diagnostics: readonly Diagnostic[]): SimulateResult => ({ simulated: null, diagnostics });
  return withProject(options, nothing, async (project) => {
    const { file, dataDir, declaration } = project;
    if (file === null || dataDir === null || declaration.expansion === null || hasErrors(declaration.diagnostics))
      return nothing(declaration.diagnostics);
    const cacheDir = join(dataDir, 'cache');
    const hasher = createFileHasher({ cacheFile: join(cacheDir, 'files.json'), now: project.now });
    const { version, release } = options;
    const outcome = await simulateRelease({
      file,
      cwd: options.cwd,
      hasher,
      cacheDir,
      version,
      ...(release === undefined ? {} : { release }),
    });
    if (!outcome.ok) return nothing(outcome.diagnostics);
    const { simulation } = outcome;
    const changes = releaseChanges(simulation.from, version);
    const general = simulation.news.filter(({ where }) => where?.path.startsWith('codeEnvs.') !== true);
    return withPlan(
      withExpansion(project, simulation.expansion),
      { ...options, refresh: 'none' },
      async ({ planned }) => {
        if (planned === null) return nothing(general);
        const { plan, state, expansion } = planned;
        const kinds = new Map(expansion.nodes.map(({ id, kind }) => [id, kind]));
        const busy = plan.actions.filter(({ atMost, node }) => atMost !== 'keep' && kinds.has(node));
        const certain = new Set(busy.filter(({ ifChanged }) => ifChanged.length === 0).map(({ node }) => node));
        const all = new Set(busy.map(({ node }) => node));
        return {
          simulated: {
            formatVersion: 1,
            from: simulation.from,
            to: version,
            release: simulation.release,
            changes,
            stale: byKind(expansion.nodes, all, certain),
            kept: expansion.nodes.length - all.size,
            breaks: breaksOf(simulation, changes),
            bases: baseTroubles(simulation, changes),
            cost: costOf(expansion.nodes, all, state),
          },
          diagnostics: general,
        };
      },
    );
  });
}

function byKind(nodes: readonly Node[], all: ReadonlySet<NodeId>, certain: ReadonlySet<NodeId>): readonly StaleKind[] {
  const kinds = new Map<string, { certain: NodeId[]; ifChanged: NodeId[] }>();
  for (const { id, kind } of nodes) {
    if (!all.has(id)) continue;
    const known = kinds.get(kind) ?? { certain: [], ifChanged: [] };
    kinds.set(kind, known);
    (certain.has(id) ? known.certain : known.ifChanged).push(id);
  }
  return [...kinds].map(([kind, found]) => ({ kind, ...found }));
}

/** Parents stand before children, so that one pass finds the longest chain. */
function costOf(nodes: readonly Node[], busy: ReadonlySet<NodeId>, { entries }: State): Cost {
  const ends = new Map<NodeId, number>();
  let work = 0;
  let longest = 0;
  let unknown = 0;
  for (const { id, role, parents } of nodes) {
    const before = Math.max(0, ...parents.map((parent) => ends.get(parent) ?? 0));
    const ms = busy.has(id) ? entries.get(id)?.ms : 0;
    if (ms === undefined && role === 'image') unknown += 1;
    work += ms ?? 0;
    ends.set(id, before + (ms ?? 0));
    longest = Math.max(longest, before + (ms ?? 0));
  }
  return { work, longest, unknown };
}

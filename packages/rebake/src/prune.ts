/** `prune`: frees what nobody uses of the cache of this machine, and of the project's own image layouts. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { cacheDir, carryOutPrune, planPrune, type PruneKept, type PruneRow } from '@rebake/cache';
import type { Diagnostic, LockHolder } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { neededOf, planLayouts, type LayoutPrune } from './prune-layouts.ts';
import { hasErrors, withProject, type Project, type ProjectOptions } from './project.ts';

/** What may go. */
export interface PruneOptions extends ProjectOptions {
  /** What of the cache was used within this time, in milliseconds, stays. */
  readonly olderThanMs: number;
  /** How much of the cache stays at most, in bytes; null: any amount. */
  readonly maxBytes: number | null;
  /** Images that nobody names any more stay for so long, in milliseconds. */
  readonly graceMs: number;
  readonly dryRun: boolean;
  /** Asked once, when there is something to do. */
  readonly confirm: (report: PruneReport) => Promise<boolean>;
}

/** What goes, or has gone, of one layout. */
export interface LayoutReport {
  readonly builder: string;
  /** Names of images that go. */
  readonly images: readonly string[];
  /** Names that stay. */
  readonly kept: number;
  readonly blobs: number;
  /** What that frees. */
  readonly bytes: number;
}

/** What goes, or has gone, in bytes and by kind. */
export interface PruneReport {
  /** Null: there is no cache. */
  readonly cache: { readonly dir: string; readonly rows: readonly PruneRow[]; readonly kept: PruneKept } | null;
  /** Of the project; empty where there is none. */
  readonly layouts: readonly LayoutReport[];
  /** All that is freed. */
  readonly bytes: number;
}

/** How it ended. */
export type PruneResult =
  | { readonly status: 'invalid'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly status: 'locked'; readonly holder: LockHolder | null }
  | {
      readonly status: 'nothing' | 'planned' | 'declined' | 'pruned';
      readonly report: PruneReport;
      readonly diagnostics: readonly Diagnostic[];
    };

/** Prunes. Needs no project: then the cache alone is looked at. */
export async function prune(options: PruneOptions): Promise<PruneResult> {
  const invalid = (diagnostics: readonly Diagnostic[]): PruneResult => ({ status: 'invalid', diagnostics });
  return withProject(options, invalid, async (project) => {
    // A config file that was named has to be there.
    if (project.file === null && options.config !== undefined) return invalid(project.declaration.diagnostics);
    const { plans, diagnostics } = await layoutPlans(project, options);
    const dir = cacheDir(options.env);
    const rules = { olderThanMs: options.olderThanMs, maxBytes: options.maxBytes, now: project.now };
    const planned = await planPrune(dir, rules);
    const report = reportOf(planned === null ? null : { dir, rows: planned.rows, kept: planned.kept }, plans);
    if ((planned?.items.length ?? 0) === 0 && !plans.some(hasWork)) return { status: 'nothing', report, diagnostics };
    if (options.dryRun) return { status: 'planned', report, diagnostics };
    if (!(await options.confirm(report))) return { status: 'declined', report, diagnostics };
    const work = async (): Promise<PruneResult> => {
      const layouts = await sweepLayouts(plans, options.graceMs);
      // Looked at again: what only the layouts held beside the cache is the cache's alone now.
      const again = await planPrune(dir, rules);
      const signal = options.signal ?? new AbortController().signal;
      const gone = again === null ? null : await carryOutPrune(dir, again, signal);
      const cache = again === null || gone === null ? null : { dir, rows: gone.rows, kept: again.kept };
      return { status: 'pruned', report: totalled(cache, layouts), diagnostics };
    };
    return plans.some(hasWork) ? locked(project, work) : work();
  });
}

interface Plans {
  readonly plans: readonly LayoutPrune[];
  readonly diagnostics: readonly Diagnostic[];
}

async function layoutPlans(project: Project, { graceMs }: PruneOptions): Promise<Plans> {
  const { dataDir, declaration } = project;
  if (dataDir === null || !existsSync(join(dataDir, 'builders'))) return { plans: [], diagnostics: [] };
  const { expansion, diagnostics } = declaration;
  if (expansion === null || hasErrors(diagnostics)) {
    const words = 'the declaration has errors, so the images of this project are left as they are';
    return { plans: [], diagnostics: [libraryDiagnostic('PRUNE_LAYOUTS_LEFT', words)] };
  }
  const state = await (await project.store()).read();
  return { plans: await planLayouts(dataDir, neededOf(expansion.nodes, state), graceMs), diagnostics: [] };
}

/** No apply may be at work: it names images that the state does not know yet. */
async function locked(project: Project, work: () => Promise<PruneResult>): Promise<PruneResult> {
  const store = await project.store();
  const since = new Date(project.now()).toISOString();
  const lock = await store.lock({ pid: process.pid, host: hostname(), run: project.randomId(), since });
  if (!lock.ok) return { status: 'locked', holder: lock.holder };
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function sweepLayouts(plans: readonly LayoutPrune[], graceMs: number): Promise<readonly LayoutReport[]> {
  const done: LayoutReport[] = [];
  for (const plan of plans.filter(hasWork)) {
    const { blobs, bytes } = await plan.layout.sweep({ olderThanMs: graceMs, unname: plan.unname });
    done.push({ ...layoutReport(plan), blobs, bytes });
  }
  return done;
}

function hasWork({ unname, blobs }: LayoutPrune): boolean {
  return unname.length > 0 || blobs > 0;
}

function layoutReport({ builder, unname, kept, blobs, bytes }: LayoutPrune): LayoutReport {
  return { builder, images: unname, kept, blobs, bytes };
}

function reportOf(cache: PruneReport['cache'], plans: readonly LayoutPrune[]): PruneReport {
  return totalled(cache, plans.map(layoutReport));
}

function totalled(cache: PruneReport['cache'], layouts: readonly LayoutReport[]): PruneReport {
  const bytes = [...(cache?.rows ?? []), ...layouts].reduce((sum, one) => sum + one.bytes, 0);
  return { cache, layouts, bytes };
}

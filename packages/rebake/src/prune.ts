/** `prune`: frees what nobody uses of the cache of this machine, and of the project's own image layouts. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import {
  cacheDir,
  carryOutPrune,
  planPrune,
  type PruneKept,
  type PruneOptions as CacheRules,
  type PruneRow,
} from '@rebake/cache';
import type { Diagnostic, LockHolder, Swept } from '@rebake/sdk';
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

/** What goes, or has gone, of one cache. */
export interface CacheReport {
  /** Absolute path. */
  readonly dir: string;
  readonly rows: readonly PruneRow[];
  readonly kept: PruneKept;
}

/** What goes, or has gone, in bytes and by kind. */
export interface PruneReport {
  /** The user's, and those that builders of the project name; none: there is no cache. */
  readonly caches: readonly CacheReport[];
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
    const dirs = cachesOf(project, options.env);
    const rules = { olderThanMs: options.olderThanMs, maxBytes: options.maxBytes, now: project.now };
    const report = totalled(await lookAt(dirs, rules), plans.map(layoutReport));
    const isIdle = report.caches.every(({ rows }) => rows.length === 0) && !plans.some(hasWork);
    if (isIdle) return { status: 'nothing', report, diagnostics };
    if (options.dryRun) return { status: 'planned', report, diagnostics };
    if (!(await options.confirm(report))) return { status: 'declined', report, diagnostics };
    const work = async (): Promise<PruneResult> => {
      // Looks again under the lock: what an apply has named since the question is not to go, and what nobody agreed to stays as well.
      const now = (await layoutPlans(project, options)).plans;
      const layouts = await sweepLayouts(agreed(plans, now), options.graceMs);
      const signal = options.signal ?? new AbortController().signal;
      return { status: 'pruned', report: totalled(await clean(dirs, rules, signal), layouts), diagnostics };
    };
    return plans.some(hasWork) ? locked(project, work) : work();
  });
}

/** The user's own, and those that the options of builders name. */
function cachesOf({ declaration }: Project, env: ProjectOptions['env']): readonly string[] {
  const named = Object.values(declaration.expansion?.builders ?? {}).flatMap(({ kind, options: { cache } }) =>
    kind === 'oci' && typeof cache === 'string' ? [resolve(cache)] : [],
  );
  return [...new Set([cacheDir(env), ...named])];
}

async function lookAt(dirs: readonly string[], rules: CacheRules): Promise<readonly CacheReport[]> {
  const caches: CacheReport[] = [];
  for (const dir of dirs) {
    const planned = await planPrune(dir, rules);
    if (planned !== null) caches.push({ dir, rows: planned.rows, kept: planned.kept });
  }
  return caches;
}

/** Looks again first: what only layouts held beside a cache is the cache's alone now. */
async function clean(dirs: readonly string[], rules: CacheRules, signal: AbortSignal): Promise<readonly CacheReport[]> {
  const caches: CacheReport[] = [];
  for (const dir of dirs) {
    const planned = await planPrune(dir, rules);
    if (planned === null) continue;
    const { rows } = await carryOutPrune(dir, planned, signal);
    caches.push({ dir, rows, kept: planned.kept });
  }
  return caches;
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

/** What was to go before the question, and still is. */
function agreed(before: readonly LayoutPrune[], now: readonly LayoutPrune[]): readonly LayoutPrune[] {
  const shown = new Map(before.map((plan) => [plan.layout.dir, new Set(plan.unname)]));
  return now.flatMap((plan) => {
    const names = shown.get(plan.layout.dir);
    return names === undefined ? [] : [{ ...plan, unname: plan.unname.filter((name) => names.has(name)) }];
  });
}

async function sweepLayouts(plans: readonly LayoutPrune[], graceMs: number): Promise<readonly LayoutReport[]> {
  const done: LayoutReport[] = [];
  for (const plan of plans) {
    const sweep = { olderThanMs: graceMs, unname: plan.unname };
    done.push({ ...layoutReport(plan), ...(hasWork(plan) ? sweptOf(await plan.layout.sweep(sweep)) : {}) });
  }
  return done;
}

function sweptOf({ blobs, bytes }: Swept): Pick<LayoutReport, 'blobs' | 'bytes'> {
  return { blobs, bytes };
}

function hasWork({ unname, blobs }: LayoutPrune): boolean {
  return unname.length > 0 || blobs > 0;
}

function layoutReport({ builder, unname, kept, blobs, bytes }: LayoutPrune): LayoutReport {
  return { builder, images: unname, kept, blobs, bytes };
}

function totalled(caches: readonly CacheReport[], layouts: readonly LayoutReport[]): PruneReport {
  const bytes = [...caches.flatMap(({ rows }) => rows), ...layouts].reduce((sum, one) => sum + one.bytes, 0);
  return { caches, layouts, bytes };
}

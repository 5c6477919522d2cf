/** What a fault is, and the ways to put one into a good builder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuildFailure, digestOfBytes } from '@rebake/image';
import type { BuildError, FileSet, Step } from '@rebake/image';
import type { Builder, Ctx, Job, Progress } from '@rebake/sdk';

/** One fault. */
export interface Fault {
  /** What is wrong, after “a builder that”. */
  readonly that: string;
  /** Behaviours that are asked: those of the fault's group. */
  readonly asked: readonly string[];
  /** Those of them that have to fail; all others have to pass. */
  readonly fails: readonly string[];
  /** Puts the fault into a good builder. Called once a builder object. */
  breaks(good: Builder): Builder;
  /** Which of the rig's builders are wrapped. Default: `create`. */
  readonly where?: 'create' | 'unreachable' | 'ownEngine';
}

/** A builder whose jobs are changed before they are built. */
export function withJob(good: Builder, change: (job: Job, ctx: Ctx) => Job | Promise<Job>): Builder {
  return { ...good, build: async (job, ctx) => good.build(await change(job, ctx), ctx) };
}

/** A builder whose steps are changed before they are built. */
export function withSteps(good: Builder, change: (step: Step) => readonly Step[]): Builder {
  return withJob(good, (job) => ({ ...job, spec: { ...job.spec, steps: job.spec.steps.flatMap(change) } }));
}

/** A builder whose files are changed before they are sent. */
export function withFiles(good: Builder, change: (files: FileSet) => FileSet): Builder {
  return withSteps(good, (step) => ['files' in step ? { ...step, files: change(step.files) } : step]);
}

/** A builder that reports other things than there are. */
export function withProgress(good: Builder, change: () => (one: Progress) => readonly Progress[]): Builder {
  return {
    ...good,
    async build(job, ctx) {
      const changed = change();
      return good.build(job, { ...ctx, emit: (one) => changed(one).forEach((other) => ctx.emit(other)) });
    },
  };
}

/** A builder whose failures are others. */
export function withFailures(good: Builder, change: (error: BuildError) => BuildError): Builder {
  return {
    ...good,
    async build(job, ctx) {
      try {
        return await good.build(job, ctx);
      } catch (error) {
        throw error instanceof BuildFailure ? new BuildFailure(change(error.error)) : error;
      }
    },
  };
}

/** The same context, but that nobody can abort the call. */
export function deaf(ctx: Ctx): Ctx {
  return { ...ctx, signal: new AbortController().signal };
}

export function oneFile(folder: string, name: string, bytes: string | Uint8Array): FileSet {
  writeFileSync(join(folder, name), bytes);
  return { root: folder, files: [{ path: name, digest: digestOfBytes(bytes), exec: false }] };
}

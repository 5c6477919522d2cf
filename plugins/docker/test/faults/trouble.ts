/** Faults in trouble: secrets that leak, failures that say the wrong thing, aborts that nobody hears, engines that do not answer. */
import { tmpdir } from 'node:os';
import { BuildFailure } from '@rebake/image';
import type { Location, Step } from '@rebake/image';
import type { Ctx } from '@rebake/sdk';
import { candidateName } from '@rebake/sdk/building';
import { withJob, withSteps, withProgress, withFailures, deaf, oneFile } from './fault.ts';
import type { Fault } from './fault.ts';

const SECRETS = ['do-not-leak', 'in-instructions', 'optional', 'missing', 'changed', 'failure', 'on-disk'].map(
  (id) => `secrets/${id}`,
);
const FAILURES = ['step', 'long-output', 'control-characters', 'refused', 'unknown-step', 'parent-missing'].map(
  (id) => `failures/${id}`,
);

/** Faults of this kind. */
export const trouble: readonly Fault[] = [
  {
    that: 'leaks secrets into a layer',
    asked: SECRETS,
    fails: ['secrets/do-not-leak'],
    breaks: (good) =>
      withJob(good, async (job, ctx) => {
        const leaked: Step[] = [];
        for (const [id, ref] of Object.entries(job.access.secrets)) {
          const bytes = await ctx.secret(ref);
          const files = bytes && oneFile(ctx.scratch, `leaked-${id}`, bytes);
          if (files) leaked.push({ step: 'copy', files, to: '/root', owner: '0:0' });
        }
        return { ...job, spec: { ...job.spec, steps: [...job.spec.steps, ...leaked] } };
      }),
  },
  {
    that: 'prints secrets',
    asked: SECRETS,
    fails: ['secrets/do-not-leak'],
    breaks: (good) =>
      withJob(good, async (job, ctx) => {
        for (const ref of Object.values(job.access.secrets)) {
          const bytes = await ctx.secret(ref);
          if (bytes) ctx.emit({ type: 'log', text: `using ${Buffer.from(bytes).toString()}` });
        }
        return job;
      }),
  },
  {
    that: 'leaves secrets in the temporary folder',
    asked: SECRETS,
    fails: ['secrets/on-disk'],
    breaks: (good) =>
      withJob(good, async (job, ctx) => {
        for (const ref of Object.values(job.access.secrets)) {
          const bytes = await ctx.secret(ref);
          // Elsewhere than where the suite looks, the file would only be dirt.
          if (bytes && tmpdir().includes('rebake-conformance-')) oneFile(tmpdir(), 'secret', bytes);
        }
        return job;
      }),
  },
  {
    that: 'builds without secrets that are missing',
    asked: ['secrets/optional', 'secrets/missing'],
    fails: ['secrets/missing'],
    breaks: (good) => ({
      ...good,
      build: (job, ctx) => good.build(job, { ...ctx, secret: (ref) => ctx.secret({ ...ref, optional: true }) }),
    }),
  },
  {
    that: 'names what it builds before it knows whether it works',
    asked: FAILURES,
    fails: ['failures/step', 'failures/refused'],
    breaks(good) {
      const early: { readonly at: Location; readonly ctx: Ctx }[] = [];
      return {
        ...good,
        async build(job, ctx) {
          const at = { engine: (await good.probe(ctx)).engine, name: candidateName(job.key) };
          if (job.parent) await good.tag(job.parent, at.name, ctx).catch(() => undefined);
          try {
            return await good.build(job, ctx);
          } catch (error) {
            const isOfEngine = error instanceof BuildFailure && /^(STEP_FAILED|BUILD_REFUSED)$/.test(error.error.code);
            if (isOfEngine) early.push({ at, ctx });
            else await good.remove(at, ctx);
            throw error;
          }
        },
        // The suite does not know of these names, and the engine is not for this test alone.
        async close() {
          for (const { at, ctx } of early) await good.remove(at, ctx);
          await good.close();
        },
      };
    },
  },
  {
    that: 'loses the words of failures',
    asked: FAILURES,
    fails: ['failures/step', 'failures/long-output', 'failures/refused'],
    breaks: (good) => withFailures(good, (error) => ({ ...error, words: 'the build failed' })),
  },
  {
    that: 'says of a step that failed that trying again may help',
    asked: FAILURES,
    fails: ['failures/step', 'failures/long-output'],
    breaks: (good) =>
      withFailures(good, (error) => (error.code === 'STEP_FAILED' ? { ...error, retry: 'backoff' } : error)),
  },
  {
    that: 'has one code for everything',
    asked: FAILURES,
    fails: FAILURES,
    breaks: (good) => withFailures(good, (error) => ({ ...error, code: 'BUILD_FAILED' })),
  },
  {
    that: 'passes on what a terminal would obey',
    asked: FAILURES,
    fails: ['failures/control-characters'],
    breaks: (good) =>
      withProgress(good, () => (one) => [one.type === 'log' ? { ...one, text: `\u001b[1m${one.text}` } : one]),
  },
  {
    that: 'leaves out steps that it does not know',
    asked: FAILURES,
    fails: ['failures/unknown-step'],
    breaks: (good) => withSteps(good, (step) => ((step.step as string) === 'of-the-future' ? [] : [step])),
  },
  {
    that: 'says that it lacks secrets, and builds without them',
    asked: ['secrets/do-not-leak', 'secrets/changed'],
    fails: ['secrets/do-not-leak', 'secrets/changed'],
    breaks: (good) => ({ ...good, probe: async (ctx) => ({ ...(await good.probe(ctx)), lacks: ['secrets'] }) }),
  },
  {
    that: 'says “no” of an engine that does not answer',
    asked: ['unreachable/probe', 'unreachable/inspect', 'unreachable/calls', 'unreachable/close'],
    fails: ['unreachable/inspect'],
    where: 'unreachable',
    breaks: (good) => ({ ...good, inspect: async () => ({ seen: 'no' }) }),
  },
  {
    that: 'gives failures of its own for an engine that does not answer',
    asked: ['unreachable/probe', 'unreachable/inspect', 'unreachable/calls', 'unreachable/close'],
    fails: ['unreachable/probe'],
    where: 'unreachable',
    breaks: (good) => ({
      ...good,
      probe: async () => {
        throw new Error('connect ENOENT');
      },
    }),
  },
  {
    that: 'does not hear of aborts',
    asked: ['cancel/before', 'cancel/mid-step'],
    fails: ['cancel/before', 'cancel/mid-step'],
    breaks: (good) => ({
      ...good,
      build: (job, ctx) => good.build(job, deaf(ctx)),
      inspect: (at, ctx) => good.inspect(at, deaf(ctx)),
    }),
  },
  {
    that: 'rejects at once when aborted, and lets the step run on',
    asked: ['cancel/before', 'cancel/mid-step'],
    fails: ['cancel/mid-step'],
    breaks: (good) => ({
      ...good,
      async build(job, ctx) {
        ctx.signal.throwIfAborted();
        const aborted = Promise.withResolvers<never>();
        ctx.signal.addEventListener('abort', () => aborted.reject(ctx.signal.reason as Error), { once: true });
        const built = good.build(job, deaf(ctx));
        built.catch(() => undefined);
        return Promise.race([built, aborted.promise]);
      },
    }),
  },
  {
    that: 'has a failure of its own for aborts',
    asked: ['cancel/before', 'cancel/mid-step', 'cancel/one-of-two', 'cancel/push'],
    fails: ['cancel/before', 'cancel/mid-step', 'cancel/one-of-two'],
    breaks: (good) => ({
      ...good,
      async build(job, ctx) {
        try {
          return await good.build(job, ctx);
        } catch (error) {
          if (!ctx.signal.aborted) throw error;
          throw new BuildFailure({ code: 'CANCELLED', retry: 'never', words: 'cancelled' }, { cause: error });
        }
      },
    }),
  },
  {
    that: 'does not find its engine again when it has come back',
    asked: ['engine-dies/comes-back'],
    fails: ['engine-dies/comes-back'],
    where: 'ownEngine',
    breaks(good) {
      let dead: Error | undefined;
      return {
        ...good,
        async probe(ctx) {
          try {
            return await good.probe(ctx);
          } catch (error) {
            if (error instanceof Error) dead = error;
            throw error;
          }
        },
        async build(job, ctx) {
          if (dead !== undefined) throw dead;
          return good.build(job, ctx);
        },
      };
    },
  },
];

/** Faults in what is said: progress, logs and capabilities. */
import type { Ctx, Progress } from '@rebake/sdk';
import { withProgress } from './fault.ts';
import type { Fault } from './fault.ts';

const PROGRESS = ['lines', 'steps', 'bytes', 'nothing-afterwards'].map((id) => `progress/${id}`);

/** Faults of this kind. */
export const reports: readonly Fault[] = [
  {
    that: 'reports lines in another order',
    asked: PROGRESS,
    fails: ['progress/lines'],
    breaks: (good) =>
      withProgress(good, () => {
        let held: Progress | undefined;
        return (one) => {
          if (one.type !== 'log') return [one];
          if (held === undefined) {
            held = one;
            return [];
          }
          const pair = [one, held];
          held = undefined;
          return pair;
        };
      }),
  },
  {
    that: 'counts steps from 0',
    asked: PROGRESS,
    fails: ['progress/steps'],
    breaks: (good) => withProgress(good, () => (one) => [one.type === 'step' ? { ...one, index: one.index - 1 } : one]),
  },
  {
    that: 'reports to a call that has ended',
    asked: PROGRESS,
    fails: ['progress/nothing-afterwards'],
    breaks: (good) => ({
      ...good,
      async build(job, ctx) {
        const built = await good.build(job, ctx);
        setTimeout(() => ctx.emit({ type: 'log', text: 'one more thing' }), 1);
        return built;
      },
    }),
  },
  {
    that: 'counts bytes as they come and go',
    asked: PROGRESS,
    fails: ['progress/bytes'],
    breaks: (good) => ({
      ...good,
      async build(job, ctx) {
        ctx.emit({ type: 'bytes', done: 10, of: 20 });
        ctx.emit({ type: 'bytes', done: 5, of: 20 });
        return good.build(job, ctx);
      },
    }),
  },
  {
    that: 'mixes up the logs of two builds',
    asked: ['parallel/side-by-side', 'parallel/same-key'],
    fails: ['parallel/side-by-side'],
    breaks(good) {
      let last: Ctx | undefined;
      return {
        ...good,
        build(job, ctx) {
          last = ctx;
          return good.build(job, { ...ctx, emit: (one) => last?.emit(one) });
        },
      };
    },
  },
  {
    that: 'is another engine each time',
    asked: ['probe/answers', 'probe/steady'],
    fails: ['probe/steady'],
    breaks(good) {
      const engine = crypto.randomUUID();
      return { ...good, probe: async (ctx) => ({ ...(await good.probe(ctx)), engine }) };
    },
  },
];

// The scheduler under random graphs, answers and orders: it always ends, keeps its limits, and never works on something unsettled.
import { digestOf } from '@rebake/sdk';
import type { Digest, Effort, NodeId } from '@rebake/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Member, Report, Verdict } from '../src/apply/cell.ts';
import { Scheduler } from '../src/apply/scheduler.ts';
import { id } from './support/nodes.ts';

const ERROR = { code: 'BROKEN', retry: 'never', words: 'broken' } as const;
const member = fc.record({
  parents: fc.uniqueArray(fc.nat(9), { maxLength: 2 }),
  atMost: fc.constantFrom<Effort>('keep', 'adopt', 'fetch', 'build', 'build', 'build', 'publish', 'forget', 'delete'),
  stale: fc.constantFrom('look', 'build', 'publish', 'adopt', null, null, null),
  demand: fc.constantFrom('anywhere', 'engine'),
  priority: fc.nat(5),
  lane: fc.constantFrom('one', 'two', null),
});
const answers = fc.array(fc.record({ pick: fc.nat(9), how: fc.nat(11) }), { minLength: 1, maxLength: 40 });

describe('any plan', () => {
  it(
    'ends with every node settled, within the limits, whatever the answers and their order',
    { timeout: 60_000 },
    () => {
      fc.assert(
        fc.property(
          fc.array(member, { minLength: 1, maxLength: 10 }),
          answers,
          fc.integer({ min: 1, max: 3 }),
          fc.nat(60),
          (given, replies, parallelism, stopAt) => {
            const names = given.map((_, at) => id(`n${at}`));
            const vanishes = given.map(({ atMost }) => atMost === 'forget' || atMost === 'delete');
            const members = given.map(({ parents, atMost, priority, lane, demand }, at): Member => {
              const above = vanishes[at]
                ? []
                : [...new Set(parents.filter((parent) => parent < at && !vanishes[parent]))].flatMap(
                    (parent) => names[parent] ?? [],
                  );
              const from = above[0] === undefined ? null : { node: above[0], demand };
              return { id: names[at]!, parents: above, from, atMost, priority, lane };
            });
            const finished = new Map<NodeId, Digest>();
            const ends = new Map<NodeId, string>();
            const running = new Map<string, { node: NodeId; lane: string | null }>();
            const judge = (node: NodeId, parents: ReadonlyMap<NodeId, Digest | null>): Verdict => {
              const { stale } = given[names.indexOf(node)]!;
              const inputs = [...parents.values()];
              expect(inputs).toHaveLength(members[names.indexOf(node)]!.parents.length);
              if (finished.get(node) === digestOf(inputs)) return { is: 'fresh', identity: digestOf([node, inputs]) };
              return stale ? { is: 'stale', first: stale } : { is: 'fresh', identity: digestOf(node) };
            };
            const scheduler = new Scheduler(
              members,
              { parallelism, lanes: new Map([['one', 1]]) },
              { judge, settle: ({ node, outcome }) => ends.set(node, outcome) },
            );
            for (let turn = 0; !scheduler.finished; turn++) {
              expect(turn).toBeLessThan(500);
              if (turn === stopAt) scheduler.stop();
              for (let next = scheduler.take(); next; next = scheduler.take()) {
                const lane =
                  next.work === 'build' || next.work === 'fetch' ? members[names.indexOf(next.node)]!.lane : null;
                running.set(`${next.work} ${next.node}`, { node: next.node, lane });
              }
              expect(running.size).toBe(scheduler.running);
              expect(running.size).toBeLessThanOrEqual(parallelism);
              expect([...running.values()].filter(({ lane }) => lane === 'one').length).toBeLessThanOrEqual(1);
              if (scheduler.finished) break;
              expect(running.size).toBeGreaterThan(0);
              const { pick, how } = replies[turn % replies.length]!;
              const [name, { node }] = [...running][pick % running.size]!;
              running.delete(name);
              const work = name.split(' ')[0] as Exclude<Report['work'], 'failed' | 'cancelled'>;
              scheduler.report(node, work, answer(work, node, how));
            }
            expect(new Set(ends.keys())).toEqual(new Set(names));
            for (const { id: node, parents } of members) {
              if (ends.get(node) === 'built')
                expect(parents.map((parent) => ends.get(parent))).not.toContain('cancelled');
            }
          },
        ),
        { seed: 3, numRuns: Number(process.env['REBAKE_SCHEDULES'] ?? 1_000) },
      );
    },
  );
});

function answer(work: Exclude<Report['work'], 'failed' | 'cancelled'>, node: NodeId, how: number): Report {
  if (how === 0) return { work: 'failed', error: ERROR };
  switch (work) {
    case 'look':
      return { work, found: ([null, null, 'engine', 'registry', 'nowhere'] as const)[how % 5] ?? null };
    case 'locate':
      return { work, place: (['nowhere', 'engine', 'registry'] as const)[how % 3] ?? 'nowhere' };
    case 'adopt':
    case 'build':
    case 'publish':
      // Now and then it comes out as it was.
      return { work, identity: how % 2 === 0 ? digestOf(node) : digestOf([node, how]) };
    case 'fetch':
    case 'forget':
    case 'delete':
      return { work };
    default:
      return work satisfies never;
  }
}

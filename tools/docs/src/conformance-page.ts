/** docs/reference/conformance.md, from the behaviours of the conformance suite. */
import { BEHAVIOURS } from '@rebake/sdk/testing';
import type { Behaviour, Need } from '@rebake/sdk/testing';
import { code, GENERATED, page, table } from './markdown.ts';

/** The page. */
export function conformancePage(): string {
  return page([
    GENERATED,
    '# What every builder does',
    [
      `The conformance suite asks ${BEHAVIOURS.length} behaviours of a builder: one call of \`testBuilder\` (\`@rebake/sdk/testing\`) in its test file, one test each. Every builder that`,
      'comes with rebake is asked, on its real engine. [Write a builder](../how-to/write-a-builder.md) shows how a rig is set up.',
    ].join('\n'),
    [
      'A builder that does not list a step in `probe`, or says that it lacks something, is asked in place of each behaviour that needs it that it refuses such a job, and has',
      'nothing under the key afterwards. A rig that leaves out a part (a registry, an engine to kill) lists the behaviours that need it in `without`, with the reason. Any other',
      'behaviour in `without` is still tried: it must not be there after all, and the builder has to refuse with a `BuildFailure` instead of doing it wrong (where it says',
      '“or says why not”, the reason alone is enough).',
    ].join('\n'),
    ...[...byGroup()].flatMap(([group, behaviours]) => [`## ${group}`, rows(behaviours)]),
  ]);
}

function byGroup(): ReadonlyMap<string, readonly Behaviour[]> {
  return Map.groupBy(BEHAVIOURS, ({ group }) => group);
}

function rows(behaviours: readonly Behaviour[]): string {
  return table(
    ['id', 'a builder …', 'why it matters', 'needs'],
    behaviours.map(({ id, title, why, needs, waiver }) => [
      code(id),
      `… ${title}${waiver === 'reason' ? ' (or says why not)' : ''}`,
      why,
      needs.map(needed).join(', '),
    ]),
  );
}

function needed(need: Need): string {
  if ('step' in need) return code(need.step);
  return 'offer' in need ? `${need.offer} not in ${code('lacks')}` : `the rig’s ${code(need.part)}`;
}

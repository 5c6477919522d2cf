/** docs/reference/reasons.md: the words of plans, events and `why`. */
import { code, GENERATED, page, table } from './markdown.ts';
import { CAUSES, EFFORTS, OUTCOMES } from './reasons.ts';

/** The page. */
export function reasonsPage(): string {
  return page([
    GENERATED,
    '# Reasons, efforts and outcomes',
    'The words that `rebake plan`, `rebake why`, `--json` and the history use. [Why is it stale?](../how-to/why-is-it-stale.md) says how to read them.',
    '## Causes',
    'A reason is a cause and the path from the node where it arose to the node that it is a reason for.',
    words('code', CAUSES),
    '## Efforts',
    'An action is an upper bound: it does at most this, and nothing where nothing turns out to be needed. A `?` in a plan stands for "if what it stands on changes".',
    words('at most', EFFORTS),
    '## Outcomes',
    'What became of a node in a run.',
    words('outcome', OUTCOMES),
  ]);
}

function words(head: string, rows: Readonly<Record<string, string>>): string {
  return table(
    [head, 'what it means'],
    Object.entries(rows).map(([name, means]) => [code(name), means]),
  );
}

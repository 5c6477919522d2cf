/** One line that says what a plan or a run comes to. */
import type { Action, Counts, Effort, Outcome } from '@rebake/sdk';

const EFFORTS: readonly (readonly [Effort, string])[] = [
  ['build', 'to build'],
  ['rebase', 'to rebase'],
  ['fetch', 'to fetch'],
  ['adopt', 'to adopt'],
  ['publish', 'to publish'],
  ['forget', 'to forget'],
  ['delete', 'to delete'],
];

/** `Plan: 2 to build, 7 to publish; 5 to build if what they stand on changes; 12 unchanged.` */
export function planSummary(actions: readonly Action[], blocked: number): string {
  const parts = [
    efforts(actions.filter(({ ifChanged }) => ifChanged.length === 0)),
    conditional(actions.filter(({ ifChanged }) => ifChanged.length > 0)),
  ].filter((part) => part !== '');
  const kept = actions.filter(({ atMost }) => atMost === 'keep').length - blocked;
  const rest = blocked === 0 ? `${kept} unchanged` : `${kept} unchanged, ${blocked} blocked`;
  if (parts.length > 0) return `Plan: ${parts.join('; ')}; ${rest}.`;
  return blocked === 0 ? quietSummary(kept) : `Not planned: ${rest}.`;
}

/** The summary of a plan with nothing in it. */
export function quietSummary(kept: number): string {
  return `Nothing to do: ${kept} unchanged.`;
}

function efforts(actions: readonly Action[]): string {
  return EFFORTS.map(([effort, words]) => [actions.filter(({ atMost }) => atMost === effort).length, words] as const)
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${count} ${words}`)
    .join(', ');
}

function conditional(actions: readonly Action[]): string {
  if (actions.length === 0) return '';
  return `${efforts(actions)} if what ${actions.length === 1 ? 'it stands' : 'they stand'} on changes`;
}

const OUTCOMES: readonly Outcome[] = [
  'built',
  'adopted',
  'fetched',
  'published',
  'deleted',
  'forgotten',
  'kept',
  'failed',
  'skipped',
  'cancelled',
];

/** `3 built, 6 published, 12 kept, 1 failed`. */
export function countsText(counts: Counts): string {
  const parts = OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => `${counts[outcome]} ${outcome}`);
  return parts.length === 0 ? 'nothing done' : parts.join(', ');
}

/** Whether a plan holds anything to do. */
export function hasChanges(actions: readonly Action[]): boolean {
  return actions.some(({ atMost }) => atMost !== 'keep');
}

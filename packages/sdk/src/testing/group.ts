/** Behaviours of one group: what most of them have in common is filled in. */
import type { Behaviour } from './behaviour.ts';

/** A behaviour as its group writes it: the id without the group, and no needs unless it says so. */
export type Draft = Pick<Behaviour, 'id' | 'title' | 'why' | 'run'> & Partial<Pick<Behaviour, 'needs' | 'waiver'>>;

/** Makes behaviours of drafts. */
export function group(name: string, drafts: readonly Draft[]): readonly Behaviour[] {
  return drafts.map((draft) => ({
    needs: [],
    waiver: 'refusal',
    ...draft,
    id: `${name}/${draft.id}`,
    group: name,
  }));
}

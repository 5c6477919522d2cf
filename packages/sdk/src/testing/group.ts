/** Behaviours of one group: what most of them have in common is filled in. */
import type { Step } from '@rebake/image';
import type { Lack } from '../plan.ts';
import type { Behaviour, Need, RigPart } from './behaviour.ts';

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

/** The builder knows these steps. */
export function steps(...names: readonly Step['step'][]): readonly Need[] {
  return names.map((step) => ({ step }));
}

/** The builder lacks none of these. */
export function offers(...names: readonly Lack[]): readonly Need[] {
  return names.map((offer) => ({ offer }));
}

/** The rig has these. */
export function parts(...names: readonly RigPart[]): readonly Need[] {
  return names.map((part) => ({ part }));
}

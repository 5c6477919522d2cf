/** Images that rebake only knows by what somebody says of them, and for whom that is enough. */
import type { Image } from '@rebake/sdk';
import type { Question, Verdict } from './situation.ts';

/**
 * Whether an image is made by another system, from what that system finds: a parent of which rebake only knows what somebody says of it is
 * nothing that rebake could bring there.
 */
export function isDelegated({ spec }: Image): boolean {
  return spec.steps.some(({ step }) => step === 'delegate');
}

/**
 * What somebody says to have made is enough for a child that another system makes; so is what was taken over in that way before, and has no place
 * since then. Every other child needs it where it can be built on. `verdict`: of the parent.
 */
export function isTakenOnTrust(
  { graph, state, world }: Question,
  parent: number,
  child: number,
  verdict: Verdict,
): boolean {
  const [image, needs] = [graph.order[parent], graph.order[child]];
  if (image === undefined || needs?.role !== 'image' || !isDelegated(needs)) return false;
  if (verdict === 'adopt') return world.candidates.get(image.id)?.claim !== undefined;
  return state.entries.get(image.id)?.output.at.length === 0;
}

/** What each cause, effort and outcome means, for docs/reference/reasons.md. */
import type { Cause, Effort, Outcome } from '@rebake/sdk';

/** Why a node is not fresh; the compiler checks that no cause is missing. */
export const CAUSES: Readonly<Record<Cause['code'], string>> = {
  NEVER_BUILT: 'The state has no entry of the node: it is new, or the state is. A candidate with its key is adopted.',
  INPUT_CHANGED:
    'An input has another digest than when the node was last built: a field, a file, a line of packages, the release.',
  INPUT_ADDED: 'There is an input that there was not.',
  INPUT_REMOVED: 'An input is gone, or (`parent/…`) the node is no longer made from that parent.',
  PARENT_CHANGED: 'The image that it is made from is another one than the one it was made from.',
  EXTERNAL_MOVED: "Somebody else's image, which is followed by its tag, is another one now.",
  PARENT_MAY_CHANGE:
    'A node that it is made from is going to be built, and may come out different. If it comes out as it was, nothing happens here.',
  CONTENTS_CHANGED:
    'The builder makes other bytes from the same declaration than it did (its contents class was raised), or another kind of builder is used.',
  OUTPUT_MISSING:
    'The image is needed, by a publication or by a child that has to be built, and is not where it is needed.',
  TAG_MOVED:
    'A tag in the repository shows another image than the one that was published under it: somebody else moved it.',
  FORCED: 'It was named with `--rebuild`.',
  UNDECLARED: 'It is in the state and no longer in the declaration.',
};

/** How much an action may do. */
export const EFFORTS: Readonly<Record<Effort, string>> = {
  keep: 'Nothing.',
  adopt:
    'An image with the same key, or a tag that already shows the right image, was found: it is noted in the state. Nothing is built or moved.',
  fetch: 'The image is pulled from a registry into the engine that needs it.',
  rebase: "The image's own layers are put on the new base without building. No builder of this version does that.",
  build: 'The image is built.',
  publish: 'The image is brought into the repository, then its tags are moved.',
  forget: 'The node is taken out of the state. What it left stays where it is.',
  delete: 'With `--prune`: what the node left is deleted, then it is taken out of the state.',
};

/** How a node ends in a run. */
export const OUTCOMES: Readonly<Record<Outcome, string>> = {
  kept: 'Nothing had to be done.',
  adopted: 'It was there already, and is noted now.',
  fetched: 'It was pulled.',
  built: 'It was built.',
  published: 'It is in the repository, and the tags show it.',
  forgotten: 'It is out of the state.',
  deleted: 'What it left is deleted, and it is out of the state.',
  failed: 'It failed; the last success stays in the state, and the failure is noted beside it.',
  skipped: 'A node that it needs failed.',
  cancelled: 'The run was interrupted before it was done.',
};

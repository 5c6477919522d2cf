/** What this builder makes, for the kernel. */
import { STEP_VERSIONS, type Step } from '@rebake/image';

/**
 * Contents class of what is made here. It is raised with every change of a byte of a layer or a config, so that images of the old bytes are not
 * taken for those of the new; a test holds the two together.
 */
export const CONTENTS = 'layers@1';

const KNOWN = [
  'rootfs',
  'layout',
  'debian',
  'user',
  'python-env',
  'link',
  'copy',
] as const satisfies readonly Step['step'][];

/** Steps that need nothing to run in the image, as `name@version`. */
export const STEPS: readonly string[] = KNOWN.map((name) => `${name}@${STEP_VERSIONS[name]}`);

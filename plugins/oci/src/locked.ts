/** Whether what is to be installed was locked. Apart from what installs it: loading that is for builds that do. */
import type { Step } from '@rebake/image';
import { failure } from '@rebake/sdk/building';

type PythonEnv = Extract<Step, { step: 'python-env' }>;

/** Throws `STEP_UNSUPPORTED` for requirements that nobody has locked: no installer runs here. */
export function checkLocked({ packages, prefix }: PythonEnv): void {
  if ('locked' in packages || packages.requirements.length === 0) return;
  const words = `the packages of ${prefix} are not locked, and this builder installs from locks only: run \`rebake lock\``;
  throw failure('STEP_UNSUPPORTED', 'elsewhere', words);
}

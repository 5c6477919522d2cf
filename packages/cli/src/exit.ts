/** Exit codes, one meaning each. docs/reference/cli.md is made with this table. */

export const EXIT = {
  done: 0,
  failed: 1,
  changes: 2,
  stale: 3,
  locked: 4,
  notBuilt: 10,
  outOfDate: 11,
  notSelected: 12,
  incompatible: 13,
  noJupyter: 14,
  wrongLanguage: 15,
  interrupted: 130,
} as const;

/** One of the exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each exit code means, for people. */
export const EXIT_MEANS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done, or nothing to do',
  failed: 'an action failed, or the declaration has errors',
  changes: '`plan --detailed-exitcode`: there is something to do',
  stale: '`apply FILE`: the plan no longer fits the declaration or the state',
  locked: 'another rebake holds the state',
  notBuilt: '`resolve`: the image was never published',
  outOfDate: '`resolve`: the image is older than the declaration; its reference is printed all the same',
  notSelected: '`resolve`: the code env does not select this container config',
  incompatible: '`resolve`: the code env cannot be used in containers',
  noJupyter: '`resolve`: a notebook, but the code env has no Jupyter support',
  wrongLanguage: '`resolve`: the workload and the code env have different languages',
  interrupted: 'interrupted; the next `apply` goes on',
};

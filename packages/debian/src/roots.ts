/** Which packages a base image without an engine is made of. Pure: the model has the same list. */

/** What Debian's policy calls essential is there in every system; these are named since nothing depends on them. */
const GROUND: readonly string[] = [
  'base-files',
  'base-passwd',
  'bash',
  'bsdutils',
  'coreutils',
  'dash',
  'debianutils',
  'diffutils',
  'findutils',
  'grep',
  'gzip',
  'hostname',
  'libc-bin',
  'login',
  'mawk',
  'ncurses-base',
  'ncurses-bin',
  'passwd',
  'perl-base',
  'procps',
  'sed',
  'sysvinit-utils',
  'tar',
  'util-linux',
];

/** What images of runs need besides: certificates, time zones, names of protocols and media types, and what wheels are linked against. */
const RUNS: readonly string[] = ['ca-certificates', 'libgomp1', 'libstdc++6', 'media-types', 'netbase', 'tzdata'];

/** Names to lock for a base with these Pythons (`3.11`) and, if `r`, with R. Sorted, each once. */
export function debianRoots({ python, r }: { readonly python: readonly string[]; readonly r: boolean }): string[] {
  const names = new Set([...GROUND, ...RUNS]);
  for (const version of python) {
    // Without -venv there is no ensurepip, and `python3.N -m venv` fails in builders that use it.
    for (const name of [`python${version}`, `python${version}-venv`]) names.add(name);
  }
  if (python.length > 0) names.add('python3-distutils');
  if (r) names.add('r-base-core');
  return [...names].toSorted();
}

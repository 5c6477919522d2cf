/** What a base is asked to have in tests: as `packages/model` names it, which may not be imported here. */

/**
 * What runs need: certificates, time zones, names of protocols and media types, what wheels are linked against, and the commands that make users
 * in images on top.
 */
const ALWAYS: readonly string[] = [
  'ca-certificates',
  'libgomp1',
  'libstdc++6',
  'media-types',
  'netbase',
  'passwd',
  'tzdata',
];

/** Python has its `distutils` in a package of its own in Debian, until it has none any more. */
const FIRST_WITHOUT_DISTUTILS = 12;

/** Names to lock for a base with these Pythons (`3.11`) and, if `r`, with R. Sorted, each once. */
export function debianRoots({ python, r }: { readonly python: readonly string[]; readonly r: boolean }): string[] {
  const names = new Set(ALWAYS);
  for (const version of python) {
    // Without -venv there is no ensurepip, and `python3.N -m venv` fails in builders that use it.
    for (const name of [`python${version}`, `python${version}-venv`]) names.add(name);
    if (Number(version.split('.')[1]) < FIRST_WITHOUT_DISTUTILS) names.add('python3-distutils');
  }
  if (r) names.add('r-base-core');
  return [...names].toSorted();
}

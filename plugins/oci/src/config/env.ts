/** The environment of an image, as Docker puts it together: replaced where a name is there already, else added at the end. */

/** `list` with each of `changes` applied, in the order of their names. */
export function mergeEnv(list: readonly string[], changes: Readonly<Record<string, string>>): readonly string[] {
  const merged = [...list];
  for (const name of Object.keys(changes).toSorted()) {
    const pair = `${name}=${changes[name] ?? ''}`;
    const at = merged.findIndex((one) => one.startsWith(`${name}=`) || one === name);
    if (at === -1) merged.push(pair);
    else merged[at] = pair;
  }
  return merged;
}

/** Value of a variable; undefined where it is not there. */
export function valueOf(list: readonly string[], name: string): string | undefined {
  return list.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
}

// The least time in which a graph of builds can be done.

/** One build: how long it takes by itself, and what it needs first. */
export interface Build {
  readonly ms: number;
  /** Name of the build that it stands on. */
  readonly on: string | null;
}

/**
 * No schedule of these builds on so many slots is shorter: the longest way from a root to a leaf takes its time however many slots there are,
 * and all builds together take theirs however well they are spread. Milliseconds.
 */
export function leastMakespan(builds: ReadonlyMap<string, Build>, slots: number): number {
  const ends = new Map<string, number>();
  const endOf = (name: string): number => {
    const known = ends.get(name);
    if (known !== undefined) return known;
    const build = builds.get(name);
    if (build === undefined) throw new Error(`there is no build ${name}`);
    const end = build.ms + (build.on === null ? 0 : endOf(build.on));
    ends.set(name, end);
    return end;
  };
  const longest = Math.max(0, ...[...builds.keys()].map(endOf));
  const all = [...builds.values()].reduce((sum, { ms }) => sum + ms, 0);
  return Math.max(longest, all / slots);
}

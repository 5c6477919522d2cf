/**
 * Choosing packages as apt does: what was asked for first, then what each needs, depth first, of alternatives the first that can be had, and
 * never what an already chosen package is against.
 */
import { showRelation, type Relation } from './relations.ts';
import { fits, type Candidate, type Universe } from './universe.ts';

/** What was chosen, without what was there; or why there is no answer. */
export type Solution =
  | { readonly ok: true; readonly chosen: readonly Candidate[] }
  | { readonly ok: false; readonly words: string };

/** Needs lead from package to package; Debian's longest ways have a few dozen steps. */
const MAX_DEPTH = 2000;

/** `roots`: in the order in which they are to be chosen. */
export function solve(roots: readonly Candidate[], universe: Universe): Solution {
  const state = new Selection(universe.installed);
  for (const root of roots) {
    if (state.has(root)) continue;
    const enemy = state.enemyOf(root);
    if (enemy !== null) return { ok: false, words: enemy };
    state.add(root);
  }
  for (const root of roots) {
    const words = complete(root, state, universe, 0);
    if (words !== null) return { ok: false, words };
  }
  return { ok: true, chosen: state.chosen() };
}

/** Adds all that a chosen package needs. Null, or why it cannot be; what was added until then is then still there. */
function complete(candidate: Candidate, state: Selection, universe: Universe, depth: number): string | null {
  if (depth > MAX_DEPTH) return `${candidate.name} needs packages that need packages, without end`;
  if (state.isComplete(candidate)) return null;
  state.markComplete(candidate);
  for (const group of candidate.needs) {
    const words = satisfy(candidate, group, state, universe, depth);
    if (words !== null) return words;
  }
  return null;
}

function satisfy(
  by: Candidate,
  group: readonly Relation[],
  state: Selection,
  universe: Universe,
  depth: number,
): string | null {
  if (group.some((relation) => state.satisfies(relation))) return null;
  const reasons: string[] = [];
  for (const relation of group) {
    for (const option of optionsFor(relation, universe)) {
      const words = tryOption(option, state, universe, depth);
      if (words === null) return null;
      reasons.push(words);
    }
  }
  const asked = group.map(showRelation).join(' | ');
  const why = reasons[0] ?? missing(group, state, universe);
  return `${by.name} ${by.version} needs ${asked}: ${why}`;
}

/** The package of that name, then what stands for it. */
function optionsFor(relation: Relation, universe: Universe): readonly Candidate[] {
  const own = universe.candidate(relation.name);
  const options = own === null ? [] : [own];
  return [...options, ...universe.providers(relation.name)].filter((one) => !one.isInstalled && fits(one, relation));
}

function tryOption(option: Candidate, state: Selection, universe: Universe, depth: number): string | null {
  const enemy = state.enemyOf(option);
  if (enemy !== null) return enemy;
  const mark = state.mark();
  state.add(option);
  const words = complete(option, state, universe, depth + 1);
  if (words !== null) state.backTo(mark);
  return words;
}

function missing(group: readonly Relation[], state: Selection, universe: Universe): string {
  for (const { name } of group) {
    const there = state.named(name);
    if (there?.isInstalled === true) {
      return `the image below has ${name} ${there.version}, so its lock has to be renewed first`;
    }
    if (there !== undefined) return `${name} ${there.version} was chosen already`;
    const other = universe.candidate(name);
    if (other !== null) return `the index has ${name} ${other.version}`;
  }
  return 'the index has no such package';
}

/** What has been chosen so far, on top of what is there. */
class Selection {
  readonly #byName = new Map<string, Candidate>();
  /** Name → chosen packages of that name or that stand for it. */
  readonly #standing = new Map<string, Candidate[]>();
  /** Name → chosen packages that are against something of that name. */
  readonly #against = new Map<string, { readonly by: Candidate; readonly relation: Relation }[]>();
  readonly #complete = new Set<Candidate>();
  readonly #trail: (Candidate | { readonly completed: Candidate })[] = [];

  constructor(installed: readonly Candidate[]) {
    for (const one of installed) this.#insert(one);
  }

  has(candidate: Candidate): boolean {
    return this.#byName.get(candidate.name) === candidate;
  }

  named(name: string): Candidate | undefined {
    return this.#byName.get(name);
  }

  isComplete(candidate: Candidate): boolean {
    return candidate.isInstalled || this.#complete.has(candidate);
  }

  markComplete(candidate: Candidate): void {
    this.#complete.add(candidate);
    this.#trail.push({ completed: candidate });
  }

  satisfies(relation: Relation): boolean {
    return this.#standing.get(relation.name)?.some((one) => fits(one, relation)) === true;
  }

  /** In words, who is against a package or whom it is against. Null: nobody. */
  enemyOf(candidate: Candidate): string | null {
    const other = this.#byName.get(candidate.name);
    if (other !== undefined && other !== candidate) {
      return other.isInstalled
        ? `the image below has ${other.name} ${other.version}, not ${candidate.version}: its lock has to be renewed first`
        : `${candidate.name} cannot be there as ${other.version} and as ${candidate.version}`;
    }
    for (const relation of candidate.against) {
      const hit = this.#standing.get(relation.name)?.find((one) => one.name !== candidate.name && fits(one, relation));
      if (hit !== undefined) return conflict(candidate, relation, hit);
    }
    const names = new Set([candidate.name, ...candidate.provides.map(({ name }) => name)]);
    for (const name of names) {
      for (const { by, relation } of this.#against.get(name) ?? []) {
        if (by.name !== candidate.name && fits(candidate, relation)) return conflict(by, relation, candidate);
      }
    }
    return null;
  }

  add(candidate: Candidate): void {
    this.#insert(candidate);
    this.#trail.push(candidate);
  }

  mark(): number {
    return this.#trail.length;
  }

  backTo(mark: number): void {
    for (const one of this.#trail.splice(mark).toReversed()) {
      if ('completed' in one) this.#complete.delete(one.completed);
      else this.#remove(one);
    }
  }

  chosen(): readonly Candidate[] {
    return this.#trail.flatMap((one) => ('completed' in one ? [] : [one]));
  }

  #insert(candidate: Candidate): void {
    this.#byName.set(candidate.name, candidate);
    for (const name of standsFor(candidate)) append(this.#standing, name, candidate);
    for (const relation of candidate.against) append(this.#against, relation.name, { by: candidate, relation });
  }

  #remove(candidate: Candidate): void {
    this.#byName.delete(candidate.name);
    // What was added last is taken away first, so it is at the end of each list.
    for (const name of standsFor(candidate)) this.#standing.get(name)?.pop();
    for (const relation of candidate.against) this.#against.get(relation.name)?.pop();
  }
}

function standsFor(candidate: Candidate): ReadonlySet<string> {
  return new Set([candidate.name, ...candidate.provides.map(({ name }) => name)]);
}

function append<T>(lists: Map<string, T[]>, name: string, value: T): void {
  const all = lists.get(name);
  if (all === undefined) lists.set(name, [value]);
  else all.push(value);
}

function conflict(by: Candidate, relation: Relation, with_: Candidate): string {
  return `${by.name} ${by.version} cannot be together with ${showRelation(relation)}, and that is ${with_.name} ${with_.version}`;
}

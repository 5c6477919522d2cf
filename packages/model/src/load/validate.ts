/** Validates a declaration: all problems of its shape at once, and a repaired copy so that the rules can be tried on the rest. */
import type { Diagnostic } from '@rebake/sdk';
import { configSchema, type Config } from '../schema.ts';
import { diagnostic } from '../diagnostic-codes.ts';
import type { Finding } from './finding.ts';
import { findings } from './issues.ts';
import { interpolationFindings } from './interpolation.ts';
import { dotted, isMapping, type KeyPath, type Source } from './source.ts';

/** Outcome of a validation. */
export interface Validated {
  /** The declaration, or what is left of it without its faulty parts; null when too little is left. */
  readonly config: Config | null;
  /** Paths of keys that were taken out. Empty: the declaration is valid. */
  readonly removed: readonly KeyPath[];
  readonly diagnostics: readonly Diagnostic[];
}

/** How often a repair is tried: what is taken out can leave something else incomplete, one level up each time. */
const REPAIRS = 4;

/** Validates plain data. */
export function validate(source: Source): Validated {
  const first = inspect(source, source.value);
  const diagnostics = first.found.map(({ diagnostic: one }) => one);
  if (first.config !== null && first.found.length === 0) return { config: first.config, removed: [], diagnostics };
  // What a misspelt key was meant for is missing, and known to be.
  const removed: KeyPath[] = first.found.flatMap(({ meant }) => (meant === undefined ? [] : [meant]));
  let value = source.value;
  let { found } = first;
  for (let attempt = 0; attempt < REPAIRS; attempt++) {
    for (const { path } of found) {
      const cut = removable(path, attempt);
      if (cut.length === 0) return { config: null, removed: [], diagnostics };
      value = without(value, cut);
      removed.push(cut);
    }
    const again = inspect({ ...source, value }, value);
    // Which release is meant can stay open: no shape depends on it.
    if (again.config !== null && again.found.every(({ path: [section] }) => section === 'release')) {
      return { config: again.config, removed, diagnostics };
    }
    found = again.found;
  }
  return { config: null, removed: [], diagnostics };
}

/** What is taken out for a finding: lists go as a whole, so that the places of what stays do not move. */
function removable(path: KeyPath, levels: number): KeyPath {
  const list = path.findIndex((key) => typeof key === 'number');
  const whole = list < 0 ? path : path.slice(0, list);
  return whole.slice(0, Math.max(whole.length - levels, 0));
}

function inspect(source: Source, value: unknown): { config: Config | null; found: readonly Finding[] } {
  const interpolation = interpolationFindings(source);
  const taken = new Set(interpolation.map(({ path }) => dotted(path)));
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const shape = findings(source, parsed.error.issues).filter(({ path }) => !taken.has(dotted(path)));
    const release = isMapping(value) && !shape.some(mentionsRelease) ? releaseFinding(source, value) : [];
    return { config: null, found: [...interpolation, ...shape, ...release] };
  }
  const release = releaseFinding(source, parsed.data);
  return { config: parsed.data, found: [...interpolation, ...release] };
}

function mentionsRelease({ path, meant }: Finding): boolean {
  return [path[0], meant?.[0]].some((section) => section === 'release' || section === 'releases');
}

/** `release` or `releases`: what no schema of a mapping can say in a way that people understand. */
function releaseFinding(source: Source, value: object): Finding[] {
  const there = ['release', 'releases'].filter((key) => (value as Record<string, unknown>)[key] !== undefined);
  if (there.length === 1) return [];
  if (there.length === 0) {
    const message = 'The declaration names no DSS release';
    const help = 'Add `release: {version: "…"}`, or `releases` with several by name.';
    return [{ path: ['release'], diagnostic: diagnostic('MISSING_KEY', message, source.place([], 'key'), help) }];
  }
  const message = '`release` and `releases` exclude each other';
  return [{ path: ['releases'], diagnostic: diagnostic('EXACTLY_ONE', message, source.place(['releases'], 'key')) }];
}

/** A copy without what is at a path. */
function without(value: unknown, path: KeyPath): unknown {
  const [key, ...rest] = path;
  if (
    key === undefined ||
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    !Object.hasOwn(value, key)
  ) {
    return value;
  }
  const copy: Record<string, unknown> = Object.assign(Object.create(null) as Record<string, unknown>, value);
  if (rest.length === 0) delete copy[key];
  else copy[key] = without(copy[key], rest);
  return copy;
}

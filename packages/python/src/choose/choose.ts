/** Which file of each locked package is installed for a target. */
import type { LockedFile, LockedPackage } from '@rebake/image';
import { compareBytes } from '@rebake/image';
import { failure } from '../failures.ts';
import { evaluateMarker, markerEnvironment } from './markers.ts';
import { MACHINES, parseWheelName, supportedTags, type Target } from './tags.ts';

/** A package and the file that is installed of it. */
export interface Choice {
  readonly pkg: LockedPackage;
  readonly file: LockedFile;
  readonly kind: 'wheel' | 'sdist';
}

/**
 * Chooses for packages whose marker holds, sorted by name. `full`: the interpreter's whole version. Throws a `BuildFailure` `WHEEL_MISSING`
 * that names what fits nothing, all of it.
 */
export function chooseFiles(locked: readonly LockedPackage[], target: Target, full: string): readonly Choice[] {
  const tags = supportedTags(target);
  const environment = markerEnvironment(target.interpreter, full, MACHINES[target.platform]);
  const chosen: Choice[] = [];
  const missing: string[] = [];
  const names = new Set<string>();
  for (const pkg of locked) {
    if (pkg.marker !== null) {
      const evaluated = evaluateMarker(pkg.marker, environment);
      if (!evaluated.ok) throw failure('WHEEL_INVALID', `the marker of ${pkg.name}: ${evaluated.message}`);
      if (!evaluated.holds) continue;
    }
    if (names.has(pkg.name))
      throw failure('WHEEL_INVALID', `the lock has two versions of ${pkg.name} for ${describe(target)}`);
    names.add(pkg.name);
    const wheel = bestWheel(pkg.wheels, tags);
    if (wheel !== null) chosen.push({ pkg, file: wheel, kind: 'wheel' });
    else if (pkg.sdist !== null) chosen.push({ pkg, file: pkg.sdist, kind: 'sdist' });
    else missing.push(whatThereIs(pkg));
  }
  if (missing.length > 0) throw failure('WHEEL_MISSING', `nothing fits ${describe(target)}: ${missing.join('; ')}`);
  return chosen.toSorted((a, b) => compareBytes(a.pkg.name, b.pkg.name));
}

/** The best of the best tag; of these the one with the highest build number. */
function bestWheel(wheels: readonly LockedFile[], tags: ReadonlyMap<string, number>): LockedFile | null {
  let best: { readonly file: LockedFile; readonly place: number; readonly build: readonly [number, string] } | null =
    null;
  for (const file of wheels) {
    const name = parseWheelName(file.name);
    if (name === null) continue;
    const place = Math.min(...name.tags.map((tag) => tags.get(tag) ?? Infinity));
    if (place === Infinity) continue;
    const [, digits = '', rest = ''] = /^(\d*)(.*)$/.exec(name.build ?? '') ?? [];
    const build: readonly [number, string] = [digits === '' ? -1 : Number(digits), rest];
    const isBetter =
      best === null ||
      place < best.place ||
      (place === best.place &&
        (build[0] - best.build[0] || compareBytes(build[1], best.build[1]) || compareBytes(best.file.name, file.name)) >
          0);
    if (isBetter) best = { file, place, build };
  }
  return best?.file ?? null;
}

function describe({ interpreter, platform, glibc }: Target): string {
  return `Python ${interpreter} on ${platform} with glibc ${glibc}`;
}

const SHOWN = 6;

function whatThereIs({ name, version, wheels }: LockedPackage): string {
  const title = version === null ? name : `${name} ${version}`;
  if (wheels.length === 0) return `${title} has no file at all`;
  const shown = wheels.slice(0, SHOWN).map((file) =>
    file.name
      .replace(/\.whl$/, '')
      .split('-')
      .slice(-3)
      .join('-'),
  );
  const more = wheels.length - shown.length;
  return `${title} is there as ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}, and has no source archive`;
}

/** Which code envs another version of DSS breaks, or may break: by what it takes away, and by what the rules say of the new declaration. */
import type { ReleaseChanges, Simulation } from '@rebake/model';
import type { Diagnostic } from '@rebake/sdk';

/** One code env in trouble. */
export interface Break {
  /** `NAME`, or `NAME:VERSION` of a versioned env. */
  readonly env: string;
  readonly owner: string | null;
  readonly contact: string | null;
  /** `breaks`: it cannot be built, or not run. `may break`: that depends on what the new base really has. */
  readonly verdict: 'breaks' | 'may break';
  readonly why: string;
  /** What would keep it going. */
  readonly help: string | null;
}

/** By env, in the order of the declaration, what breaks before what may. */
export function breaksOf(simulation: Simulation, changes: ReleaseChanges): readonly Break[] {
  const found: Break[] = [];
  for (const [name, config] of Object.entries(simulation.envs)) {
    if (config.containerConfigs === 'none') continue;
    const versions = config.versions === undefined ? [[name, config] as const] : versionsOf(name, config.versions);
    for (const [env, contents] of versions) {
      const common = { env, owner: config.owner ?? null, contact: config.contact ?? null };
      const own = simulation.news.filter((one) => isAbout(one, name));
      if (own.length > 0) found.push(...own.map((one) => ({ ...common, ...told(one) })));
      else found.push(...interpreterBreak(contents.interpreter, changes).map((one) => ({ ...common, ...one })));
    }
  }
  return [
    ...found.filter(({ verdict }) => verdict === 'breaks'),
    ...found.filter(({ verdict }) => verdict !== 'breaks'),
  ];
}

type Contents = Simulation['envs'][string];
type Trouble = Pick<Break, 'verdict' | 'why' | 'help'>;

function versionsOf(
  name: string,
  versions: NonNullable<Contents['versions']>,
): readonly (readonly [string, Pick<Contents, 'interpreter'>])[] {
  return Object.entries(versions).map(([version, contents]) => [`${name}:${version}`, contents] as const);
}

function isAbout({ where, severity }: Diagnostic, name: string): boolean {
  const path = where?.path ?? '';
  return severity === 'error' && (path === `codeEnvs.${name}` || path.startsWith(`codeEnvs.${name}.`));
}

function told({ message, help }: Diagnostic): Trouble {
  return { verdict: 'breaks', why: message, help };
}

function interpreterBreak(interpreter: string | undefined, { pythons, to }: ReleaseChanges): readonly Trouble[] {
  const change = pythons.find(({ version }) => version === interpreter);
  if (change === undefined || change.becomes === 'default') return [];
  const by = change.addition === null ? '' : `, or add the runtime addition ${change.addition}`;
  const help = `Keep Python ${change.version} in the base that you build, choose another interpreter${by}.`;
  if (change.becomes === 'optional')
    return [{ verdict: 'may break', why: `Python ${change.version} has to be asked for in bases of DSS ${to}`, help }];
  const why =
    change.becomes === 'gone'
      ? `Python ${change.version} is not in the default base of DSS ${to} any more`
      : `whether Python ${change.version} is in the default base of DSS ${to} is not documented`;
  return [{ verdict: 'may break', why, help }];
}

/** What a base image asks for that the new version is not known to offer. */
export interface BaseTrouble {
  readonly base: string;
  readonly why: string;
}

/** Base images of the release whose options the new version does not take. */
export function baseTroubles({ bases }: Simulation, changes: ReleaseChanges): readonly BaseTrouble[] {
  const { to, cudaRange, distributionsGone } = changes;
  return Object.entries(bases).flatMap(([base, { cuda, distribution }]) => {
    const found: BaseTrouble[] = [];
    if (cuda !== undefined && cudaRange.to !== null && !isWithin(cuda, cudaRange.to))
      found.push({ base, why: `CUDA ${cuda} is not among those of DSS ${to}: ${cudaRange.to.join(' to ')}` });
    if (distribution !== undefined && distributionsGone?.includes(distribution) === true)
      found.push({ base, why: `\`--distrib ${distribution}\` is gone in DSS ${to}` });
    return found;
  });
}

function isWithin(version: string, [least, most]: readonly [string, string]): boolean {
  return order(version, least) >= 0 && order(version, most) <= 0;
}

function order(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (const [index, number] of (left ?? []).entries()) {
    const difference = number - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Rules of builders: their names, the default one, and how builds reach the world. */
import { posix } from 'node:path';
import type { BuildAccess, SecretRef } from '@rebake/sdk';
import type { BuilderConfig, Loaded } from '../contract.ts';
import { insteadOf } from '../names.ts';
import type { Config } from '../schema.ts';
import type { KeyPath, Problems } from './problems.ts';

/** Kind of builder that is used where nothing is declared: the one that needs no engine. */
const BUILT_IN = 'oci';
/** Kinds that install Python packages from locks only. */
const LOCKING = new Set(['oci']);
/** Kinds with an engine, in which packages can be compiled. */
const ENGINES = new Set(['docker', 'podman', 'buildkit']);

/** Builders by name, and the name of the one for images that name none. */
export interface BuildersFacts {
  readonly byName: Readonly<Record<string, BuilderConfig>>;
  readonly default: string;
  /** Name of the first one in the file that has an engine; null: there is none. */
  readonly engine: string | null;
  /** Whether a builder installs from locks only. */
  isLocking(name: string): boolean;
}

/** Reads `builders`. `default` is an alias of a declared one where it is a text that names one. */
export function readBuilders(config: Config): BuildersFacts {
  const byName: Record<string, BuilderConfig> = {};
  const { default: chosen, ...others } = config.builders;
  for (const [name, value] of Object.entries(others)) byName[name] = builderOf(value, ['builders', name]);
  const path = ['builders', 'default'];
  if (typeof chosen === 'object') {
    byName['default'] = builderOf(chosen, path);
    return factsOf(byName, 'default', config);
  }
  const name = chosen ?? BUILT_IN;
  if (!Object.hasOwn(byName, name)) byName[name] = builderOf(name, path);
  return factsOf(byName, name, config);
}

function factsOf(byName: Readonly<Record<string, BuilderConfig>>, chosen: string, { builders }: Config): BuildersFacts {
  const inFile = Object.keys(builders).map((name) => (name === 'default' ? chosen : name));
  return {
    byName,
    default: chosen,
    engine: inFile.find((name) => ENGINES.has(byName[name]?.kind ?? '')) ?? null,
    isLocking: (name) => LOCKING.has(byName[name]?.kind ?? ''),
  };
}

function builderOf(value: Config['builders'][string], path: readonly string[]): BuilderConfig {
  if (typeof value === 'string') return { path, kind: value, options: {}, parallel: null, timeoutMs: null };
  return {
    path,
    kind: value.type,
    options: value.options,
    parallel: value.parallel ?? null,
    timeoutMs: value.timeout === undefined ? null : milliseconds(value.timeout),
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

function milliseconds(duration: string): number {
  return Number(duration.slice(0, -1)) * (UNITS[duration.slice(-1)] ?? 1000);
}

/** The builder that something names, or the default one. */
export function builderFor(
  named: string | undefined,
  path: KeyPath,
  builders: BuildersFacts,
  problems: Problems,
): string {
  if (named === undefined || (named === 'default' && !Object.hasOwn(builders.byName, 'default')))
    return builders.default;
  if (!Object.hasOwn(builders.byName, named) && !problems.removed.touches(['builders', named])) {
    problems.add(
      'UNKNOWN_BUILDER',
      [...path, 'builder'],
      `There is no builder \`${named}\``,
      insteadOf(named, Object.keys(builders.byName), 'builder'),
    );
  }
  return named;
}

/** How builds reach the world; files of secrets as absolute paths. */
export function readAccess(loaded: Loaded): BuildAccess {
  const { build } = loaded.config;
  const secrets: Record<string, SecretRef> = {};
  for (const [id, ref] of Object.entries(build.secrets)) secrets[id] = secretOf(loaded, ref);
  if (build.ca !== undefined) secrets['ca'] = secretOf(loaded, build.ca);
  if (build.pipConfig !== undefined) secrets['pip-conf'] = secretOf(loaded, build.pipConfig);
  const proxy = proxyOf(build.proxy);
  return { secrets, network: build.network, ...(proxy !== undefined && { proxy }) };
}

/** A proxy as builders take it; undefined: none is declared. */
export function proxyOf(declared: Config['build']['proxy']): BuildAccess['proxy'] {
  if (declared === undefined) return undefined;
  const { http, https, no } = declared;
  return {
    ...(http !== undefined && { http }),
    ...(https !== undefined && { https }),
    ...(no !== undefined && { no }),
  };
}

type DeclaredSecret = NonNullable<Config['build']['ca']>;

function secretOf(loaded: Loaded, ref: DeclaredSecret): SecretRef {
  const optional = 'optional' in ref && ref.optional !== undefined ? { optional: ref.optional } : {};
  if ('file' in ref) return { file: posix.resolve(loaded.root, ref.file), ...optional };
  return 'env' in ref ? { env: ref.env, ...optional } : { fileFromEnv: ref.fileFromEnv, ...optional };
}

/** A declaration as it would be with another version of DSS: read anew, the version put in, nothing written. */
import type { Diagnostic } from '@rebake/sdk';
import type { Expansion } from './contract.ts';
import { diagnostic } from './diagnostic-codes.ts';
import { expand } from './expand/index.ts';
import { load, type LoadRequest } from './load/load.ts';
import { listed } from './names.ts';
import { isReleaseVersion } from './releases.ts';
import { ONLY_RELEASE } from './rules/releases.ts';
import type { BaseImageConfig, CodeEnvConfig, Config } from './schema.ts';

/** What to simulate. */
export interface SimulateRequest extends LoadRequest {
  readonly version: string;
  /** Needed where the declaration has several releases. */
  readonly release?: string;
}

/** The declaration with the new version. */
export interface Simulation {
  /** Version that is declared now. */
  readonly from: string;
  /** Null: the only `release`. */
  readonly release: string | null;
  readonly expansion: Expansion;
  /** Of the declaration as it would be, without those that it has today. */
  readonly news: readonly Diagnostic[];
  readonly envs: Readonly<Record<string, CodeEnvConfig>>;
  readonly bases: Readonly<Record<string, BaseImageConfig>>;
}

/** What came of it: a simulation, or why there is none. */
export type SimulateOutcome =
  | { readonly ok: true; readonly simulation: Simulation }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Simulates. The kit of the new version need not be there: that of today stands in, and its version is not held against it. */
export async function simulateRelease(request: SimulateRequest): Promise<SimulateOutcome> {
  const { version, release: wanted } = request;
  const failed = (...diagnostics: readonly Diagnostic[]): SimulateOutcome => ({ ok: false, diagnostics });
  if (!isReleaseVersion(version))
    return failed(
      diagnostic('BAD_VALUE', `\`${version}\` is no DSS version`, null, 'Write a version such as `14.1.2`.'),
    );
  const { loaded, removed, diagnostics } = await load(request);
  if (loaded === null || diagnostics.some(isError)) return failed(...diagnostics);
  const picked = pick(loaded.config, wanted);
  if ('code' in picked) return failed(picked);
  const { name, from } = picked;
  const paths = removed.map((path) => path.join('.'));
  const today = expand(loaded, paths);
  const kitVersions = new Map(loaded.kitVersions);
  kitVersions.delete(name ?? ONLY_RELEASE);
  const expansion = expand({ ...loaded, config: withVersion(loaded.config, name, version), kitVersions }, paths);
  const known = new Set(today.diagnostics.map(textOf));
  const news = expansion.diagnostics.filter((one) => !known.has(textOf(one)));
  const { codeEnvs: envs, baseImages: bases } = loaded.config;
  return { ok: true, simulation: { from, release: name, expansion, news, envs, bases } };
}

function pick(
  { release, releases }: Config,
  wanted: string | undefined,
): Diagnostic | { readonly name: string | null; readonly from: string } {
  const names = Object.keys(releases ?? {});
  const name = wanted ?? (release === undefined && names.length === 1 ? names[0] : undefined);
  if (name === undefined && release !== undefined) return { name: null, from: release.version };
  const found = name === undefined || releases === undefined || !Object.hasOwn(releases, name) ? null : releases[name];
  if (name !== undefined && found !== null && found !== undefined) return { name, from: found.version };
  const message = name === undefined ? 'The declaration names several releases' : `There is no release \`${name}\``;
  const help =
    names.length === 0 ? 'There is only one `release`; leave the name out.' : `Name one of ${listed(names)}.`;
  return diagnostic('RELEASE_NOT_DECLARED', message, null, help);
}

function withVersion(config: Config, name: string | null, version: string): Config {
  if (name === null) return { ...config, ...(config.release && { release: { ...config.release, version } }) };
  const { [name]: one, ...others } = config.releases ?? {};
  return { ...config, releases: { ...others, ...(one && { [name]: { ...one, version } }) } };
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

function textOf({ code, message, where }: Diagnostic): string {
  return `${code} ${message} ${where?.line ?? ''}:${where?.column ?? ''}`;
}

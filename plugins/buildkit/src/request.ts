/** A job in the words of BuildKit, as far as the options have a say in it: what comes out, which cache it uses, what is attested. */
import type { BuildRequest, Entry } from '@rebake/buildkit';
import { entitlementsOf, frontendAttributes } from '@rebake/buildkit';
import type { Job } from '@rebake/sdk';
import type { ExportSettings } from './options.ts';

/**
 * No file and no date of what is built is later than this: 1 November 2026, in seconds since the epoch. What the build itself makes is always
 * later, and so gets the same time whenever it is built. What packages bring is mostly earlier, and keeps its time: bytecode that was compiled
 * for a file of another time is not read. It counts in identities: another one here would have every image come out anew.
 */
export const SOURCE_DATE_EPOCH = 1_793_491_200;

/** What a build knows beside the job. */
export interface Surroundings {
  /** Names the build in the daemon's history. */
  readonly ref: string;
  /** What the frontend is told of the names in FROM lines. */
  readonly names: Readonly<Record<string, string>>;
  /** Takes what all exporters are told, and says which one it is. */
  exporter(attributes: Readonly<Record<string, string>>): Entry;
  readonly cache: CacheEntries;
}

/** Caches, as BuildKit names them. */
export interface CacheEntries {
  readonly imports: readonly Entry[];
  readonly exports: readonly Entry[];
}

/** The build to ask a daemon for. */
export function requestOf(job: Job, settings: ExportSettings, surroundings: Surroundings): BuildRequest {
  const { imports, exports } = surroundings.cache;
  return {
    ref: surroundings.ref,
    frontend: 'dockerfile.v0',
    attributes: {
      ...frontendAttributes(job),
      ...surroundings.names,
      // Also for a Dockerfile that asks for it by ARG.
      'build-arg:SOURCE_DATE_EPOCH': String(SOURCE_DATE_EPOCH),
      ...(settings.noCache ? { 'no-cache': '' } : {}),
      ...attestations(job, settings),
    },
    exporters: [
      surroundings.exporter({
        'oci-mediatypes': 'true',
        'source-date-epoch': String(SOURCE_DATE_EPOCH),
        'rewrite-timestamp': 'true',
        ...compression(settings),
      }),
    ],
    cacheImports: imports,
    cacheExports: exports,
    entitlements: entitlementsOf(job.access),
  };
}

function compression({ compression: { type, level, force } }: ExportSettings): Record<string, string> {
  return {
    compression: type,
    ...(level === undefined ? {} : { 'compression-level': String(level) }),
    ...(force === true ? { 'force-compression': 'true' } : {}),
  };
}

function attestations({ access }: Job, { provenance, sbom }: ExportSettings): Record<string, string> {
  return {
    ...(provenance ? { 'attest:provenance': `mode=${provenanceMode(provenance, access.proxy)}` } : {}),
    ...(sbom === null ? {} : { 'attest:sbom': sbom === '' ? '' : `generator=${sbom}` }),
  };
}

/** The long form lists build arguments, of which the proxies of this machine are some, with the logins that they may hold. */
function provenanceMode(wanted: 'min' | 'max', proxy: Job['access']['proxy']): 'min' | 'max' {
  const isSet = Object.values(proxy ?? {}).some((value) => value !== undefined);
  return isSet ? 'min' : wanted;
}

/** Checks options by hand, and puts what was left out: they are read with every plan, which no library should slow down. */
import { parseReference } from '@rebake/image';
import type { OptionsResult, OptionsSchema } from '@rebake/sdk';
import { endpointIssues, endpointOf, ENDPOINT_KEYS } from './options-endpoint.ts';
import { isRecord, oneOf, unknownKeys } from './options-issues.ts';
import type { Issue } from './options-issues.ts';
import type { BuildkitOptions, BuildkitSettings, Compression, RepositoryPath } from './options.ts';

const KEYS = [
  ...ENDPOINT_KEYS,
  'endpoints',
  'repository',
  'layout',
  'compression',
  'cache',
  'provenance',
  'sbom',
  'noCache',
];
const HIGHEST_LEVEL = { gzip: 9, zstd: 22 } as const;

/** Standard Schema of {@link BuildkitOptions}; nothing at all counts as no options. */
export const buildkitOptions: OptionsSchema<BuildkitSettings> = {
  '~standard': { version: 1, vendor: 'rebake', validate },
};

function validate(value: unknown): OptionsResult<BuildkitSettings> {
  const options = value ?? {};
  if (!isRecord(options)) return { issues: [{ message: 'must be an object' }] };
  const issues = [
    ...unknownKeys(options, KEYS, []),
    ...placeIssues(options),
    ...storeIssues(options),
    ...compressionIssues(options['compression']),
    ...cacheIssues(options['cache'], options),
    ...attestationIssues(options),
  ];
  // What has no issue has the shape of the type.
  return issues.length > 0 ? { issues } : { value: settingsOf(options as unknown as BuildkitOptions) };
}

function placeIssues(options: Record<string, unknown>): readonly Issue[] {
  const { endpoints } = options;
  if (endpoints === undefined) return endpointIssues(options, []);
  const both = ENDPOINT_KEYS.filter((key) => options[key] !== undefined);
  const message = 'is for one daemon; with `endpoints`, it goes into each of them';
  const issues: Issue[] = both.map((key) => ({ message, path: [key] }));
  if (!Array.isArray(endpoints) || endpoints.length === 0)
    return [...issues, { message: 'must be a list of at least one daemon', path: ['endpoints'] }];
  return [
    ...issues,
    ...endpoints.flatMap((endpoint: unknown, index) => {
      const path = ['endpoints', String(index)];
      if (!isRecord(endpoint)) return [{ message: 'must be an object with an address', path }];
      const missing = endpoint['address'] === undefined ? [{ message: 'is missing', path: [...path, 'address'] }] : [];
      return [...missing, ...unknownKeys(endpoint, ENDPOINT_KEYS, path), ...endpointIssues(endpoint, path)];
    }),
    ...twice(endpoints),
  ];
}

/** The same daemon twice would get more builds than it should, and be lost twice. */
function twice(endpoints: readonly unknown[]): readonly Issue[] {
  const addresses = endpoints.map((endpoint) => (isRecord(endpoint) ? endpoint['address'] : undefined));
  return addresses.flatMap((address, index) =>
    address !== undefined && addresses.indexOf(address) < index
      ? [{ message: 'is there already', path: ['endpoints', String(index), 'address'] }]
      : [],
  );
}

function storeIssues({ repository, layout }: Record<string, unknown>): readonly Issue[] {
  const issues: Issue[] = [];
  if (repository !== undefined && repositoryOf(repository) === null)
    issues.push({ message: 'must be host/path of a registry, without a tag', path: ['repository'] });
  if (layout !== undefined && (typeof layout !== 'string' || !/^[^\0]+$/.test(layout)))
    issues.push({ message: 'must be the path of a folder', path: ['layout'] });
  if (repository !== undefined && layout !== undefined)
    issues.push({ message: 'images are kept either in a repository or in a layout', path: ['layout'] });
  return issues;
}

/** Takes `host/path` apart; null for anything else. */
function repositoryOf(value: unknown): RepositoryPath | null {
  if (typeof value !== 'string') return null;
  const reference = parseReference(value);
  if ('error' in reference || reference.registry === null) return null;
  const { registry, repository, tag, digest } = reference;
  return tag === undefined && digest === undefined ? { registry, repository } : null;
}

function compressionIssues(value: unknown): readonly Issue[] {
  const path = ['compression'];
  if (value === undefined) return [];
  if (!isRecord(value)) return oneOf(value, ['gzip', 'zstd'], path);
  const { type, level, force } = value;
  const issues: Issue[] = [...unknownKeys(value, ['type', 'level', 'force'], path)];
  issues.push(...oneOf(type, ['gzip', 'zstd'], [...path, 'type']));
  const highest = type === 'zstd' ? HIGHEST_LEVEL.zstd : HIGHEST_LEVEL.gzip;
  if (level !== undefined && !(Number.isInteger(level) && (level as number) >= 0 && (level as number) <= highest))
    issues.push({ message: `must be a whole number from 0 to ${highest}`, path: [...path, 'level'] });
  if (force !== undefined && typeof force !== 'boolean')
    issues.push({ message: 'must be true or false', path: [...path, 'force'] });
  return issues;
}

function cacheIssues(value: unknown, { repository }: Record<string, unknown>): readonly Issue[] {
  const path = ['cache'];
  if (value === undefined) return [];
  if (!isRecord(value)) return [{ message: 'must be an object with a type', path }];
  const issues = [...oneOf(value['type'], ['inline', 'registry'], [...path, 'type'])];
  if (value['type'] !== 'registry') {
    issues.push(...unknownKeys(value, ['type'], path));
    if (value['type'] === 'inline' && repository === undefined)
      issues.push({ message: 'an inline cache is read from a registry: it goes with `repository`', path });
    return issues;
  }
  issues.push(...unknownKeys(value, ['type', 'repository', 'mode'], path));
  if (repositoryOf(value['repository']) === null)
    issues.push({ message: 'must be host/path of a registry, without a tag', path: [...path, 'repository'] });
  if (value['mode'] !== undefined) issues.push(...oneOf(value['mode'], ['min', 'max'], [...path, 'mode']));
  return issues;
}

function attestationIssues({ provenance, sbom, noCache }: Record<string, unknown>): readonly Issue[] {
  const issues: Issue[] = [];
  if (provenance !== undefined && provenance !== false && provenance !== 'min' && provenance !== 'max')
    issues.push({ message: 'must be false, min or max', path: ['provenance'] });
  if (isRecord(sbom)) {
    issues.push(...unknownKeys(sbom, ['generator'], ['sbom']));
    if (!isGenerator(sbom['generator']))
      issues.push({ message: 'must be the reference of an image, with its registry', path: ['sbom', 'generator'] });
  } else if (sbom !== undefined && typeof sbom !== 'boolean')
    issues.push({ message: 'must be true, false or an object with a generator', path: ['sbom'] });
  if (noCache !== undefined && typeof noCache !== 'boolean')
    issues.push({ message: 'must be true or false', path: ['noCache'] });
  return issues;
}

/** No registry is assumed anywhere. The daemon gets it as one field of a list that commas part, which no reference holds. */
function isGenerator(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const reference = parseReference(value);
  return !('error' in reference) && reference.registry !== null;
}

function settingsOf(options: BuildkitOptions): BuildkitSettings {
  const { endpoints, repository, layout, compression = 'gzip', cache, provenance, sbom, noCache } = options;
  const at = repositoryOf(repository);
  return {
    endpoints: (endpoints ?? [options]).map(endpointOf),
    store: at ? { repository: at } : layout === undefined ? null : { layout },
    compression: typeof compression === 'string' ? { type: compression } : kept(compression),
    cache: cache === undefined ? null : cacheOf(cache),
    provenance: provenance || null,
    sbom: typeof sbom === 'object' ? sbom.generator : sbom === true ? '' : null,
    noCache: noCache ?? false,
  };
}

function kept({ type, level, force }: Compression): Compression {
  return { type, ...(level === undefined ? {} : { level }), ...(force === undefined ? {} : { force }) };
}

function cacheOf(cache: NonNullable<BuildkitOptions['cache']>): BuildkitSettings['cache'] {
  if (cache.type === 'inline') return { type: 'inline' };
  const at = repositoryOf(cache.repository);
  return at && { type: 'registry', at, mode: cache.mode ?? 'max' };
}

/** Reads an instance by its public API: one call a code env, and four for the rest. */
import { BuildFailure } from '@rebake/image';
import type { DssClient } from './client-types.ts';
import type { EnvReading, EnvVersionReading, InstanceReading, JsonObject } from './reading.ts';
import { isObject } from './settings.ts';

/** What the API does not say. */
export interface LiveOptions {
  /** Address of the instance, for people. */
  readonly place: string;
  /** Version of DSS, where somebody knows it. */
  readonly version: string | null;
}

/** Reads an instance. What could not be read stands in `missing`; rejects where not even its code envs can be listed. Changes nothing. */
export async function readLive(client: DssClient, { place, version }: LiveOptions): Promise<InstanceReading> {
  const missing: string[] = [];
  const orNull = async <T>(what: string, asked: Promise<T>): Promise<T | null> => {
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof BuildFailure)) throw error;
      missing.push(`${what}: ${error.error.words}`);
      return null;
    }
  };
  const rows = await client.listEnvs();
  const [generalSettings, usages, clusters] = await Promise.all([
    orNull('general settings', client.generalSettings()),
    orNull('usages of code envs', client.allUsages()),
    orNull('clusters', clustersOf(client)),
  ]);
  const envs = await Promise.all(
    rows.map(async (row) => {
      const { envLang: language, envName: name } = row;
      if ((language !== 'PYTHON' && language !== 'R') || typeof name !== 'string') {
        missing.push(`a code env of the list has no name, or a language that is not known`);
        return null;
      }
      const settings = await orNull(`code env ${name}`, client.envSettings(language, name));
      return settings === null ? null : envOf(row, language, name, settings);
    }),
  );
  if (version === null) missing.push('version: the API does not say it');
  const found = envs.filter((env) => env !== null);
  return {
    from: 'api',
    place,
    node: found.some(({ deploymentMode }) => deploymentMode.startsWith('AUTOMATION_')) ? 'automation' : 'design',
    version,
    installId: null,
    generalSettings,
    clusters: clusters ?? {},
    envs: found,
    codeStudioTemplates: {},
    builtBaseImages: null,
    cdeImages: null,
    usages,
    missing: missing.toSorted(),
  };
}

async function clustersOf(client: DssClient): Promise<Readonly<Record<string, JsonObject>>> {
  const ids = (await client.listClusters()).flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
  return Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await client.cluster(id)] as const)));
}

function envOf(row: JsonObject, language: 'PYTHON' | 'R', name: string, whole: JsonObject): EnvReading {
  const { versions, ...settings } = whole;
  const text = (key: string): string | null =>
    [row[key], settings[key]].find((value) => typeof value === 'string' && value !== '') as string | null;
  return {
    language,
    name,
    deploymentMode: text('deploymentMode') ?? '',
    owner: text('owner') ?? null,
    settings,
    versions: Array.isArray(versions) ? versions.filter(isObject).map(versionOf) : null,
    actual: pinsOf(settings),
    images: [],
  };
}

function versionOf({ versionId, ...settings }: JsonObject): EnvVersionReading {
  return { id: typeof versionId === 'string' ? versionId : '', settings, actual: pinsOf(settings), images: [] };
}

/** What is installed, in the form of `pip freeze`, where the settings say it. */
function pinsOf({ actualPackageList }: JsonObject): string | null {
  return typeof actualPackageList === 'string' && actualPackageList !== '' ? actualPackageList : null;
}

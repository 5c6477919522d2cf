/** Configs of containers and of Spark out of the general settings, of both schemas of DSS (up to 14, and 15), in one shape. */
import type { InstanceReading, Json, JsonObject } from './reading.ts';

/** One config as one cluster, or none, sees it. */
export interface DssContainerConfig {
  readonly name: string;
  /** Cluster whose overrides are in this row; null: the config itself. */
  readonly cluster: string | null;
  /** `KUBERNETES` or `DOCKER`, as DSS writes it. */
  readonly type: string | null;
  readonly usableBy: string | null;
  readonly allowedGroups: readonly string[];
  /** Custom tag; null: DSS's default name. */
  readonly baseImage: string | null;
  readonly repositoryURL: string | null;
  readonly prePushMode: string | null;
  readonly prePushScript: string | null;
  readonly workloadType: string | null;
  readonly properties: Json;
  /** The build config that it names (DSS 15). */
  readonly imageBuildConfig: string | null;
  /** That build config as it stands; null: none is named, or there is none of that name. */
  readonly buildConfig: JsonObject | null;
  /** All other keys. */
  readonly rest: JsonObject;
}

/** One Spark config. */
export interface DssSparkConfig {
  readonly name: string;
  readonly description: string | null;
  readonly conf: Json;
  readonly managedKubernetes: boolean;
  readonly baseImage: string | null;
  readonly repositoryURL: string | null;
  readonly prePushMode: string | null;
  readonly prePushScript: string | null;
  /** All other keys of `kubernetesSettings`. */
  readonly kubernetesRest: JsonObject;
  /** All other keys. */
  readonly rest: JsonObject;
}

/** Whether JSON is an object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A setting of an env: at the root, where it stands today, or under `desc`, where older clients look. */
export function field(settings: JsonObject, key: string): Json | undefined {
  if (Object.hasOwn(settings, key)) return settings[key];
  const desc = settings['desc'];
  return isObject(desc) && Object.hasOwn(desc, key) ? desc[key] : undefined;
}

const SHOWN = [
  'name',
  'type',
  'usableBy',
  'allowedGroups',
  'baseImage',
  'repositoryURL',
  'prePushMode',
  'prePushScript',
  'workloadType',
  'properties',
  'imageBuildConfig',
];
const SPARK = ['name', 'description', 'conf', 'kubernetesSettings'];
const SPARK_KUBERNETES = ['managedKubernetes', 'baseImage', 'repositoryURL', 'prePushMode', 'prePushScript'];

/** Container configs, and behind each its row for every cluster that overrides something of it. */
export function containerConfigsOf(reading: InstanceReading): DssContainerConfig[] {
  const settings = objectAt(reading.generalSettings, 'containerSettings');
  const builds = objectsAt(settings, 'buildConfigs');
  return objectsAt(settings, 'executionConfigs').flatMap((config) => {
    const rows = [containerConfig(config, null, builds)];
    for (const [cluster, its] of Object.entries(reading.clusters)) {
      for (const over of overridesOf(its)) {
        if (over['name'] === config['name']) rows.push(containerConfig({ ...config, ...over }, cluster, builds));
      }
    }
    return rows;
  });
}

/** Spark configs. */
export function sparkConfigsOf(reading: InstanceReading): DssSparkConfig[] {
  return objectsAt(objectAt(reading.generalSettings, 'sparkSettings'), 'executionConfigs').map((config) => {
    const kubernetes = objectAt(config, 'kubernetesSettings') ?? {};
    return {
      name: text(config['name']) ?? '',
      description: text(config['description']),
      conf: config['conf'] ?? null,
      managedKubernetes: kubernetes['managedKubernetes'] === true,
      baseImage: text(kubernetes['baseImage']),
      repositoryURL: text(kubernetes['repositoryURL']),
      prePushMode: text(kubernetes['prePushMode']),
      prePushScript: text(kubernetes['prePushScript']),
      kubernetesRest: without(kubernetes, SPARK_KUBERNETES),
      rest: without(config, SPARK),
    };
  });
}

function containerConfig(
  config: JsonObject,
  cluster: string | null,
  builds: readonly JsonObject[],
): DssContainerConfig {
  const named = text(config['imageBuildConfig']);
  const groups = config['allowedGroups'];
  return {
    name: text(config['name']) ?? '',
    cluster,
    type: text(config['type']),
    usableBy: text(config['usableBy']),
    allowedGroups: Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [],
    baseImage: text(config['baseImage']),
    repositoryURL: text(config['repositoryURL']),
    prePushMode: text(config['prePushMode']),
    prePushScript: text(config['prePushScript']),
    workloadType: text(config['workloadType']),
    properties: config['properties'] ?? null,
    imageBuildConfig: named,
    buildConfig: named === null ? null : (builds.find((build) => build['name'] === named) ?? null),
    rest: without(config, SHOWN),
  };
}

/** Overrides stand at the root of a cluster's settings or under `containerSettings`. */
function overridesOf(cluster: JsonObject): readonly JsonObject[] {
  const key = 'executionConfigsGenericOverrides';
  return [...objectsAt(cluster, key), ...objectsAt(objectAt(cluster, 'containerSettings'), key)];
}

function objectAt(value: JsonObject | null, key: string): JsonObject | null {
  const found = value?.[key];
  return isObject(found) ? found : null;
}

function objectsAt(value: JsonObject | null, key: string): readonly JsonObject[] {
  const found = value?.[key];
  return Array.isArray(found) ? found.filter((item: Json) => isObject(item)) : [];
}

function text(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function without(value: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

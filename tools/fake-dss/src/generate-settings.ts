/** General settings, clusters, templates and usages of a made-up instance, in the schema of its version. */
import { chanceOf } from './generate-random.ts';
import type { FakeEnv, JsonObject } from './types.ts';

/** One config of containers before it is put in a schema. */
interface Config {
  readonly name: string;
  readonly type: 'KUBERNETES' | 'DOCKER';
  readonly registry: string;
  /** Empty: DSS's own name. */
  readonly base: string;
  readonly push: string;
  readonly groups: readonly string[];
}

const REGISTRIES = ['registry.example.com/dss', '123456789012.dkr.ecr.eu-west-1.example.com', 'acr.example.com/team'];

function configsOf(version: string): readonly Config[] {
  const custom = `house/exec-base:${version}`;
  const [first = '', ecr = '', acr = ''] = REGISTRIES;
  return [
    { name: 'cpu', type: 'KUBERNETES', registry: first, base: '', push: 'NONE', groups: [] },
    { name: 'gpu (EU)', type: 'KUBERNETES', registry: ecr, base: custom, push: 'ECR', groups: ['gpu-users'] },
    { name: 'Großer Speicher', type: 'KUBERNETES', registry: acr, base: '', push: 'ACR', groups: ['data-team', 'ml'] },
    { name: 'cpu-eu', type: 'KUBERNETES', registry: ecr, base: '', push: 'ECR', groups: [] },
    { name: 'local docker', type: 'DOCKER', registry: '', base: custom, push: 'CUSTOM', groups: [] },
  ];
}

/** Names that envs select. */
export const CONTAINER_NAMES: readonly string[] = configsOf('').map((config) => config.name);
/** Names of Spark configs. */
export const SPARK_NAMES: readonly string[] = ['spark-k8s', 'Spark (large)'];

/** `general-settings.json`: the schema changed with 15. */
export function generalSettingsOf(version: string): JsonObject {
  const configs = configsOf(version);
  const recent = Number.parseInt(version, 10) >= 15;
  return {
    containerSettings: {
      ...(recent ? { buildConfigs: configs.map(buildConfig) } : {}),
      executionConfigs: configs.map(recent ? recentConfig : olderConfig),
      defaultExecutionConfig: 'cpu',
      ...(recent ? { rebuildImagesAutomatically: false } : {}),
    },
    sparkSettings: { executionConfigs: SPARK_NAMES.map(sparkConfig) },
    // Not of rebake's concern, and to be kept by whoever writes settings back.
    studioMailAddress: 'dss@example.com',
    limits: { maxRunningActivities: 12 },
  };
}

/** Two clusters; one of them sends a config's images to a registry of its own. */
export function clustersOf(version: string): Record<string, JsonObject> {
  return {
    'eks-main': { name: 'EKS main', type: 'manual', containerSettings: {} },
    'aks-west': {
      name: 'AKS west',
      type: 'pycluster_aks',
      containerSettings: {
        executionConfigsGenericOverrides: [
          { name: 'cpu', repositoryURL: 'west.example.com/dss', baseImage: `west-base:${version}`, prePushMode: 'ACR' },
        ],
      },
    },
  };
}

/** Templates of Code Studios. */
export function templatesOf(): Record<string, JsonObject> {
  return {
    'vscode-main': {
      label: 'VS Code (main)',
      type: 'block_based',
      allContainerConfs: false,
      containerConfs: ['cpu'],
      params: { blocks: [{ type: 'kubernetes_settings' }, { type: 'add_codeenv', params: { codeEnv: 'glm' } }] },
    },
    jupyter: { label: 'JupyterLab', type: 'block_based', allContainerConfs: true, containerConfs: [] },
  };
}

/** Where envs are used: about half of them, and the builtin env by its null name. */
export function usagesOf(seed: number, envs: readonly FakeEnv[]): JsonObject[] {
  const chance = chanceOf(seed, 'usages');
  const rows: JsonObject[] = [
    { envLang: 'PYTHON', envName: null, envUsage: 'RECIPE', projectKey: 'START', objectId: 'compute_first' },
  ];
  for (const env of envs) {
    for (let left = chance.happens(0.5) ? 1 + chance.below(3) : 0; left > 0; left -= 1) {
      rows.push({
        envLang: env.language,
        envName: env.name,
        envUsage: chance.pick(['PROJECT', 'RECIPE', 'NOTEBOOK', 'SAVED_MODEL', 'WEBAPP']),
        projectKey: chance.pick(['CHURN', 'PRICING', 'FRAUD_2']),
        objectId: `object_${chance.below(1000)}`,
      });
    }
  }
  return rows;
}

function olderConfig(config: Config): JsonObject {
  return {
    name: config.name,
    type: config.type,
    usableBy: config.groups.length === 0 ? 'ALL' : 'ALLOWED',
    allowedGroups: config.groups,
    baseImage: config.base,
    repositoryURL: config.registry,
    prePushMode: config.push,
    prePushScript: config.push === 'CUSTOM' ? '/data/scripts/login.sh' : '',
    properties: [{ key: 'team', value: 'data' }],
    ...runtimeOf(config),
  };
}

function runtimeOf(config: Config): JsonObject {
  if (config.type === 'DOCKER')
    return {
      dockerHost: 'tcp://docker.example.com:2376',
      dockerNetwork: 'dss',
      dockerRuntime: 'runc',
      dockerTLSVerify: true,
      dockerCertPath: '/data/certs',
      dockerResources: [{ key: 'memory', value: '4g' }],
    };
  return {
    kubernetesNamespace: 'dss',
    createNamespace: true,
    ensureNamespaceCompliance: false,
    kubeConfigPath: '',
    kubeCtlContext: 'main',
    nodeSelector: '',
    affinity: '',
    tolerations: '',
    kubernetesResources: {
      memRequestMB: 2048,
      memLimitMB: -1,
      cpuRequest: 0.5,
      cpuLimit: -1,
      customRequests: [],
      customLimits: config.groups.includes('gpu-users') ? [{ key: 'nvidia.com/gpu', value: '1' }] : [],
      hostPathVolumes: [],
    },
  };
}

function buildConfig(config: Config): JsonObject {
  const docker = {
    baseImage: config.base,
    repositoryURL: config.registry,
    prePushMode: config.push,
    prePushScript: config.push === 'CUSTOM' ? '/data/scripts/login.sh' : '',
  };
  const inCluster = config.name === 'cpu-eu';
  return {
    name: `build ${config.name}`,
    baseImageType: 'EXEC',
    imageBuilderType: inCluster ? 'DKU_IN_CLUSTER' : 'DOCKER',
    ...(inCluster ? { dkuInClusterBuilderConfig: docker } : { dockerBuilderConfig: docker }),
    properties: [],
    isFinal: false,
  };
}

function recentConfig(config: Config): JsonObject {
  return {
    name: config.name,
    type: config.type,
    imageBuildConfig: `build ${config.name}`,
    usableBy: config.groups.length === 0 ? 'ALL' : 'ALLOWED',
    allowedGroups: config.groups,
    workloadType: 'ANY',
    [config.type === 'DOCKER' ? 'dockerRuntimeConfig' : 'kubernetesRuntimeConfig']: runtimeOf(config),
    properties: [{ key: 'team', value: 'data' }],
    isFinal: false,
  };
}

function sparkConfig(name: string, index: number): JsonObject {
  return {
    name,
    description: index === 0 ? '' : 'For what does not fit elsewhere',
    conf: [{ key: 'spark.executor.memory', value: `${4 * (index + 1)}g`, isFinal: false }],
    kubernetesSettings: {
      managedKubernetes: true,
      managedNamespace: 'spark',
      baseImage: index === 0 ? '' : 'house/spark-base:3',
      repositoryURL: REGISTRIES[index] ?? '',
      prePushMode: index === 0 ? 'NONE' : 'ECR',
      prePushScript: '',
    },
  };
}

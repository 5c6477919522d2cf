import { containerConfigsOf, field, sparkConfigsOf } from '@rebake/dss';
import type { InstanceReading } from '@rebake/dss';
import { expect, test } from 'vitest';

function reading(
  generalSettings: InstanceReading['generalSettings'],
  clusters: InstanceReading['clusters'] = {},
): InstanceReading {
  return {
    from: 'api',
    place: 'https://dss.example.com',
    node: 'design',
    version: null,
    installId: null,
    generalSettings,
    clusters,
    envs: [],
    codeStudioTemplates: {},
    builtBaseImages: null,
    cdeImages: null,
    usages: null,
    missing: [],
  };
}

test('a cluster that overrides the registry of a config gives a further row, and unknown keys are kept', () => {
  const config = {
    name: 'cpu',
    type: 'KUBERNETES',
    baseImage: '',
    repositoryURL: 'eu.example.com/dss',
    kubernetesNamespace: 'jobs',
  };
  const over = { executionConfigsGenericOverrides: [{ name: 'cpu', repositoryURL: 'us.example.com/dss' }] };
  const rows = containerConfigsOf(reading({ containerSettings: { executionConfigs: [config] } }, { us: over }));
  expect(rows.map((row) => [row.cluster, row.repositoryURL, row.baseImage, row.rest])).toEqual([
    [null, 'eu.example.com/dss', null, { kubernetesNamespace: 'jobs' }],
    ['us', 'us.example.com/dss', null, { kubernetesNamespace: 'jobs' }],
  ]);
});

test('a config of DSS 15 comes with its build config, and with none where the name dangles', () => {
  const build = { name: 'docker', baseImageType: 'EXEC', imageBuilderType: 'DOCKER' };
  const executionConfigs = ['docker', 'gone'].map((imageBuildConfig) => ({
    name: imageBuildConfig,
    imageBuildConfig,
    workloadType: 'ANY',
  }));
  const rows = containerConfigsOf(reading({ containerSettings: { buildConfigs: [build], executionConfigs } }));
  expect(rows.map((row) => [row.imageBuildConfig, row.buildConfig])).toEqual([
    ['docker', build],
    ['gone', null],
  ]);
});

test('Spark configs are read, and settings are found at the root before desc', () => {
  const kubernetesSettings = { managedKubernetes: true, baseImage: 'spark:1', managedNamespace: 'x' };
  const [row] = sparkConfigsOf(
    reading({ sparkSettings: { executionConfigs: [{ name: 's', kubernetesSettings, other: 1 }] } }),
  );
  expect(row).toMatchObject({
    name: 's',
    managedKubernetes: true,
    baseImage: 'spark:1',
    kubernetesRest: { managedNamespace: 'x' },
    rest: { other: 1 },
  });
  expect(field({ conda: true, desc: { conda: false, owner: 'a' } }, 'conda')).toBe(true);
  expect(field({ desc: { owner: 'a' } }, 'owner')).toBe('a');
});

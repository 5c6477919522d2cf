import { expect, test } from 'vitest';
import { declarationOf, type EnvReading, type InstanceReading, type JsonObject } from '@rebake/dss';

const OPTIONS = { name: 'design', live: { url: 'https://dss.example.com', apiKeyFile: './key' } };

function env(name: string, settings: JsonObject, more: Partial<EnvReading> = {}): EnvReading {
  const rest = { owner: null, versions: null, actual: null, images: [] };
  return { language: 'PYTHON', name, deploymentMode: 'DESIGN_MANAGED', settings, ...rest, ...more };
}

function reading(envs: readonly EnvReading[]): InstanceReading {
  const config = { name: 'cpu (EU)', type: 'KUBERNETES', repositoryURL: 'registry.example.com/dss', dockerHost: 'x' };
  return {
    from: 'data-dir',
    place: '/data/dss',
    node: 'design',
    version: '14.3.2',
    installId: 'AbC',
    generalSettings: {
      containerSettings: { executionConfigs: [config, { ...config, name: 'gpu', baseImage: 'own/gpu:1' }] },
    },
    clusters: {},
    envs,
    codeStudioTemplates: {},
    builtBaseImages: null,
    cdeImages: null,
    usages: null,
    missing: [],
  };
}

test('a managed env keeps its packages, fragments, script and the versions that run', () => {
  const settings = {
    allContainerConfs: false,
    containerConfs: ['cpu (EU)', 'gone'],
    specPackageList: 'pandas\n# a comment',
    dockerfileAtEnd: 'RUN true',
    resourcesInitScript: 'pass',
    desc: { pythonInterpreter: 'PYTHON39', installJupyterSupport: true, corePackagesSet: 'PANDAS10', odd: 1 },
  };
  const made = declarationOf(reading([env('glm', settings, { actual: 'pandas==1.5.3\n-e /x\n' })]), OPTIONS);
  expect(made.sections['codeEnvs']).toEqual({
    glm: {
      language: 'python',
      interpreter: '3.9',
      packages: { file: 'envs/design/glm/requirements.txt' },
      corePackages: { set: 'PANDAS10' },
      jupyter: true,
      resources: { mode: 'script', script: 'envs/design/glm/resources_init.py' },
      fragments: { atEnd: { file: 'envs/design/glm/atEnd.Dockerfile' } },
      pins: 'envs/design/glm/pins.txt',
      containerConfigs: ['cpu-EU'],
      sparkConfigs: 'none',
      instance: 'design',
      builder: 'dss-design',
    },
  });
  expect(made.files.get('envs/design/glm/pins.txt')).toBe('pandas==1.5.3\n');
  expect(made.files.get('envs/design/glm/requirements.txt')).toBe('pandas\n# a comment\n');
  expect(made.unmapped.map(({ where }) => where)).toEqual([
    'containerConfigs.cpu-EU.dockerHost',
    'containerConfigs.gpu.dockerHost',
    'codeEnvs.glm.settings.desc.odd',
    'codeEnvs.glm.pins',
    'codeEnvs.glm.containerConfs',
  ]);
});

test('configs share a registry, and each base stands once under the name that DSS gives it', () => {
  const { sections } = declarationOf(reading([]), OPTIONS);
  expect(Object.values(sections['registries'] ?? {})).toEqual([{ url: 'registry.example.com/dss' }]);
  expect(sections['baseImages']).toEqual({
    exec: {
      type: 'container-exec',
      from: { image: 'registry.example.com/dss/dku-exec-base-abc:dss-14.3.2' },
      repository: 'dku-exec-base-abc',
      tags: ['dss-${release.version}'],
    },
    gpu: {
      type: 'container-exec',
      from: { image: 'registry.example.com/dss/own/gpu:1' },
      repository: 'own/gpu',
      tags: ['1'],
    },
  });
  expect(sections['containerConfigs']?.['cpu-EU']).toMatchObject({ base: 'exec', dssName: 'cpu (EU)' });
});

test('versions become versions, and what DSS never makes images of selects none and says why', () => {
  const version = { id: 'v1', settings: { desc: { pythonInterpreter: 'PYTHON310' } }, actual: null, images: [] };
  const { sections, unmapped } = declarationOf(
    reading([
      env('auto', {}, { deploymentMode: 'AUTOMATION_VERSIONED', versions: [version] }),
      env('path', { allContainerConfs: true }, { deploymentMode: 'DESIGN_NON_MANAGED' }),
      env('own', { desc: { pythonInterpreter: 'CUSTOM' } }),
    ]),
    OPTIONS,
  );
  const envs = sections['codeEnvs'];
  expect(envs?.['auto']).toMatchObject({
    deployment: 'automation-versioned',
    versions: { v1: { interpreter: '3.10' } },
  });
  expect(envs?.['path']).toMatchObject({ deployment: 'design-non-managed', containerConfigs: 'none' });
  expect(envs?.['own']).toMatchObject({ interpreter: 'custom', containerConfigs: 'none' });
  expect(unmapped.filter(({ where }) => where.endsWith('.containerConfigs')).map(({ where }) => where)).toEqual([
    'codeEnvs.path.containerConfigs',
    'codeEnvs.own.containerConfigs',
  ]);
});

test('names that cannot stand become ones that can, each its own, and no file leaves its folder', () => {
  const { sections, files } = declarationOf(
    reading(['../../x', 'A b', 'a-b', '__proto__', '日本'].map((name) => env(name, { specPackageList: 'six' }))),
    OPTIONS,
  );
  const keys = Object.keys(sections['codeEnvs'] ?? {});
  expect(new Set(keys.map((key) => key.toLowerCase())).size).toBe(5);
  for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
  for (const path of files.keys()) expect(path.split('/')).not.toContain('..');
});

test('what no image can have is left out by name, and the env is declared without images', () => {
  const { sections, files, unmapped } = declarationOf(
    reading([
      env('house', { allContainerConfs: true, specPackageList: 'six\n-e /data/house\n--pre' }),
      env('geo', { allContainerConfs: true, desc: { conda: true }, specCondaEnvironment: 'libgdal=3.4' }),
      env('odd', { allContainerConfs: true, desc: { pythonInterpreter: 'PYPY' } }),
      env('plots', { allContainerConfs: true, specPackageList: 'ggplot2\ntidyr,"1.2.0"' }, { language: 'R' }),
    ]),
    OPTIONS,
  );
  const selected = Object.entries(sections['codeEnvs'] ?? {}).map(([name, one]) => [
    name,
    (one as JsonObject)['containerConfigs'],
  ]);
  const all = ['cpu-EU', 'gpu'];
  expect(Object.fromEntries(selected)).toEqual({ house: 'none', geo: 'none', odd: 'none', plots: all });
  expect(files.get('envs/design/house/requirements.txt')).toBe(
    'six\n# left out, it is a folder or checkout of the DSS host: -e /data/house\n--pre\n',
  );
  expect(files.get('envs/design/plots/requirements.txt')).toBe('ggplot2\ntidyr\n');
  const listed = Object.fromEntries(unmapped.map(({ where, value }) => [where, value]));
  expect(listed).toMatchObject({
    'codeEnvs.house.packages': '-e /data/house',
    'codeEnvs.geo.conda': 'libgdal=3.4',
    'codeEnvs.odd.interpreter': 'PYPY',
    'codeEnvs.plots.packages': 'tidyr,"1.2.0"',
  });
});

test('what looks like a secret is in no section, no file and no list', () => {
  const made = declarationOf(
    {
      ...reading([
        env('glm', {
          specPackageList: '--index-url https://me:hush-1@pypi.example.com/simple\nsix',
          apiToken: 'hush-2',
        }),
      ]),
      generalSettings: {
        mail: { password: 'hush-3' },
        containerSettings: {
          executionConfigs: [
            {
              name: 'cpu',
              properties: [{ key: 'account.key', value: 'hush-4' }],
              extra: [{ key: 'db.password', value: 'hush-5' }],
            },
          ],
        },
      },
    },
    OPTIONS,
  );
  expect(JSON.stringify([made.sections, ...made.files, made.unmapped])).not.toContain('hush');
  expect(made.unmapped.map(({ where }) => where)).toEqual([
    'containerConfigs.cpu.properties.account.key',
    'containerConfigs.cpu.extra',
    'codeEnvs.glm.settings.apiToken',
    'codeEnvs.glm.packages',
    'codeEnvs.glm.containerConfigs',
    'generalSettings.mail',
  ]);
});

test('a build config of DSS 15 gives registry, base and hook of the configs that name it', () => {
  const docker = { repositoryURL: 'registry.example.com/dss', baseImage: 'own:1', prePushMode: 'ECR' };
  const made = declarationOf(
    {
      ...reading([]),
      generalSettings: {
        containerSettings: {
          buildConfigs: [{ name: 'build', imageBuilderType: 'DOCKER', dockerBuilderConfig: docker }],
          executionConfigs: [{ name: 'cpu', type: 'KUBERNETES', imageBuildConfig: 'build' }],
        },
      },
    },
    OPTIONS,
  );
  expect(made.sections['containerConfigs']).toMatchObject({
    cpu: { base: 'own', registry: 'registry.example.com-dss', prePush: { mode: 'ecr' } },
  });
});

test('all configs are a list of those of this instance, and what selects none that exists says so', () => {
  const every = env('glm', { allContainerConfs: true, allSparkKubernetesConfs: true });
  const { sections, unmapped } = declarationOf(reading([every]), OPTIONS);
  expect(sections['codeEnvs']?.['glm']).toMatchObject({ containerConfigs: ['cpu-EU', 'gpu'], sparkConfigs: 'none' });
  expect(unmapped).toContainEqual({
    where: 'codeEnvs.glm.allSparkKubernetesConfs',
    value: true,
    why: 'there is no config to select',
  });
});

/** Code envs of a made-up instance: first one of every kind, then whatever chance brings. */
import { chanceOf } from './generate-random.ts';
import type { Chance } from './generate-random.ts';
import { CONDA_SPECS, PYTHON_SETS, R_SETS, RESOURCES_SCRIPTS } from './package-sets.ts';
import type { PackageSet } from './package-sets.ts';
import type { FakeEnv, FakeInstance, JsonObject } from './types.ts';

/** What the envs of an instance may name. */
export interface EnvContext {
  readonly seed: number;
  readonly node: FakeInstance['node'];
  readonly containers: readonly string[];
  readonly sparks: readonly string[];
}

const MODES: Readonly<Record<FakeInstance['node'], readonly string[]>> = {
  design: [
    'DESIGN_MANAGED',
    'PLUGIN_MANAGED',
    'DESIGN_NON_MANAGED',
    'EXTERNAL_CONDA_NAMED',
    'PLUGIN_NON_MANAGED',
    'BUSINESS_APP_MANAGED',
    'BUSINESS_APP_NON_MANAGED',
  ],
  automation: [
    'AUTOMATION_SINGLE',
    'AUTOMATION_VERSIONED',
    'AUTOMATION_NON_MANAGED_PATH',
    'AUTOMATION_EXTERNAL_CONDA_NAMED',
    'PLUGIN_MANAGED',
  ],
};
const INTERPRETERS = [
  'PYTHON27',
  'PYTHON34',
  'PYTHON35',
  'PYTHON36',
  'PYTHON37',
  'PYTHON38',
  'PYTHON39',
  'PYTHON310',
  'PYTHON311',
  'PYTHON312',
  'PYTHON313',
  'CUSTOM',
];
const USUAL = ['PYTHON36', 'PYTHON37', 'PYTHON39', 'PYTHON39', 'PYTHON310', 'PYTHON311'];
const CORE = ['AUTO', 'PANDAS10', 'PANDAS11', 'PANDAS13', 'PANDAS15', 'PANDAS22'];
const BUSTING = [
  'BEGINNING',
  'AFTER_START_DOCKERFILE',
  'AFTER_PACKAGES',
  'AFTER_AFTER_PACKAGES_DOCKERFILE',
  'END',
  'NONE',
];
const HOOKS = [
  'SYSTEM_LEVEL_CUDA_112_CUDNN_811',
  'SYSTEM_LEVEL_CUDA_122_CUDNN_897',
  'BASIC_GPU_ENABLING',
  'CUDA_SUPPORT_FOR_TORCH2_WITH_PYPI_NVIDIA_PACKAGES',
  'PYTHON36_SUPPORT',
  'PYTHON37_SUPPORT',
  'PYTHON38_SUPPORT',
  'HUGGING_FACE_LOCAL_CPU',
  'HUGGING_FACE_LOCAL_GPU',
];
const FRAGMENTS: readonly (readonly [string, string])[] = [
  ['dockerfileAtStart', 'LABEL team="data science"\n'],
  // Without a last newline, as the editor of DSS lets it through.
  ['dockerfileBeforePackages', 'RUN dnf install -y gcc-c++'],
  ['dockerfileAfterCondaPackages', 'ENV GDAL_DATA=/opt/dataiku/code-env/share/gdal\n'],
  ['dockerfileAfterPackages', 'RUN python -m nltk.downloader punkt || \\\n    true\n'],
  ['dockerfileAtEnd', '# für später\nENV OMP_NUM_THREADS=2\n'],
];
const OWNERS = ['admin', 'a.smith', 'märz', 'svc-automation', ''];

/** `count` envs. */
export function envsOf(context: EnvContext, count: number): FakeEnv[] {
  return Array.from({ length: count }, (_, index) => envOf(context, index));
}

function envOf(context: EnvContext, index: number): FakeEnv {
  const chance = chanceOf(context.seed, `env ${index}`);
  const modes = MODES[context.node];
  // In turn at first, so that even a small instance has all modes; later the first two are the usual ones, as in real life.
  const deploymentMode =
    index < modes.length ? (modes[index] ?? 'DESIGN_MANAGED') : chance.pick([...modes, ...modes.slice(0, 2)]);
  const language = index > 1 && (index % 11 === 9 || chance.happens(0.05)) ? 'R' : 'PYTHON';
  const set = language === 'R' ? (R_SETS[index % 2] ?? chance.pick(R_SETS)) : chance.pick(PYTHON_SETS);
  const owner = chance.pick(OWNERS);
  const shared: JsonObject = {
    deploymentMode,
    owner,
    usableByAll: chance.happens(0.7),
    permissions: [{ group: 'data-team', use: true, update: chance.happens(0.5), manageUsers: false }],
    versionTag: { versionNumber: index, lastModifiedOn: 1_700_000_000_000 + index * 60_000 },
  };
  const env = { language, name: nameOf(set.word, index, chance), deploymentMode, owner } as const;
  if (deploymentMode !== 'AUTOMATION_VERSIONED')
    return {
      ...env,
      settings: { ...shared, ...contentsOf({ context, index, language, deploymentMode, set }, chance) },
      versions: null,
      actual: set.actual,
    };
  const versions = Array.from({ length: 1 + chance.below(3) + (index === 1 ? 9 : 0) }, (_, number) => {
    const its = language === 'R' ? chance.pick(R_SETS) : chance.pick(PYTHON_SETS);
    return {
      // More than nine of one env: their ids must not be put in the order of words.
      id: `v${number + 1}`,
      settings: contentsOf({ context, index: index + number, language, deploymentMode, set: its }, chance),
      actual: its.actual,
    };
  });
  return { ...env, settings: shared, versions, actual: null };
}

/** Names as people give them; the number keeps them apart. */
function nameOf(word: string, index: number, chance: Chance): string {
  return chance.pick([
    `${word}_${index}`,
    `${word}-py-${index}`,
    `${word.toUpperCase()}_${index}`,
    `Team ${word} ${index}`,
    `Prüfung_${word}_${index}`,
    `plugin_${word}_managed_${index}`,
    `${word}.v${index}`,
  ]);
}

function contentsOf(
  what: {
    readonly context: EnvContext;
    readonly index: number;
    readonly language: FakeEnv['language'];
    readonly deploymentMode: string;
    readonly set: PackageSet;
  },
  chance: Chance,
): JsonObject {
  const { context, index, language, deploymentMode, set } = what;
  const conda = deploymentMode.includes('CONDA') || chance.happens(0.1);
  const desc: JsonObject = {
    conda,
    installCorePackages: chance.happens(0.85),
    installJupyterSupport: chance.happens(0.4),
    ...(language === 'PYTHON'
      ? {
          pythonInterpreter:
            index < INTERPRETERS.length
              ? (INTERPRETERS[index] ?? 'PYTHON39')
              : chance.pick([...USUAL, ...INTERPRETERS]),
          corePackagesSet: chance.pick(CORE),
        }
      : {}),
    ...(deploymentMode === 'PLUGIN_MANAGED'
      ? { acceptedPythonInterpreters: chance.pick([[], ['PYTHON36'], USUAL.slice(0, 3)]), forceConda: false }
      : {}),
    ...(chance.happens(0.2) ? { basePackagesInstallMethod: 'PRE_BUILT' } : {}),
  };
  const all = chance.happens(0.6);
  const container: JsonObject = {
    allContainerConfs: all,
    // Left over from before the box was ticked: DSS ignores it then.
    containerConfs: context.containers.filter(() => chance.happens(all ? 0.1 : 0.5)),
    allSparkKubernetesConfs: chance.happens(0.2),
    sparkKubernetesConfs: context.sparks.filter(() => chance.happens(0.4)),
    containerCacheBustingLocation: chance.happens(0.7) ? 'AFTER_START_DOCKERFILE' : chance.pick(BUSTING),
    predefinedContainerHooks: chance.happens(0.2) ? [{ type: chance.pick(HOOKS) }] : [],
    ...Object.fromEntries(FRAGMENTS.filter((_, number) => index % 7 === number || chance.happens(0.08))),
  };
  // What older clients write: the same keys, below `desc`.
  const older = index % 6 === 5;
  return {
    desc: older ? { ...desc, ...container } : desc,
    ...(older ? {} : container),
    specPackageList: set.spec,
    specCondaEnvironment: conda ? chance.pick(CONDA_SPECS) : '',
    ...(language === 'PYTHON' && (index % 8 === 3 || chance.happens(0.1))
      ? { resourcesInitScript: chance.pick(RESOURCES_SCRIPTS), resourcesContainerMode: chance.pick(['RUN', 'COPY']) }
      : {}),
    // Keys of releases that rebake does not know.
    ...(chance.happens(0.3) ? { keyOfALaterRelease: { nested: [1, null, 'ü'] } } : {}),
  };
}

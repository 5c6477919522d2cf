/** Code envs of a reading as code envs of a declaration. */
import type { EnvReading, Json, JsonObject } from '../reading.ts';
import { field, isObject } from '../settings.ts';
import { Names } from './names.ts';
import type { Draft } from './types.ts';

/** DSS's keys of the fragments, and the declaration's. */
const FRAGMENTS: readonly (readonly [string, string])[] = [
  ['dockerfileAtStart', 'atStart'],
  ['dockerfileBeforePackages', 'beforePackages'],
  ['dockerfileAfterCondaPackages', 'afterCondaPackages'],
  ['dockerfileAfterPackages', 'afterPackages'],
  ['dockerfileAtEnd', 'atEnd'],
];
const CACHE_BUSTING = [
  'beginning',
  'after-start-dockerfile',
  'after-packages',
  'after-after-packages-dockerfile',
  'end',
  'none',
];
const ADDITIONS = [
  'SYSTEM_LEVEL_CUDA_112_CUDNN_811',
  'SYSTEM_LEVEL_CUDA_122_CUDNN_897',
  'CUDA_SUPPORT_FOR_TORCH2_WITH_PYPI_NVIDIA_PACKAGES',
  'BASIC_GPU_ENABLING',
  'PYTHON36_SUPPORT',
  'PYTHON37_SUPPORT',
  'PYTHON38_SUPPORT',
  'HUGGING_FACE_LOCAL_CPU',
  'HUGGING_FACE_LOCAL_GPU',
];
/** Deployment modes whose names in a declaration are not DSS's in lower case. */
const DEPLOYMENTS: Readonly<Record<string, string>> = {
  DESIGN_MANAGED: 'design-managed',
  DESIGN_NON_MANAGED: 'design-non-managed',
  EXTERNAL_CONDA_NAMED: 'external-conda-named',
  PLUGIN_MANAGED: 'plugin-managed',
  PLUGIN_NON_MANAGED: 'plugin-non-managed',
  AUTOMATION_SINGLE: 'automation-single',
  AUTOMATION_VERSIONED: 'automation-versioned',
  AUTOMATION_NON_MANAGED_PATH: 'automation-non-managed-path',
  AUTOMATION_EXTERNAL_CONDA_NAMED: 'automation-external-conda-named',
  BUSINESS_APP_MANAGED: 'business-app-managed',
  BUSINESS_APP_NON_MANAGED: 'business-app-non-managed',
};
const MAPPED = new Set([
  ...FRAGMENTS.map(([key]) => key),
  'pythonInterpreter',
  'specPackageList',
  'specCondaEnvironment',
  'conda',
  'installCorePackages',
  'corePackagesSet',
  'installJupyterSupport',
  'resourcesInitScript',
  'containerCacheBustingLocation',
  'predefinedContainerHooks',
  'allContainerConfs',
  'containerConfs',
  'allSparkKubernetesConfs',
  'sparkKubernetesConfs',
  'acceptedPythonInterpreters',
  'owner',
  'envName',
  'envLang',
  'deploymentMode',
  'desc',
  'versions',
]);

/** Names of configs in the declaration, by their names in DSS: one config may stand there once a cluster. */
export type Selectable = ReadonlyMap<string, readonly string[]>;

/** One env under its name in the declaration. */
export function envOf(
  env: EnvReading,
  key: string,
  selectable: { readonly containers: Selectable; readonly spark: Selectable },
  draft: Draft,
): JsonObject {
  const { name, live } = { name: draft.options.name, live: draft.options.live };
  const where = `codeEnvs.${key}`;
  const deployment = DEPLOYMENTS[env.deploymentMode];
  if (deployment === undefined)
    draft.unmapped.push({ where: `${where}.deploymentMode`, value: env.deploymentMode, why: 'an unknown mode' });
  const versions = env.versions ?? [];
  const main = versions.length === 0 ? contentsOf(env, key, where, draft) : null;
  const ids = new Names();
  const each = versions.map((version): [string, JsonObject] => {
    const id = ids.take(version.id);
    const at = `${where}.versions.${id}`;
    if (id !== version.id) draft.unmapped.push({ where: at, value: version.id, why: 'no name of a declaration' });
    return [id, contentsOf({ ...version, language: env.language }, `${key}/${id}`, at, draft)];
  });
  const never =
    deployment === undefined
      ? 'its mode is unknown'
      : neverInContainers(deployment, [main, ...each.map(([, contents]) => contents)]);
  const settings = versions.at(-1)?.settings ?? env.settings;
  if (never !== null) draft.unmapped.push({ where: `${where}.containerConfigs`, value: null, why: never });
  const accepted = field(env.settings, 'acceptedPythonInterpreters');
  return compact({
    language: env.language === 'R' ? 'r' : 'python',
    ...main,
    versions: each.length === 0 ? null : Object.fromEntries(each),
    containerConfigs: never === null ? selectionOf(settings, CONTAINERS, selectable.containers, where, draft) : 'none',
    sparkConfigs: never === null ? selectionOf(settings, SPARK, selectable.spark, where, draft) : null,
    deployment: deployment === 'design-managed' ? null : (deployment ?? null),
    acceptedInterpreters: Array.isArray(accepted)
      ? accepted.map((one: Json) => interpreterOf(one)).filter((one) => one !== null)
      : null,
    instance: live === null ? null : name,
    dssName: key === env.name ? null : oneLine(env.name),
    owner: env.owner === null || env.owner === '' ? null : oneLine(env.owner),
    builder: live === null ? null : `dss-${name}`,
  });
}

interface Contents {
  readonly language: 'PYTHON' | 'R';
  readonly settings: JsonObject;
  readonly actual: string | null;
}

function contentsOf({ language, settings, actual }: Contents, folder: string, where: string, draft: Draft): JsonObject {
  const keep = (file: string, text: string): string => {
    const path = `envs/${draft.options.name}/${folder}/${file}`;
    draft.files.set(path, text.endsWith('\n') ? text : `${text}\n`);
    return path;
  };
  const text = (key: string): string | null => {
    const value = field(settings, key);
    return typeof value === 'string' && value.trim() !== '' ? value : null;
  };
  const asFile = (file: string, value: string | null): JsonObject | null =>
    value === null ? null : { file: keep(file, value) };
  noteOthers(settings, where, draft);
  const interpreter = field(settings, 'pythonInterpreter');
  const core = field(settings, 'installCorePackages');
  const set = text('corePackagesSet');
  const script = text('resourcesInitScript');
  const busting = text('containerCacheBustingLocation')?.toLowerCase().replaceAll('_', '-') ?? null;
  const fragments = compact(
    Object.fromEntries(FRAGMENTS.map(([from, to]) => [to, asFile(`${to}.Dockerfile`, text(from))])),
  );
  const pins =
    actual === null ? [] : actual.split(/\r?\n/).filter((line) => /^[A-Za-z0-9._-]+==[^\s;#]+\s*$/.test(line));
  const additions = additionsOf(settings, where, draft);
  return compact({
    interpreter: language === 'R' ? null : interpreterOf(interpreter),
    packages: asFile('requirements.txt', text('specPackageList')),
    conda:
      field(settings, 'conda') === true
        ? compact({ packages: asFile('environment.spec', text('specCondaEnvironment')) })
        : null,
    corePackages:
      core === false || (set !== null && set !== 'AUTO')
        ? compact({ install: core === false ? false : null, set: set === 'AUTO' ? null : set })
        : null,
    jupyter: field(settings, 'installJupyterSupport') === true ? true : null,
    resources: script === null ? null : { mode: 'script', script: keep('resources_init.py', script) },
    fragments: Object.keys(fragments).length === 0 ? null : fragments,
    cacheBusting: busting !== null && CACHE_BUSTING.includes(busting) ? busting : null,
    runtimeAdditions: additions.length === 0 ? null : additions,
    pins: pins.length === 0 ? null : keep('pins.txt', pins.join('\n')),
  });
}

/** Why DSS makes no images of it, whatever is selected; null: nothing known is against it. */
function neverInContainers(deployment: string, contents: readonly (JsonObject | null)[]): string | null {
  if (deployment.includes('non-managed')) return 'non-managed: DSS makes no images of it';
  if (deployment.includes('external-conda')) return 'a named external Conda env: DSS makes no images of it';
  return contents.some((one) => one?.['interpreter'] === 'custom')
    ? 'a custom interpreter of the DSS host, which images do not have'
    : null;
}

const CONTAINERS = ['allContainerConfs', 'containerConfs'] as const;
const SPARK = ['allSparkKubernetesConfs', 'sparkKubernetesConfs'] as const;

function selectionOf(
  settings: JsonObject,
  [all, list]: readonly [string, string],
  known: Selectable,
  where: string,
  draft: Draft,
): Json {
  const everything = [...known.values()].flat();
  if (field(settings, all) === true) return everything.length === 0 ? 'none' : everything;
  const named = field(settings, list);
  const found = (Array.isArray(named) ? named : []).flatMap((one: Json) => {
    const names = typeof one === 'string' ? known.get(one) : undefined;
    if (names === undefined)
      draft.unmapped.push({ where: `${where}.${list}`, value: one, why: 'no config of that name' });
    return names ?? [];
  });
  return found.length === 0 ? 'none' : [...new Set(found)];
}

function additionsOf(settings: JsonObject, where: string, draft: Draft): readonly string[] {
  const hooks = field(settings, 'predefinedContainerHooks');
  return (Array.isArray(hooks) ? hooks : []).flatMap((hook: Json) => {
    const type = isObject(hook) ? hook['type'] : null;
    if (typeof type === 'string' && ADDITIONS.includes(type)) return [type];
    draft.unmapped.push({ where: `${where}.predefinedContainerHooks`, value: hook, why: 'an unknown addition' });
    return [];
  });
}

function noteOthers(settings: JsonObject, where: string, draft: Draft): void {
  const desc = settings['desc'];
  const rows = [
    ...Object.entries(settings).map(([key, value]) => [key, key, value] as const),
    ...(isObject(desc) ? Object.entries(desc).map(([key, value]) => [key, `desc.${key}`, value] as const) : []),
  ];
  for (const [key, path, value] of rows)
    if (!MAPPED.has(key)) draft.unmapped.push({ where: `${where}.settings.${path}`, value, why: 'no field for it' });
}

function interpreterOf(value: Json | undefined): string | null {
  if (value === 'CUSTOM') return 'custom';
  const [, major, minor] = typeof value === 'string' ? (/^PYTHON([23])(\d{1,2})$/.exec(value) ?? []) : [];
  return major === undefined || minor === undefined ? null : `${major}.${minor}`;
}

/** Without line breaks and control characters: a field of one line. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}

/** Without what is null. */
export function compact(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
}

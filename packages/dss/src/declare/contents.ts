/** What is in a code env, or in one version of it: as fields of the declaration, and files. */
import type { Json, JsonObject } from '../reading.ts';
import { field, isObject } from '../settings.ts';
import { plannable } from './packages.ts';
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

interface Contents {
  readonly language: 'PYTHON' | 'R';
  readonly settings: JsonObject;
  readonly actual: string | null;
}

/** The fields; `held`: why rebake makes no image of it, although DSS may. */
export interface Mapped {
  readonly fields: JsonObject;
  readonly held: string | null;
}

/** Maps one set of settings. Files go into `folder`. */
export function contentsOf(
  { language, settings, actual }: Contents,
  folder: string,
  where: string,
  draft: Draft,
): Mapped {
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
  const note = (key: string, value: Json, why: string): void =>
    void draft.unmapped.push({ where: `${where}.${key}`, value, why });
  noteOthers(settings, where, draft);
  const held: string[] = [];
  const interpreter = interpreterOf(field(settings, 'pythonInterpreter'));
  const wanted = field(settings, 'pythonInterpreter');
  if (language === 'PYTHON' && interpreter === null && wanted !== undefined && wanted !== null) {
    note('interpreter', wanted, 'an unknown interpreter');
    held.push('its interpreter is unknown');
  }
  const packages = plannable(text('specPackageList'), language);
  for (const { line, why } of packages.changed) note('packages', line, why);
  if (packages.held) held.push('its packages cannot be installed in an image');
  if (field(settings, 'conda') === true) {
    note('conda', text('specCondaEnvironment'), 'rebake builds no Conda envs yet');
    held.push('rebake builds no Conda envs yet');
  } else if (text('specCondaEnvironment') !== null) {
    note('conda', text('specCondaEnvironment'), 'DSS does not use it: the env is none of Conda');
  }
  const core = field(settings, 'installCorePackages');
  const set = text('corePackagesSet');
  const script = text('resourcesInitScript');
  // A script runs with `dataiku` of the core packages; without them there is none to run.
  const runs = script !== null && core !== false;
  if (script !== null && !runs) {
    note('resources', null, 'the core packages that a resources script needs are not installed');
    held.push('its resources need the core packages');
  }
  const busting = text('containerCacheBustingLocation')?.toLowerCase().replaceAll('_', '-') ?? null;
  if (busting !== null && !CACHE_BUSTING.includes(busting)) note('cacheBusting', busting, 'an unknown place');
  const fragments = compact(
    Object.fromEntries(FRAGMENTS.map(([from, to]) => [to, asFile(`${to}.Dockerfile`, text(from))])),
  );
  const additions = additionsOf(settings, where, draft);
  const pins = language === 'R' ? null : pinsOf(actual, where, draft);
  if (language === 'R' && actual !== null) note('pins', null, 'versions of R packages cannot be chosen');
  const fields = compact({
    interpreter: language === 'R' ? null : interpreter,
    packages: asFile('requirements.txt', packages.text),
    corePackages:
      core === false || (set !== null && set !== 'AUTO')
        ? compact({ install: core === false ? false : null, set: set === 'AUTO' ? null : set })
        : null,
    jupyter: field(settings, 'installJupyterSupport') === true ? true : null,
    resources: runs ? { mode: 'script', script: keep('resources_init.py', script) } : null,
    fragments: Object.keys(fragments).length === 0 ? null : fragments,
    cacheBusting: busting !== null && CACHE_BUSTING.includes(busting) ? busting : null,
    runtimeAdditions: additions.length === 0 ? null : additions,
    pins: pins === null ? null : keep('pins.txt', pins),
  });
  return { fields, held: held.length === 0 ? null : held.join('; ') };
}

/** Lines `name==version`; the others say nothing that a lock could prefer. */
function pinsOf(actual: string | null, where: string, draft: Draft): string | null {
  const pins: string[] = [];
  for (const line of actual?.split(/\r?\n/) ?? []) {
    if (/^[A-Za-z0-9._-]+==[^\s;#]+\s*$/.test(line)) pins.push(line.trimEnd());
    else if (!/^\s*(?:#|$)/.test(line))
      draft.unmapped.push({ where: `${where}.pins`, value: line, why: 'no pin of one version' });
  }
  return pins.length === 0 ? null : pins.join('\n');
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

/** `3.9`, `custom`; null: not said, or unknown. */
export function interpreterOf(value: Json | undefined): string | null {
  if (value === 'CUSTOM') return 'custom';
  const [, major, minor] = typeof value === 'string' ? (/^PYTHON([23])(\d{1,2})$/.exec(value) ?? []) : [];
  return major === undefined || minor === undefined ? null : `${major}.${minor}`;
}

/** Without what is null. */
export function compact(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
}

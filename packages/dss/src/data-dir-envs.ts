/** Code envs of a data directory, with their settings in the shape in which the API gives them. */
import type { DataDirFiles } from './data-dir-files.ts';
import type { EnvReading, EnvVersionReading, Json, JsonObject } from './reading.ts';
import { isObject } from './settings.ts';

/** Keys that the API keeps below `desc`; `desc.json` has them beside the others. */
const DESC = new Set([
  'acceptedPythonInterpreters',
  'basePackagesInstallMethod',
  'conda',
  'corePackagesSet',
  'forceConda',
  'installCorePackages',
  'installJupyterSupport',
  'pythonInterpreter',
]);
/** Files beside `desc.json`, and the settings that the API makes of them. */
const SPECS: readonly (readonly [string, string])[] = [
  ['specPackageList', 'spec/requirements.txt'],
  ['specCondaEnvironment', 'spec/environment.spec'],
  ['resourcesInitScript', 'spec/resources_init.py'],
];
const LANGUAGES = ['PYTHON', 'R'] as const;

/** All envs: those of design nodes, and those of automation nodes in either place. */
export async function readEnvs(files: DataDirFiles): Promise<EnvReading[]> {
  const found = new Map<string, EnvReading>();
  for (const language of LANGUAGES) {
    const word = language.toLowerCase();
    const places = [
      { under: `code-envs/desc/${word}`, below: '' },
      { under: `acode-envs/desc/${word}`, below: '' },
      { under: `acode-envs/${word}`, below: '/desc' },
    ];
    for (const { under, below } of places) {
      for (const name of await files.folders(under)) {
        const folder = `${under}/${name}${below}`;
        const env = await readEnv(files, folder, language, name);
        if (env === null) continue;
        const key = `${word}/${name}`;
        if (found.has(key)) files.miss(folder, 'is a second code env of that name: the first one counts');
        else found.set(key, env);
      }
    }
  }
  return [...found.values()];
}

async function readEnv(
  files: DataDirFiles,
  folder: string,
  language: EnvReading['language'],
  name: string,
): Promise<EnvReading | null> {
  const contents = await readContents(files, folder);
  if (contents === null) return null;
  const { settings, actual } = contents;
  const mode = settings['deploymentMode'];
  if (typeof mode !== 'string') files.miss(`${folder}/desc.json`, 'does not say the deployment mode');
  const versions = await readVersions(files, `${folder}/versions`);
  const owner = settings['owner'];
  return {
    language,
    name,
    deploymentMode: typeof mode === 'string' ? mode : '',
    owner: typeof owner === 'string' ? owner : null,
    settings,
    versions: mode === 'AUTOMATION_VERSIONED' || versions.length > 0 ? versions : null,
    actual,
    images: [],
  };
}

/** Versions, by the numbers in their ids: nothing on disk is known to give their order. */
async function readVersions(files: DataDirFiles, folder: string): Promise<EnvVersionReading[]> {
  const order = new Intl.Collator('en', { numeric: true });
  const versions: EnvVersionReading[] = [];
  for (const id of (await files.folders(folder)).toSorted((a, b) => order.compare(a, b))) {
    const contents = await readContents(files, `${folder}/${id}`);
    if (contents !== null) versions.push({ id, ...contents, images: [] });
  }
  return versions;
}

async function readContents(
  files: DataDirFiles,
  folder: string,
): Promise<{ readonly settings: JsonObject; readonly actual: string | null } | null> {
  const path = `${folder}/desc.json`;
  const before = files.missed;
  const flat = await files.object(path);
  if (flat === null) {
    // What DSS leaves behind where the first build of an env failed.
    if (files.missed === before) files.miss(path, 'is not there');
    return null;
  }
  const specs: [string, Json][] = [];
  for (const [key, file] of SPECS) {
    const text = await files.text(`${folder}/${file}`);
    if (text !== null) specs.push([key, text]);
  }
  const actual = await files.text(`${folder}/actual/requirements.txt`);
  return { settings: settingsOf(flat, specs), actual };
}

/** `desc.json` and the files beside it, as the API gives them: older clients wrote all of it below `desc`, which is accepted too. */
function settingsOf(flat: JsonObject, specs: readonly [string, Json][]): JsonObject {
  const { desc: inner, ...root } = flat;
  // `fromEntries` and not assignments: a key may be called `__proto__`.
  const all = Object.entries({ ...(isObject(inner) ? inner : {}), ...root });
  const desc = all.filter(([key]) => DESC.has(key));
  return Object.fromEntries([
    ...all.filter(([key]) => !DESC.has(key)),
    ...specs,
    ...(desc.length === 0 ? [] : [['desc', Object.fromEntries(desc)] as const]),
  ]);
}

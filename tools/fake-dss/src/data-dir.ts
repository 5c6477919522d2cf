/** Writes an instance the way DSS keeps it in its data directory. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FakeEnv, FakeInstance, Json, JsonObject } from './types.ts';

/** Where an automation node keeps its envs: both places occur. */
export type AutomationLayout = 'acode-envs/python/NAME/desc' | 'acode-envs/desc';

/** How it is written. */
export interface DataDirOptions {
  /** Of automation nodes; `acode-envs/python/NAME/desc`. */
  readonly layout?: AutomationLayout;
}

/** Settings that are files of their own. */
const SPECS: readonly (readonly [string, string])[] = [
  ['specPackageList', 'spec/requirements.txt'],
  ['specCondaEnvironment', 'spec/environment.spec'],
  ['resourcesInitScript', 'spec/resources_init.py'],
];

/**
 * Writes the data directory into `dir`.
 *
 * Where the true place is unknown, these were chosen: `config/clusters/ID.json`, `config/code-studio-templates/ID.json`, and `versions/ID` beside the
 * `desc.json` of a versioned env.
 */
export async function writeDataDir(instance: FakeInstance, dir: string, options: DataDirOptions = {}): Promise<void> {
  const files = new Map<string, string>([
    [
      'install.ini',
      `; made by the installer\n[general]\nnodetype = ${instance.node}\ninstallid = ${instance.installId}\n`,
    ],
    ['dss-version.json', text({ product_version: instance.version, product_commitid: '0000000' })],
    ['config/general-settings.json', text(instance.generalSettings)],
    ['run/built-base-images.json', text(instance.builtBaseImages)],
    ['run/cde-images.json', text(instance.cdeImages)],
    ['run/sanity-check.json', text({ messages: [] })],
  ]);
  for (const [id, cluster] of Object.entries(instance.clusters))
    files.set(`config/clusters/${plain(id)}.json`, text(cluster));
  for (const [id, template] of Object.entries(instance.codeStudioTemplates))
    files.set(`config/code-studio-templates/${plain(id)}.json`, text(template));
  for (const env of instance.envs) envFiles(env, folderOf(instance, env, options.layout), files);
  for (const [path, contents] of files) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), contents);
  }
}

function folderOf(instance: FakeInstance, env: FakeEnv, layout: AutomationLayout | undefined): string {
  const language = env.language.toLowerCase();
  const name = plain(env.name);
  if (instance.node === 'design') return `code-envs/desc/${language}/${name}`;
  return layout === 'acode-envs/desc' ? `acode-envs/desc/${language}/${name}` : `acode-envs/${language}/${name}/desc`;
}

function envFiles(env: FakeEnv, folder: string, files: Map<string, string>): void {
  contents(env.settings, env.actual, folder, files);
  for (const version of env.versions ?? [])
    contents(version.settings, version.actual, `${folder}/versions/${plain(version.id)}`, files);
}

/** `desc.json` is flat: what the API keeps below `desc` stands beside the rest. */
function contents(settings: JsonObject, actual: string | null, folder: string, files: Map<string, string>): void {
  const { desc, ...root } = settings;
  const flat: Record<string, Json> = { ...(isObject(desc) ? desc : {}), ...root };
  for (const [key, path] of SPECS) {
    const value = flat[key];
    if (typeof value === 'string') files.set(`${folder}/${path}`, value);
    delete flat[key];
  }
  files.set(`${folder}/desc.json`, text(flat));
  if (actual === null) return;
  files.set(`${folder}/actual/requirements.txt`, actual);
  files.set(`${folder}/actual/info.json`, text({ conda: flat['conda'] ?? false }));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A name as a part of a path; the test's author named it, so an impossible one is a mistake of the test. */
function plain(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) throw new TypeError(`no file name: ${name}`);
  return name;
}

function text(value: Json): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

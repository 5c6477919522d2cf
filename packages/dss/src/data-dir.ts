/** Reads an instance from its data directory (DIP_HOME), without DSS and without its API. */
import { readEnvs } from './data-dir-envs.ts';
import { DataDirFiles, LIMITS } from './data-dir-files.ts';
import type { InstanceReading, JsonObject, NodeType } from './reading.ts';

/** `nodetype` of `install.ini`. */
const NODES: Readonly<Record<string, NodeType>> = {
  design: 'design',
  automation: 'automation',
  api: 'api',
  apinode: 'api',
  deployer: 'deployer',
  apideployer: 'deployer',
  govern: 'govern',
};

/**
 * Reads a data directory, or a copy of a part of it: what is not there, is broken, is too large, or leads out of it by a link stands in `missing`.
 * Usages are not in it, nor what DSS remembers of the images of code envs. Rejects with a `BuildFailure` only where there is no such folder.
 */
export async function readDataDir(dir: string): Promise<InstanceReading> {
  const files = await DataDirFiles.open(dir);
  const ini = generalOf((await files.text('install.ini')) ?? '');
  const installId = ini.get('installid') ?? '';
  const known = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(installId);
  if (!known) files.miss('install.ini', 'does not say the install id');
  const product = (await files.object('dss-version.json'))?.['product_version'];
  const version = typeof product === 'string' && product !== '' ? product : null;
  if (version === null) files.miss('dss-version.json', 'does not say the version');
  const settings = 'config/general-settings.json';
  const generalSettings = await files.object(settings, LIMITS.settings);
  if (generalSettings === null) files.miss(settings, 'gave no settings: configs of containers are not known');
  const node = await nodeOf(files, ini.get('nodetype'));
  return {
    from: 'data-dir',
    place: dir,
    node,
    version,
    installId: known ? installId : null,
    generalSettings,
    clusters: await objectsOf(files, 'config/clusters'),
    envs: await readEnvs(files),
    codeStudioTemplates: await objectsOf(files, 'config/code-studio-templates'),
    builtBaseImages: (await files.json('run/built-base-images.json')) ?? null,
    cdeImages: (await files.json('run/cde-images.json')) ?? null,
    usages: null,
    missing: files.missing,
  };
}

async function nodeOf(files: DataDirFiles, type: string | undefined): Promise<NodeType> {
  if (type !== undefined && Object.hasOwn(NODES, type)) return NODES[type] ?? 'design';
  const node = (await files.folders('acode-envs')).length > 0 ? 'automation' : 'design';
  files.miss('install.ini', `does not say a known type of node: taken for ${node}`);
  return node;
}

/** One object a file, by the names of the files. */
async function objectsOf(files: DataDirFiles, folder: string): Promise<Record<string, JsonObject>> {
  const found: [string, JsonObject][] = [];
  for (const name of await files.files(folder)) {
    if (!name.endsWith('.json')) continue;
    const object = await files.object(`${folder}/${name}`);
    if (object !== null) found.push([name.slice(0, -'.json'.length), object]);
  }
  return Object.fromEntries(found);
}

/** Keys of `[general]`, in lower case. */
function generalOf(ini: string): Map<string, string> {
  const keys = new Map<string, string>();
  let section = '';
  for (const line of ini.split(/\r?\n/)) {
    const [, named] = /^\s*\[([^\]]*)\]\s*$/.exec(line) ?? [];
    if (named !== undefined) section = named.trim().toLowerCase();
    const [, key, value] = /^\s*([A-Za-z][^=:\s]*)\s*[=:](.*)$/.exec(line) ?? [];
    if (section === 'general' && key !== undefined && value !== undefined) keys.set(key.toLowerCase(), value.trim());
  }
  return keys;
}

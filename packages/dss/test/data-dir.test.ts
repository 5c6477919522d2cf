import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerConfigsOf, declarationOf, isObject, readDataDir } from '@rebake/dss';
import type { EnvReading, JsonObject } from '@rebake/dss';
import { generateInstance, writeDataDir } from '@rebake/tool-fake-dss';
import type { AutomationLayout, FakeEnv, GenerateOptions } from '@rebake/tool-fake-dss';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let top: string;
let dir: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'rebake-data-dir-'));
  dir = join(top, 'dip');
  await mkdir(dir);
});
afterEach(async () => {
  await rm(top, { recursive: true });
});

const DESIGN: GenerateOptions = { seed: 3, version: '14.3.2', node: 'design', envs: 12 };

/** Keys of settings, wherever they stand: the older clients' place is read as today's. */
function flat(settings: JsonObject): JsonObject {
  const { desc, ...root } = settings;
  return { ...(isObject(desc) ? desc : {}), ...root };
}

function facts(env: FakeEnv | EnvReading): object {
  const { language, name, deploymentMode, owner, settings, actual } = env;
  const versions =
    env.versions?.map((version) => ({ id: version.id, settings: flat(version.settings), actual: version.actual })) ??
    null;
  return { language, name, deploymentMode, owner, settings: flat(settings), actual, versions };
}

const byName = (envs: readonly (FakeEnv | EnvReading)[]): object =>
  Object.fromEntries(envs.map((env) => [`${env.language}/${env.name}`, facts(env)]));

function envOf(envs: readonly EnvReading[], name: string | undefined): EnvReading | undefined {
  return envs.find((env) => env.name === name);
}

describe('what was written is read', () => {
  const layouts: readonly AutomationLayout[] = ['acode-envs/python/NAME/desc', 'acode-envs/desc'];
  const cases = (['12.6.4', '14.3.2', '15.0.2'] as const).flatMap((version) => [
    { version, node: 'design' as const, layout: layouts[0] },
    ...layouts.map((layout) => ({ version, node: 'automation' as const, layout })),
  ]);

  test.each(cases)('$version, $node, $layout', async ({ version, node, layout }) => {
    const instance = generateInstance({ seed: 7, version, node, envs: 60 });
    await writeDataDir(instance, dir, layout === undefined ? {} : { layout });
    const reading = await readDataDir(dir);
    expect(reading.missing).toEqual([]);
    expect(reading).toMatchObject({ from: 'data-dir', place: dir, node, version, installId: instance.installId });
    expect(reading.generalSettings).toEqual(instance.generalSettings);
    expect(reading.clusters).toEqual(instance.clusters);
    expect(reading.codeStudioTemplates).toEqual(instance.codeStudioTemplates);
    expect(reading.builtBaseImages).toEqual(instance.builtBaseImages);
    expect(reading.cdeImages).toEqual(instance.cdeImages);
    expect(reading.envs).toHaveLength(60);
    expect(byName(reading.envs)).toEqual(byName(instance.envs));
  });

  test('the settings have the shape of the API: what is about containers at the root, the interpreter below `desc`', async () => {
    const instance = generateInstance({ ...DESIGN, envs: 40 });
    await writeDataDir(instance, dir);
    const { envs } = await readDataDir(dir);
    expect(
      instance.envs.filter((env) => isObject(env.settings['desc']) && 'allContainerConfs' in env.settings['desc']),
    ).not.toEqual([]);
    for (const { language, settings } of envs) {
      expect(typeof settings['allContainerConfs']).toBe('boolean');
      expect(typeof settings['specPackageList']).toBe('string');
      expect(settings['desc']).not.toHaveProperty('allContainerConfs');
      expect(isObject(settings['desc']) && 'pythonInterpreter' in settings['desc']).toBe(language === 'PYTHON');
    }
  });

  test('versions are in the order of their numbers, the newest last', async () => {
    await writeDataDir(generateInstance({ ...DESIGN, node: 'automation' }), dir);
    const long = (await readDataDir(dir)).envs.find((env) => (env.versions?.length ?? 0) > 9);
    expect(long?.versions?.map(({ id }) => id)).toEqual(long?.versions?.map((_, index) => `v${index + 1}`));
  });

  test('a reading of a data directory can be declared, with a config for each cluster that overrides it', async () => {
    const instance = generateInstance(DESIGN);
    await writeDataDir(instance, dir);
    const reading = await readDataDir(dir);
    expect(containerConfigsOf(reading).map(({ name, cluster }) => [name, cluster])).toContainEqual(['cpu', 'aks-west']);
    const { sections } = declarationOf(reading, { name: 'main', live: null });
    expect(Object.keys(sections.codeEnvs ?? {})).toHaveLength(12);
  });
});

describe('an instance is made of its seed', () => {
  test('the same seed gives the same instance, another one another', () => {
    const options = { ...DESIGN, envs: 60 };
    expect(generateInstance(options)).toEqual(generateInstance(options));
    expect(generateInstance({ ...options, seed: 4 }).envs).not.toEqual(generateInstance(options).envs);
  });

  test('more envs change none of the first ones', () => {
    expect(generateInstance({ ...DESIGN, envs: 60 }).envs.slice(0, 12)).toEqual(generateInstance(DESIGN).envs);
  });

  test.each(['design', 'automation'] as const)('%s: all kinds are there', (node) => {
    const { envs } = generateInstance({ seed: 1, version: '14.3.2', node, envs: 120 });
    const all = envs.flatMap((env) => env.versions?.map(({ settings }) => flat(settings)) ?? [flat(env.settings)]);
    const having = (key: string): number => all.filter((settings) => key in settings).length;
    expect(new Set(envs.map(({ name }) => name)).size).toBe(120);
    expect(new Set(envs.map(({ language }) => language))).toEqual(new Set(['PYTHON', 'R']));
    expect(envs.some(({ name }) => /[^\w.-]/.test(name))).toBe(true);
    expect(all.map((settings) => settings['pythonInterpreter'])).toEqual(
      expect.arrayContaining(['PYTHON27', 'CUSTOM']),
    );
    for (const key of ['AtStart', 'BeforePackages', 'AfterCondaPackages', 'AfterPackages', 'AtEnd'])
      expect(having(`dockerfile${key}`)).toBeGreaterThan(0);
    expect(having('resourcesInitScript')).toBeGreaterThan(0);
    expect(having('keyOfALaterRelease')).toBeGreaterThan(0);
    expect(new Set(envs.map(({ deploymentMode }) => deploymentMode)).size).toBe(node === 'design' ? 7 : 5);
  });
});

describe('what is broken stands in `missing`, and the rest is read', () => {
  let folder: string;
  let name: string | undefined;
  beforeEach(async () => {
    const instance = generateInstance(DESIGN);
    await writeDataDir(instance, dir);
    name = instance.envs[0]?.name;
    folder = join(dir, 'code-envs/desc/python', name ?? '');
  });

  test('JSON that is none: its text is not repeated', async () => {
    await writeFile(join(folder, 'desc.json'), '{"apiKey": "s3cret", ');
    await writeFile(join(dir, 'config/general-settings.json'), '["s3cret"]');
    const { envs, generalSettings, missing } = await readDataDir(dir);
    expect(envs).toHaveLength(11);
    expect(envOf(envs, name)).toBeUndefined();
    expect(generalSettings).toBeNull();
    expect(missing).toEqual([
      `${JSON.stringify(`code-envs/desc/python/${name}/desc.json`)} is no JSON.`,
      '"config/general-settings.json" gave no settings: configs of containers are not known.',
      '"config/general-settings.json" is no JSON object.',
    ]);
  });

  test('links out of the directory are not followed, links within are', async () => {
    await writeFile(join(top, 'requirements.txt'), 'password\n');
    await rm(join(folder, 'spec/requirements.txt'));
    await symlink(join(top, 'requirements.txt'), join(folder, 'spec/requirements.txt'));
    await rm(join(folder, 'actual'), { recursive: true });
    await symlink('../../../../..', join(folder, 'actual'));
    await mkdir(join(top, 'dip-other/spec'), { recursive: true });
    await writeFile(join(top, 'dip-other/desc.json'), '{"deploymentMode": "DESIGN_MANAGED"}');
    await symlink(join(top, 'dip-other'), join(dir, 'code-envs/desc/python/elsewhere'));
    await symlink(name ?? '', join(dir, 'code-envs/desc/python/alias'));
    const { envs, missing } = await readDataDir(dir);
    expect(envOf(envs, name)?.settings).not.toHaveProperty('specPackageList');
    expect(envOf(envs, name)?.actual).toBeNull();
    expect(envOf(envs, 'elsewhere')).toBeUndefined();
    expect(envOf(envs, 'alias')?.settings).toEqual(envOf(envs, name)?.settings);
    expect(JSON.stringify(envs)).not.toContain('password');
    expect(missing).toEqual(
      expect.arrayContaining([
        '"code-envs/desc/python/elsewhere/desc.json" leads out of the data directory.',
        `${JSON.stringify(`code-envs/desc/python/${name}/spec/requirements.txt`)} leads out of the data directory.`,
        `${JSON.stringify(`code-envs/desc/python/${name}/actual/requirements.txt`)} leads out of the data directory.`,
      ]),
    );
  });

  test('a folder, a pipe and a link to itself in place of a file', async () => {
    await rm(join(folder, 'spec/requirements.txt'));
    await mkdir(join(folder, 'spec/requirements.txt'));
    await rm(join(folder, 'actual/requirements.txt'));
    execFileSync('mkfifo', [join(folder, 'actual/requirements.txt')]);
    await rm(join(dir, 'run/cde-images.json'));
    await symlink('cde-images.json', join(dir, 'run/cde-images.json'));
    const { missing, cdeImages } = await readDataDir(dir);
    expect(cdeImages).toBeNull();
    expect(missing).toEqual([
      `${JSON.stringify(`code-envs/desc/python/${name}/actual/requirements.txt`)} is no file.`,
      `${JSON.stringify(`code-envs/desc/python/${name}/spec/requirements.txt`)} is no file.`,
      '"run/cde-images.json" cannot be read (ELOOP).',
    ]);
  });

  test('files that are too large, or no text', async () => {
    await truncate(join(folder, 'spec/requirements.txt'), 2 ** 40);
    await appendFile(join(folder, 'actual/requirements.txt'), Uint8Array.of(0xe4, 0x0a));
    const { envs, missing } = await readDataDir(dir);
    expect(envOf(envs, name)?.settings).not.toHaveProperty('specPackageList');
    expect(missing).toEqual([
      `${JSON.stringify(`code-envs/desc/python/${name}/actual/requirements.txt`)} is not UTF-8.`,
      `${JSON.stringify(`code-envs/desc/python/${name}/spec/requirements.txt`)} is larger than 1048576 bytes.`,
    ]);
  });

  test('all files together have a limit too', async () => {
    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const file = join(dir, `config/clusters/c${index}.json`);
        await writeFile(file, '{}');
        await truncate(file, 1024 * 1024);
      }),
    );
    const { missing } = await readDataDir(dir);
    expect(missing.filter((line) => line.includes('have been read before it')).length).toBeGreaterThan(40);
  });

  test('an env whose build failed has no `desc.json`, and names cannot disturb a terminal', async () => {
    await mkdir(join(dir, 'code-envs/desc/python/fa\u001B[31miled\n'));
    await writeFile(join(dir, 'code-envs/desc/python/.DS_Store'), '');
    const { envs, missing } = await readDataDir(dir);
    expect(envs).toHaveLength(12);
    expect(missing).toEqual([String.raw`"code-envs/desc/python/fa\u001b[31miled\n/desc.json" is not there.`]);
  });

  test('keys named as those of every object stay keys', async () => {
    const text = '{"deploymentMode": "DESIGN_MANAGED", "__proto__": {"owner": "mallory"}, "constructor": 1}';
    await writeFile(join(folder, 'desc.json'), text);
    const env = envOf((await readDataDir(dir)).envs, name);
    expect(env?.owner).toBeNull();
    expect(Object.keys(env?.settings ?? {})).toEqual(expect.arrayContaining(['__proto__', 'constructor']));
  });

  test('a settings key of the older place does not hide one of today', async () => {
    const text =
      '{"deploymentMode": "DESIGN_MANAGED", "allContainerConfs": true, "desc": {"allContainerConfs": false, "conda": true}}';
    await writeFile(join(folder, 'desc.json'), text);
    const settings = envOf((await readDataDir(dir)).envs, name)?.settings;
    expect(settings).toMatchObject({ allContainerConfs: true, desc: { conda: true } });
  });
});

test('one env in both places of an automation node: the first one counts', async () => {
  const instance = generateInstance({ ...DESIGN, node: 'automation', envs: 1 });
  await writeDataDir(instance, dir, { layout: 'acode-envs/desc' });
  await writeDataDir(instance, dir);
  const { envs, missing } = await readDataDir(dir);
  expect(envs).toHaveLength(1);
  expect(missing).toEqual([expect.stringContaining('is a second code env of that name')]);
});

test('a part of a data directory says what it does not have', async () => {
  await mkdir(join(dir, 'acode-envs/python/glm/desc/spec'), { recursive: true });
  await writeFile(join(dir, 'acode-envs/python/glm/desc/desc.json'), '{}');
  await writeFile(join(dir, 'acode-envs/python/glm/desc/spec/requirements.txt'), 'pandas');
  await writeFile(join(dir, 'install.ini'), '[other]\nnodetype = govern\n[general]\ninstallid = ../../x\n');
  const reading = await readDataDir(dir);
  expect(reading).toMatchObject({ node: 'automation', version: null, installId: null, generalSettings: null });
  expect(reading.envs).toMatchObject([{ name: 'glm', deploymentMode: '', settings: { specPackageList: 'pandas' } }]);
  expect(reading.missing).toEqual([
    '"acode-envs/python/glm/desc/desc.json" does not say the deployment mode.',
    '"config/general-settings.json" gave no settings: configs of containers are not known.',
    '"dss-version.json" does not say the version.',
    '"install.ini" does not say a known type of node: taken for automation.',
    '"install.ini" does not say the install id.',
  ]);
});

test.each(['not-there', 'file'])('no folder: %s', async (name) => {
  await writeFile(join(dir, 'file'), '');
  await expect(readDataDir(join(dir, name))).rejects.toMatchObject({ error: { code: 'DSS_DATA_DIR', retry: 'never' } });
  expect(await readdir(dir)).toEqual(['file']);
});

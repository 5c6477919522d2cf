/** `rebake import dss`: made-up instances of every kind become declarations that validate and plan; a second import keeps what people wrote. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateInstance, startFakeDss, writeDataDir, type GenerateOptions } from '@rebake/tool-fake-dss';
import { testRegistry } from './registry.ts';
import { rig, type Rig } from './rig.ts';

const SMALL: GenerateOptions = { seed: 3, version: '14.3.2', node: 'design', envs: 13 };

async function imported(options: GenerateOptions): Promise<Rig> {
  const project = rig({});
  await writeDataDir(generateInstance(options), project.path('data'));
  const ran = await project.rebake('import dss --data-dir data --name main');
  expect(ran).toMatchObject({ code: 0, err: '' });
  return project;
}

describe('a first import', () => {
  it.each([
    { ...SMALL, version: '12.6.4', seed: 1, envs: 150 },
    { ...SMALL, version: '14.3.2', seed: 2, envs: 150, node: 'automation' },
    { ...SMALL, version: '15.0.2', seed: 3, envs: 150 },
  ] as const)('makes a declaration that validates and plans: DSS $version, $node', async (options) => {
    await using registry = await testRegistry();
    const { generalSettings, clusters, ...instance } = generateInstance(options);
    // All registries of the instance become one that exists, and the bases that DSS has made are there.
    const here = <T>(value: T): T =>
      JSON.parse(
        JSON.stringify(value).replaceAll(/(?:registry|acr|west|\d+\.dkr[a-z0-9.-]*)\.example\.com/g, registry.host),
      ) as T;
    using project = rig({});
    const data = { ...instance, generalSettings: here(generalSettings), clusters: here(clusters) };
    await writeDataDir(data, project.path('data'));
    expect(await project.rebake('import dss --data-dir data --name main')).toMatchObject({ code: 0, err: '' });
    const images = project.read('rebake.yaml').matchAll(/image: [\d.:]+\/(?<repository>\S+):(?<tag>\S+)/g);
    for (const { groups } of images) registry.put(groups?.['repository'] ?? '', groups?.['tag'] ?? '', {});
    expect((await project.rebake('validate')).code).toBe(0);
    const { code, out, err } = await project.rebake('plan');
    expect({ code, errors: err.match(/.*error\[.*/g) }).toEqual({ code: 0, errors: null });
    expect(out).toMatch(/├─ env\/\S+ +build/);
    expect(out).not.toContain('blocked');
  });

  it('writes nothing when it only shows, and lists what has no place', async () => {
    using project = rig({});
    await writeDataDir(generateInstance(SMALL), project.path('data'));
    const { code, out } = await project.rebake('import dss --data-dir data --dry-run');
    expect(code).toBe(0);
    expect(out).toContain('  generalSettings.limits: not about images of code envs\n');
    expect(out).toMatch(/\nWould write rebake\.yaml and \d+ other files\n$/);
    expect(existsSync(project.path('rebake.yaml'))).toBe(false);
  });

  it('is refused where there is no data directory, and for names that lead elsewhere', async () => {
    using project = rig({ 'data/x': '' });
    expect(await project.rebake('import dss --data-dir gone')).toMatchObject({ code: 1, out: '' });
    const named = await project.rebake('import dss --data-dir data --name ../x');
    expect(named.code).toBe(1);
    expect(named.err).toContain('`../x` is no name');
  });
});

describe('a second import', () => {
  it('says that nothing differs', async () => {
    using project = await imported(SMALL);
    const { out } = await project.rebake('import dss --data-dir data --name main');
    expect(out).toMatch(/\nNothing to write\.\n$/);
  });

  it('shows each field that differs, and changes only what nobody edited, when asked', async () => {
    using project = await imported(SMALL);
    const instance = generateInstance(SMALL);
    const [first] = instance.envs;
    const edited = project.read('rebake.yaml').replace('release:', '# ours\nrelease:').replace('14.3.2', '14.3.9');
    project.write('rebake.yaml', edited);
    const envs = instance.envs.map((env) =>
      env === first ? { ...env, owner: 'somebody', settings: { ...env.settings, owner: 'somebody' } } : env,
    );
    await writeDataDir({ ...instance, version: '14.4.0', envs }, project.path('new'));
    const command = 'import dss --data-dir new --name main';
    const shown = await project.rebake(command);
    expect(shown.out).toMatch(/\n {2}~ release\.version: 14\.3\.9 → 14\.4\.0 \(edited by hand: stays\)\n/);
    expect(shown.out).toMatch(/\n {2}[+~] codeEnvs\.\S+\.owner: .*somebody\n/);
    expect(shown.out).toMatch(/\nNothing was written: --update does\.\n$/);
    expect(project.read('rebake.yaml')).toBe(edited);

    expect((await project.rebake(`${command} --update`)).code).toBe(0);
    const text = project.read('rebake.yaml');
    expect(text).toContain('# ours\nrelease:\n  version: 14.3.9\n');
    expect(text).toContain('owner: somebody');
    expect((await project.rebake('validate')).code).toBe(0);
    const { out } = await project.rebake(`${command} --json`);
    const { differences } = JSON.parse(out) as { differences: { where: string; byHand: boolean }[] };
    expect(differences.map(({ where, byHand }) => [where, byHand])).toEqual([['release.version', true]]);
  });

  it('never writes over a file that somebody else made', async () => {
    using project = rig({ 'rebake.yaml': 'version: 1\nrelease: { version: 13.0.0 }\n' });
    await writeDataDir(generateInstance(SMALL), project.path('data'));
    const before = project.read('rebake.yaml');
    expect((await project.rebake('import dss --data-dir data')).out).toContain('~ release.version: 13.0.0 → 14.3.2');
    expect(project.read('rebake.yaml')).toBe(before);
    await project.rebake('import dss --data-dir data --update');
    expect(project.read('rebake.yaml')).toContain('version: 13.0.0');
    expect(project.read('rebake.yaml')).toContain('codeEnvs:');
  });

  it('writes nothing at all where a field has no place in the file', async () => {
    using project = rig({ 'rebake.yaml': 'version: 1\nrelease: { version: 14.3.2 }\ncodeEnvs: 7\n' });
    await writeDataDir(generateInstance(SMALL), project.path('data'));
    const { code, err } = await project.rebake('import dss --data-dir data --update');
    expect(code).toBe(1);
    expect(err).toContain('cannot be set: what holds it is not written as a mapping');
    expect(existsSync(project.path('envs'))).toBe(false);
  });
});

describe('an import by the API', () => {
  it('asks for what it needs, says each call, changes nothing, and gives what the data directory gives', async () => {
    const instance = generateInstance(SMALL);
    const dss = await startFakeDss(instance);
    try {
      using project = rig({ 'key.txt': `${dss.apiKey}\n` });
      const flags = `--url ${dss.url} --api-key-file key.txt --dss-version 14.3.2`;
      const ran = await project.rebake(`import dss ${flags} --name main`);
      expect(ran.code).toBe(0);
      const told = ran.err.trim().split('\n');
      expect(told).toHaveLength(dss.calls.length);
      expect(told.every((line) => /^GET \/dip\/publicapi\/\S+ 200$/.test(line))).toBe(true);
      expect(`${ran.out}${ran.err}${project.read('rebake.yaml')}`).not.toContain(dss.apiKey);
      expect((await project.rebake('validate')).code).toBe(0);

      using other = await imported(SMALL);
      const names = (text: string) => new Set([...text.matchAll(/^ {2}(\S+):$/gm)].map(([, name]) => name));
      expect(names(project.read('rebake.yaml'))).toEqual(names(other.read('rebake.yaml')));
    } finally {
      await dss.close();
    }
  });

  it.each([
    ['--url http://127.0.0.1:1', '--api-key-file <file>'],
    ['--url http://127.0.0.1:1 --api-key-file key.txt', '--dss-version <version>'],
    ['--url http://127.0.0.1:1 --data-dir data', 'exclude each other'],
    ['--name main', "'--data-dir <dir>' or '--url <url>'"],
  ])('refuses %s', async (flags, words) => {
    using project = rig({});
    const ran = await project.rebake(`import dss ${flags}`);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(words);
  });
});

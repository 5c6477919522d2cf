/** Options of `build-base-image` as fields of a base: what they put into its spec and its ledger. */
import { join } from 'node:path';
import { renderDockerfile } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { declaration, imageOf, ledgerOf, rig } from './rig-expand.ts';

const GROUND = { parent: 'base:rebake-1', froms: {} };

const bases = (python: string, more = ''): string =>
  declaration({
    baseImages: `{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"], ${python} }${more} }`,
  });

describe('copyToBuildenv', () => {
  const config = bases(
    'fragments: { append: "COPY opt/ /opt/x/", files: [certs] }, copyToBuildenv: [{ from: files, to: opt }, { from: a.txt, to: opt/b.txt }, { from: a.txt, to: opt/in/ }]',
  );
  const files = { 'rebake.yaml': config, 'files/deep/one.txt': 'one', 'a.txt': 'a', 'certs/ca.pem': 'ca' };

  it('brings files into the build context under other paths, from where they lie', async () => {
    const { root, expansion, diagnostics } = await rig(files);
    expect(diagnostics).toEqual([]);
    const { spec } = imageOf(expansion, 'base/python#linux/amd64');
    const context = renderDockerfile(spec, GROUND).files.flatMap((file) =>
      'source' in file ? [[file.path, file.source.replace(root, '')]] : [],
    );
    expect(context).toEqual([
      ['certs/ca.pem', '/certs/ca.pem'],
      ['opt/b.txt', '/a.txt'],
      ['opt/deep/one.txt', '/files/deep/one.txt'],
      ['opt/in/a.txt', '/a.txt'],
    ]);
  });

  it('counts by the path in the context and by content, and not by where the files lie', async () => {
    const before = ledgerOf(imageOf((await rig(files)).expansion, 'base/python#linux/amd64'));
    expect(Object.keys(before).filter((key) => key.startsWith('fragment-files/'))).toEqual([
      'fragment-files/certs/ca.pem',
      'fragment-files/opt/b.txt',
      'fragment-files/opt/deep/one.txt',
      'fragment-files/opt/in/a.txt',
    ]);
    const { 'files/deep/one.txt': one, ...others } = files;
    const moved = {
      ...others,
      'moved/deep/one.txt': one,
      'rebake.yaml': config.replace('from: files,', 'from: moved,'),
    };
    expect(ledgerOf(imageOf((await rig(moved)).expansion, 'base/python#linux/amd64'))).toEqual(before);
    const changed = ledgerOf(
      imageOf((await rig({ ...files, 'files/deep/one.txt': 'two' })).expansion, 'base/python#linux/amd64'),
    );
    expect(Object.keys(changed).filter((key) => changed[key] !== before[key])).toEqual([
      'fragment-files/opt/deep/one.txt',
    ]);
  });

  it('is no file of its own where no instruction could copy it', async () => {
    const { expansion } = await rig({
      'rebake.yaml': bases('copyToBuildenv: [{ from: a.txt, to: b.txt }]'),
      'a.txt': 'a',
    });
    const inputs = Object.keys(ledgerOf(imageOf(expansion, 'base/python#linux/amd64')));
    expect(inputs.filter((key) => key.startsWith('fragment-files/'))).toEqual([]);
  });
});

describe('packages of a base on another base', () => {
  const config = (packages: string): string =>
    bases('packages: [numpy]', `, more: { type: container-exec, from: { base: python }, packages: [${packages}] }`);

  it('are added to the environment of the base below, and nothing else is', async () => {
    const { expansion, diagnostics } = await rig({ 'rebake.yaml': config('"pandas==2.2.2", scipy') });
    expect(diagnostics).toEqual([]);
    const image = imageOf(expansion, 'base/more#linux/amd64');
    expect(image.parents).toEqual(['base/python#linux/amd64']);
    expect(image.spec.steps).toEqual([
      {
        step: 'python-env',
        prefix: '/opt/dataiku/pyenv',
        interpreter: '3.11',
        packages: { requirements: ['pandas==2.2.2', 'scipy'] },
        bytecode: true,
      },
    ]);
    expect(Object.keys(image.inputs).filter((key) => key.startsWith('packages/'))).toEqual([
      'packages/pandas',
      'packages/scipy',
    ]);
  });

  it('do not make the base below stale', async () => {
    const below = async (packages: string): Promise<unknown> =>
      ledgerOf(imageOf((await rig({ 'rebake.yaml': config(packages) })).expansion, 'base/python#linux/amd64'));
    expect(await below('scipy')).toEqual(await below('pandas'));
  });
});

describe('types', () => {
  const specs = async (type: string) => {
    const config = declaration({
      baseImages: `{ python: { type: ${type}, from: { image: "debian:12" }, python: ["3.11"] } }`,
    });
    return imageOf((await rig({ 'rebake.yaml': config })).expansion, 'base/python#linux/amd64');
  };

  it.each(['cde', 'spark', 'api-deployer'])(
    '%s keeps the entrypoint of what it starts from, and counts',
    async (type) => {
      const [exec, other] = [await specs('container-exec'), await specs(type)];
      const { entrypoint, ...rest } = exec.spec;
      expect(entrypoint).toEqual(['/opt/dataiku/bin/python', '-m', 'dataiku.container.runner']);
      expect(other.spec).toEqual(rest);
      const { type: counted, ...same } = ledgerOf(other);
      expect(counted).toBeDefined();
      expect(same).toEqual(ledgerOf(exec));
    },
  );
});

describe('as a Dockerfile', () => {
  const files = {
    'rebake.yaml': bases(
      'fragments: { append: "COPY opt/ /opt/x/" }, copyToBuildenv: [{ from: a.txt, to: opt/b.txt }]',
      ', more: { type: container-exec, from: { base: python }, packages: [scipy], systemPackages: [libgomp1] }, spark: { type: spark, from: { image: "almalinux:9" }, python: ["3.11"], distribution: almalinux9, systemPackages: [libgomp] }',
    ),
    'a.txt': 'a',
  };

  it.each(['python', 'more', 'spark'])('%s', async (name) => {
    const { spec } = imageOf((await rig(files)).expansion, `base/${name}#linux/amd64`);
    const { dockerfile } = renderDockerfile(spec, GROUND);
    await expect(dockerfile).toMatchFileSnapshot(join(import.meta.dirname, `goldens/base-${name}.txt`));
  });
});

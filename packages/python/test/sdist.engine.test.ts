// Source archives: built to wheels by uv and by pip, with what they need from this machine's index.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LockedFile, LockedPackage } from '@rebake/image';
import { buildSdist, pythonEnvLayers, type Means } from '../src/index.ts';
import { createRig, failureOf, request, type Rig } from './support/rig.ts';
import { pythonTools } from './support/tools.ts';

const tool = () => ({ path: pythonTools().uv, env: process.env });

let rig: Rig;
let means: Means;
beforeEach(() => {
  rig = createRig();
  means = { ...rig.means, env: process.env, uv: async () => Promise.resolve(tool()) };
});
afterEach(async () => rig.close());

const PROJECT = `[build-system]
requires = ["setuptools>=64"]
build-backend = "setuptools.build_meta"
[project]
name = "rebake-source"
version = "1.0"
[project.scripts]
rebake-source = "rebake_source:main"
[tool.setuptools]
py-modules = ["rebake_source"]
`;

function sdist(files: Readonly<Record<string, string>>): LockedFile {
  const folder = join(rig.dir, 'rebake_source-1.0');
  mkdirSync(folder);
  const all = {
    'PKG-INFO': 'Metadata-Version: 2.1\nName: rebake-source\nVersion: 1.0\n',
    'pyproject.toml': PROJECT,
    'rebake_source.py': 'def main():\n    print("built")\n',
    ...files,
  };
  for (const [name, content] of Object.entries(all)) writeFileSync(join(folder, name), content);
  const archive = join(rig.dir, 'rebake_source-1.0.tar.gz');
  execFileSync('tar', ['-czf', archive, '-C', rig.dir, 'rebake_source-1.0']);
  const bytes = readFileSync(archive);
  return {
    name: 'rebake_source-1.0.tar.gz',
    url: pathToFileURL(archive).href,
    size: bytes.length,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  };
}

const lockOf = (file: LockedFile): LockedPackage => ({
  name: 'rebake-source',
  version: '1.0',
  marker: null,
  direct: false,
  wheels: [],
  sdist: file,
});

const COMPILED = {
  'setup.py':
    'from setuptools import setup, Extension\nsetup(ext_modules=[Extension("rebake_native", ["native.c"])])\n',
  'native.c':
    '#include <Python.h>\nstatic struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "rebake_native"};\nPyMODINIT_FUNC PyInit_rebake_native(void) { return PyModule_Create(&m); }\n',
};

test.each(['uv', 'pip'])('one of Python alone becomes a wheel by %s, once, and part of an environment', async (by) => {
  const { uv, ...withoutUv } = means;
  const own: Means = by === 'uv' && uv !== undefined ? { ...withoutUv, uv } : withoutUv;
  const file = sdist({});
  const layers = await pythonEnvLayers(request([lockOf(file)]), own);
  const items = await rig.read(layers);
  expect(items.get('opt/env/lib/python3.11/site-packages/rebake_source.py')?.content.toString()).toContain('built');
  expect(items.get('opt/env/bin/rebake-source')?.content.toString()).toContain('from rebake_source import main');
  const again = await buildSdist(file, '3.11', {
    ...own,
    env: { PATH: '/nowhere' },
    uv: async () => Promise.reject(new Error('not again')),
  });
  expect(again).toMatchObject({ pure: true, name: 'rebake_source-1.0-py3-none-any.whl' });
});

test('one that has to be compiled is told from others, and refused by its name', async () => {
  const file = sdist(COMPILED);
  expect(await buildSdist(file, '3.11', means)).toMatchObject({ pure: false });
  const failed = await failureOf(pythonEnvLayers(request([lockOf(file)]), means));
  expect(failed).toMatch(
    /^SDIST_COMPILES: rebake-source is there as source only, and has to be compiled \(it became rebake_source-1\.0-cp3/,
  );
});

test('a build that fails is told in the words of what builds', async () => {
  const file = sdist({ 'setup.py': 'raise SystemExit("the moon is not full")\n' });
  const failed = await failureOf(buildSdist(file, '3.11', means));
  expect(failed).toMatch(/^SDIST_FAILED: rebake_source-1\.0\.tar\.gz cannot be built: /);
  expect(failed).toContain('the moon is not full');
});

test('a build ends when it is aborted', async () => {
  const file = sdist({ 'setup.py': 'import time\ntime.sleep(600)\n' });
  const stop = new AbortController();
  const building = buildSdist(file, '3.11', {
    ...means,
    signal: stop.signal,
    uv: async () => Promise.resolve(tool()).finally(() => setImmediate(() => stop.abort(new Error('enough')))),
  });
  await expect(building).rejects.toThrow('enough');
});

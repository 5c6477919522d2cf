// Each rule on a repository of a few files: what it lets pass, and what it finds.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { cycles } from '../src/rules/cycles.ts';
import { dependencies } from '../src/rules/dependencies.ts';
import { direction } from '../src/rules/direction.ts';
import { hosts } from '../src/rules/hosts.ts';
import { sizes } from '../src/rules/sizes.ts';
import { readWorkspace, type Finding, type Workspace } from '../src/workspace.ts';

const roots: string[] = [];
afterEach(() => roots.splice(0).forEach((root) => rmSync(root, { recursive: true })));

/** A workspace of the packages image, sdk, rebake and plugins/docker with these files on top. */
function workspaceOf(files: Readonly<Record<string, string>>): Workspace {
  const root = mkdtempSync(join(tmpdir(), 'rebake-lint-'));
  roots.push(root);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('package.json', JSON.stringify({ name: 'root', workspaces: ['packages/*', 'plugins/*'] }));
  for (const [folder, name] of [
    ['packages/image', '@rebake/image'],
    ['packages/sdk', '@rebake/sdk'],
    ['packages/rebake', '@rebake/rebake'],
    ['plugins/docker', '@rebake/plugin-docker'],
  ] as const) {
    write(`${folder}/package.json`, JSON.stringify({ name, exports: { '.': { '@rebake/source': './src/index.ts' } } }));
    write(`${folder}/src/index.ts`, 'export {};\n');
    mkdirSync(join(root, 'node_modules/@rebake'), { recursive: true });
    symlinkSync(`../../${folder}`, join(root, 'node_modules/@rebake', basename(name)));
  }
  for (const [path, text] of Object.entries(files)) write(path, text);
  write('.gitignore', 'node_modules\n');
  execFileSync('git', ['init', '-q'], { cwd: root });
  return readWorkspace(root);
}

const said = (findings: readonly Finding[]): string[] =>
  findings.map(({ file, line, message }) => `${file}:${line ?? ''} ${message}`);

test('an import along the rule passes', () => {
  const files = { 'packages/sdk/src/index.ts': "export * from '@rebake/image';\n" };
  expect(said(direction(workspaceOf(files)))).toEqual([]);
});

test('an import against the rule is found, be it a re-export, a type, lazy or in a test', () => {
  const files = {
    'packages/image/src/a.ts': "\nexport type { A } from '@rebake/sdk';\n",
    'packages/image/src/b.ts': "export const b = () => import('@rebake/sdk');\n",
    'packages/image/test/c.test.ts': "import '@rebake/sdk';\n",
  };
  expect(said(direction(workspaceOf(files)))).toEqual([
    'packages/image/src/a.ts:2 @rebake/image must not import @rebake/sdk',
    'packages/image/src/b.ts:1 @rebake/image must not import @rebake/sdk',
    'packages/image/test/c.test.ts:1 @rebake/image must not import @rebake/sdk',
  ]);
});

test('a path into another package, and one that exports does not offer, are found', () => {
  const files = {
    'packages/sdk/src/a.ts': "import '../../image/src/index.ts';\n",
    'packages/sdk/src/b.ts': "import '@rebake/image/src/index.ts';\n",
  };
  expect(said(direction(workspaceOf(files)))).toEqual([
    'packages/sdk/src/a.ts:1 "../../image/src/index.ts" reaches into @rebake/image',
    'packages/sdk/src/b.ts:1 "@rebake/image/src/index.ts" leads nowhere',
  ]);
});

test('plugins are named by the table of built-ins alone, and lazily', () => {
  const plugin = "'@rebake/plugin-docker'";
  const files = {
    'packages/rebake/src/builders.ts': `export const docker = () => import(${plugin});\n`,
    'packages/rebake/src/index.ts': `export const docker = () => import(${plugin});\n`,
  };
  const message = '@rebake/plugin-docker is not imported lazily by packages/rebake/src/builders.ts';
  expect(said(direction(workspaceOf(files)))).toEqual([`packages/rebake/src/index.ts:1 ${message}`]);
  const eager = { 'packages/rebake/src/builders.ts': `import ${plugin};\n` };
  expect(said(direction(workspaceOf(eager)))).toEqual([`packages/rebake/src/builders.ts:1 ${message}`]);
});

test('a package of which no module is seen is a finding, not a pass', () => {
  const workspace = workspaceOf({});
  const modules = workspace.modules.filter(({ package: { name } }) => name !== '@rebake/sdk');
  expect(said(direction({ ...workspace, modules }))).toEqual([
    'packages/sdk/package.json: no module of @rebake/sdk was seen',
  ]);
});

test('undeclared and unused dependencies are found', () => {
  const manifest = { name: '@rebake/sdk', dependencies: { zod: '4', yaml: '2' } };
  const files = {
    'packages/sdk/package.json': JSON.stringify(manifest),
    'packages/sdk/src/index.ts': "import 'yaml';\nimport '@rebake/image';\n",
  };
  expect(said(dependencies(workspaceOf(files)))).toEqual([
    'packages/sdk/src/index.ts:2 imports @rebake/image, which packages/sdk/package.json does not declare',
    'packages/sdk/package.json: declares zod, which nothing in it imports',
  ]);
});

test('a cycle is found once, and a lazy import closes none', () => {
  const files = {
    'packages/image/src/a.ts': "import './b.ts';\n",
    'packages/image/src/b.ts': "import type { A } from './a.ts';\nexport type B = A;\n",
    'packages/image/src/c.ts': "export const d = () => import('./d.ts');\n",
    'packages/image/src/d.ts': "import './c.ts';\n",
  };
  expect(said(cycles(workspaceOf(files)))).toEqual([
    'packages/image/src/a.ts: import cycle: packages/image/src/a.ts → packages/image/src/b.ts → packages/image/src/a.ts',
  ]);
});

test('a long file is found, a long test is not', () => {
  const long = '// line\n'.repeat(401);
  const short = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`packages/sdk/src/short${i}.ts`, '// line\n']));
  const files = { ...short, 'packages/image/src/a.ts': long, 'packages/image/test/a.test.ts': long };
  expect(said(sizes(workspaceOf(files)))).toEqual(['packages/image/src/a.ts: 401 lines, more than 400']);
});

test('the host of the registry that npm uses here is found', () => {
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  const files = { 'docs/a.md': `\nsee ${registry}\n` };
  expect(said(hosts(workspaceOf(files)))).toEqual(['docs/a.md:2 names the host of a package registry']);
});

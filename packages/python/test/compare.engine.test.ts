// An environment of ours beside the one that uv installs from the same wheels: every file, and every difference with its reason.
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonEnvLayers } from '../src/index.ts';
import { createRig, request, type Item, type Rig } from './support/rig.ts';
import { downloadWheels, hostFs, hostPython, pythonTools } from './support/tools.ts';
import { makeWheel, wheelFileName } from './support/wheel.ts';

/**
 * Scripts and entry points (flask, httpx, jupyter_core), data (jupyter_core), headers (greenlet), a namespace (zope.interface), a `.pth` file
 * (zope, setuptools), a compiled one for one Python and one for abi3, a module that is one file (six), files that do not compile (none fails).
 */
const PACKAGES = [
  'flask',
  'zope.interface',
  'greenlet',
  'jupyter_core',
  'six',
  'setuptools',
  'cryptography',
  'numpy',
  'pip',
  'jedi',
];

const python = hostPython();
const site = `lib/python${python.version}/site-packages`;

let rig: Rig;
/** Folder, which is the prefix of both. */
let prefix: string;
let theirs: Map<string, Item>;
let ours: Map<string, Item>;

beforeAll(async () => {
  rig = createRig();
  const { uv } = pythonTools();
  prefix = join(rig.dir, 'env');
  const downloaded = downloadWheels('compare', PACKAGES);
  const own = join(rig.dir, 'own');
  mkdirSync(own);
  const demo = {
    name: 'rebake_demo',
    entryPoints:
      '[console_scripts]\nrebake-demo = rebake_demo:main\n[gui_scripts]\nrebake-demo-gui = rebake_demo:App.main\n',
    files: [
      {
        name: 'rebake_demo/__init__.py',
        content: 'class App:\n    main = print\n\n\ndef main():\n    print("demo")\n',
      },
      { name: 'rebake_demo/old.py', content: 'print "old"\n' },
      { name: 'rebake_demo/run.sh', content: '#!/bin/sh\n', mode: 0o100755 },
      {
        name: 'rebake_demo-1.0.data/scripts/rebake-script',
        content: '#!python\nimport rebake_demo\nrebake_demo.main()\n',
        mode: 0o100644,
      },
      { name: 'rebake_demo-1.0.data/scripts/rebake-shell', content: '#!/bin/sh\ntrue\n', mode: 0o100755 },
      { name: 'rebake_demo-1.0.data/data/share/rebake/data.txt', content: 'data' },
      { name: 'rebake_demo-1.0.data/headers/demo.h', content: 'int demo;' },
      { name: 'rebake_demo-1.0.data/purelib/rebake_pure.py', content: 'pure = 1\n' },
    ],
  };
  writeFileSync(join(own, wheelFileName(demo)), makeWheel(demo));
  const wheels = [...downloaded, join(own, wheelFileName(demo))];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: rig.dir,
    UV_CACHE_DIR: join(rig.dir, 'uv'),
    UV_NO_CONFIG: '1',
    PYC_INVALIDATION_MODE: 'UNCHECKED_HASH',
    PYTHONHASHSEED: '0',
  };
  const run = (...args: readonly string[]): string =>
    execFileSync(uv, args, { env, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  run('venv', '--quiet', '--python', python.path, prefix);
  run('pip', 'install', '--quiet', '--no-index', '--no-deps', '--compile-bytecode', '--python', prefix, ...wheels);
  theirs = readTree(prefix);
  renameSync(prefix, join(rig.dir, 'theirs'));
  const locked = wheels.map((wheel) => rig.lock(basename(wheel), readFileSync(wheel)));
  const layers = await pythonEnvLayers(
    request(locked, {
      prefix,
      interpreter: python.version,
      bytecode: true,
      fs: hostFs(),
      path: [dirname(python.path)],
    }),
    rig.means,
  );
  const all = await rig.read(layers);
  ours = new Map();
  for (const [path, item] of all) if (path.startsWith(`${prefix.slice(1)}/`)) ours.set(path.slice(prefix.length), item);
  writeTree(prefix, ours);
});
afterAll(async () => rig.close());

/** What is allowed to be there only, or to be otherwise, and why. */
const DIFFERENCES: readonly { readonly path: RegExp; readonly why: string }[] = [
  { path: /^bin\/(?:de)?activate|^bin\/activate|^bin\/pydoc\.bat$/, why: 'scripts for shells: an image has PATH set' },
  { path: /^\.gitignore$|^CACHEDIR\.TAG$|^\.lock$/, why: "uv's marks of a folder that is made, not written" },
  { path: /^pyvenv\.cfg$/, why: 'python -m venv writes other lines than uv; ours hold only what Python reads' },
  { path: /^bin\/python[\d.]*$/, why: 'the same three names, linked among each other as python -m venv does it' },
  { path: /^include(?:\/python[\d.]+)?$/, why: 'python -m venv makes these folders, uv does not' },
  { path: /\.dist-info\/INSTALLER$/, why: 'it names who installed' },
  { path: /\.dist-info\/REQUESTED$/, why: 'a lock does not say what was asked for by itself' },
  { path: /\.dist-info\/uv_cache\.json$/, why: "uv's own bookkeeping" },
  { path: /\.dist-info\/direct_url\.json$/, why: 'this test hands uv its wheels as files' },
  {
    path: /\.dist-info\/RECORD$/,
    why: 'lists the files that differ above, and bytecode as pip does; compared row by row below',
  },
  { path: /\/__pycache__\/.*\.pyc$/, why: 'other marks of objects that are referred to; the code is compared below' },
];

const isAllowed = (path: string): boolean => DIFFERENCES.some((difference) => difference.path.test(path));

test('every file is there, with the same content, mode and kind, but for what is listed', () => {
  expect(theirs.size).toBeGreaterThan(2000);
  const wrong: string[] = [];
  for (const path of new Set([...theirs.keys(), ...ours.keys()])) {
    if (isAllowed(path)) continue;
    const [a, b] = [theirs.get(path), ours.get(path)];
    if (a === undefined || b === undefined) wrong.push(`${path} is only in ${a === undefined ? 'ours' : 'theirs'}`);
    else if (a.type !== b.type || a.target !== b.target || !a.content.equals(b.content))
      wrong.push(`${path} is another`);
    else if (a.type !== 'symlink' && a.mode !== b.mode)
      wrong.push(`${path}: ${a.mode.toString(8)}, ours ${b.mode.toString(8)}`);
  }
  expect(wrong).toEqual([]);
});

test('each difference that is allowed is met', () => {
  const paths = [...new Set([...theirs.keys(), ...ours.keys()])].filter((path) => {
    const [a, b] = [theirs.get(path), ours.get(path)];
    return a === undefined || b === undefined || a.target !== b.target || !a.content.equals(b.content);
  });
  expect(DIFFERENCES.filter(({ path }) => !paths.some((met) => path.test(met))).map(({ why }) => why)).toEqual([]);
});

test('RECORD has the rows of theirs, and those of bytecode', () => {
  const rows = (items: Map<string, Item>, path: string): readonly string[] =>
    (items.get(path)?.content.toString().trimEnd().split('\n') ?? []).filter(
      (row) => !row.endsWith('.pyc,,') && !isAllowed(row.replace(/,[^,]*,[^,]*$/, '')),
    );
  const records = [...theirs.keys()].filter((path) =>
    /^lib\/[^/]+\/site-packages\/[^/]+\.dist-info\/RECORD$/.test(path),
  );
  expect(records.length).toBeGreaterThan(PACKAGES.length);
  for (const path of records) expect(rows(ours, path).toSorted()).toEqual(rows(theirs, path).toSorted());
  const bytecode = [...ours.keys()].filter((path) => path.endsWith('.pyc'));
  const listed = records.flatMap((path) =>
    (ours.get(path)?.content.toString().split('\n') ?? []).filter((row) => row.endsWith('.pyc,,')),
  );
  expect(listed.map((row) => `${site}/${row.slice(0, -2)}`).toSorted()).toEqual(bytecode.toSorted());
});

test('bytecode is there for the same files, and is the same code', () => {
  const compiled = (items: Map<string, Item>): readonly string[] =>
    [...items.keys()].filter((path) => path.endsWith('.pyc')).toSorted();
  expect(compiled(ours)).toEqual(compiled(theirs));
  const program = `
import json, marshal, sys
for a, b in json.load(sys.stdin):
    a, b = open(a, "rb").read(), open(b, "rb").read()
    assert a[:16] == b[:16], b
    assert marshal.dumps(marshal.loads(a[16:]), 2) == marshal.dumps(marshal.loads(b[16:]), 2), b
print("same")`;
  const pairs = compiled(ours).map((path) => [join(rig.dir, 'theirs', path), join(prefix, path)]);
  const said = execFileSync(python.path, ['-I', '-c', program], { input: JSON.stringify(pairs), encoding: 'utf8' });
  expect(said).toBe('same\n');
});

test('it runs: imports, scripts, and pip that lists every package', () => {
  const bin = (name: string, ...args: readonly string[]): string =>
    execFileSync(join(prefix, 'bin', name), args, { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
  expect(
    bin(
      'python',
      '-I',
      '-B',
      '-c',
      'import flask, zope.interface, greenlet, six, numpy, cryptography, sys; print(sys.prefix)',
    ),
  ).toBe(`${prefix}\n`);
  expect(bin('rebake-demo')).toBe('demo\n');
  expect(bin('rebake-script')).toBe('demo\n');
  expect(bin('flask', '--version')).toContain('Flask');
  const listed = JSON.parse(bin('pip', 'list', '--format', 'json', '--disable-pip-version-check')) as readonly {
    readonly name: string;
  }[];
  const names = [...theirs.keys()].filter((path) => /^lib\/[^/]+\/site-packages\/[^/]+\.dist-info\/RECORD$/.test(path));
  expect(listed).toHaveLength(names.length);
  expect(bin('pip', 'check', '--disable-pip-version-check')).toContain('No broken requirements');
});

function readTree(root: string): Map<string, Item> {
  const items = new Map<string, Item>();
  const walk = (folder: string): void => {
    for (const name of readdirSync(join(root, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const at = join(root, path);
      const stats = lstatSync(at);
      const type = stats.isSymbolicLink() ? 'symlink' : stats.isDirectory() ? 'directory' : 'file';
      items.set(path, {
        type,
        mode: stats.mode & 0o7777,
        owner: '',
        content: type === 'file' ? readFileSync(at) : Buffer.alloc(0),
        target: type === 'symlink' ? readlinkSync(at) : '',
      });
      if (type === 'directory') walk(path);
    }
  };
  walk('');
  return items;
}

function writeTree(root: string, items: ReadonlyMap<string, Item>): void {
  mkdirSync(root);
  for (const [path, { type, mode, content, target }] of items) {
    const at = join(root, path);
    if (type === 'directory') mkdirSync(at, { recursive: true });
    else if (type === 'symlink') symlinkSync(target, at);
    else {
      writeFileSync(at, content);
      chmodSync(at, mode);
    }
  }
}

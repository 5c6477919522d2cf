// Bytecode by an interpreter that was taken out of a file system: it runs, is what Python itself makes, and has the same bytes always.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createCompiler } from '../src/bytecode/compiler.ts';
import { canonicalMarshal } from '../src/bytecode/marshal.ts';
import { pythonEnvLayers } from '../src/index.ts';
import { extractInterpreter, type Runnable } from '../src/interpreter/extract.ts';
import { createRig, failureOf, request, type Rig } from './support/rig.ts';
import { hostFs, hostPython } from './support/tools.ts';
import { makeWheel, wheelFileName } from './support/wheel.ts';

const python = hostPython();
const minor = Number(python.version.split('.')[1]);
const interpreter = { path: python.path, real: python.path.slice(1) };

/** Modules of the standard library: as many kinds of code as there are. */
function sources(
  library = join(dirname(dirname(python.path)), 'lib', `python${python.version}`),
): readonly { readonly path: string; readonly source: Buffer }[] {
  const names = [
    'ast',
    'typing',
    'enum',
    'dataclasses',
    'inspect',
    'argparse',
    'zipfile',
    'json/decoder',
    'asyncio/base_events',
    'email/header',
    'xml/dom/minidom',
    'unittest/mock',
    'collections/__init__',
    'os',
    're/_parser',
    'sre_parse',
    'difflib',
    'pickle',
  ];
  return names.flatMap((name) => {
    try {
      return [{ path: `/opt/env/lib/${name}.py`, source: readFileSync(join(library, `${name}.py`)) }];
    } catch {
      return [];
    }
  });
}

let shared: Rig;
let runnable: Runnable;
beforeAll(async () => {
  shared = createRig();
  runnable = await extractInterpreter(hostFs(), interpreter, python.version, shared.cache, shared.means.signal);
});
afterAll(async () => shared.close());

let rig: Rig;
beforeEach(() => void (rig = createRig()));
afterEach(async () => rig.close());

async function compileAll(
  run: Runnable,
  files: ReturnType<typeof sources>,
  processes: number,
): Promise<Map<string, string>> {
  const compiler = createCompiler(run, python.version, processes);
  try {
    const made = await Promise.all(
      files.map(
        async ({ path, source }) => [path, (await compiler.compile(path, source))?.toString('base64') ?? ''] as const,
      ),
    );
    return new Map(made.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  } finally {
    compiler.close();
  }
}

test('the interpreter runs by its own loader and libraries, out of a folder', () => {
  const [program, ...args] = runnable.command;
  const out = execFileSync(
    program,
    [...args, '-S', '-c', 'import sys, os; print(sys.version.split()[0], os.__file__)'],
    {
      encoding: 'utf8',
      env: { PYTHONHOME: runnable.home },
    },
  );
  expect(out).toBe(`${python.full} ${join(runnable.home, 'lib', `python${python.version}`, 'os.py')}\n`);
  expect(program.startsWith(realpathSync(shared.dir))).toBe(true);
});

test('bytes depend neither on the order, nor on the number of processes, nor on what was compiled before, nor on the folder', async () => {
  const files = sources();
  expect(files.length).toBeGreaterThan(10);
  const once = await compileAll(runnable, files, 1);
  expect(await compileAll(runnable, files.toReversed(), 1)).toEqual(once);
  expect(await compileAll(runnable, [...files.slice(5), ...files.slice(0, 5)], 3)).toEqual(once);
  const alone = new Map<string, string>();
  for (const file of files.slice(0, 6))
    for (const [path, made] of await compileAll(runnable, [file], 1)) alone.set(path, made);
  expect(alone).toEqual(new Map([...once].filter(([path]) => alone.has(path))));
  const elsewhere = await extractInterpreter(hostFs(), interpreter, python.version, rig.cache, rig.means.signal);
  expect(elsewhere.id).toBe(runnable.id);
  expect(await compileAll(elsewhere, files, 2)).toEqual(once);
});

test('what Python writes depends on what it did before; made canonical it does not', () => {
  const program = `
import marshal, sys
source = "def f(spam_and_eggs):\\n    return spam_and_eggs.spam_and_eggs_too, {'a': 1.5, 'b': (None, 'x y')}\\n"
first = marshal.dumps(compile(source, "f.py", "exec"))
kept = compile(source, "f.py", "exec")
second = marshal.dumps(kept)
print(first.hex(), second.hex())`;
  const [first = '', second = ''] = execFileSync('python3', ['-I', '-c', program], { encoding: 'utf8' })
    .trim()
    .split(' ');
  expect(second).not.toBe(first);
  const canonical = canonicalMarshal(Buffer.from(first, 'hex'), minor);
  expect(canonicalMarshal(Buffer.from(second, 'hex'), minor)).toEqual(canonical);
  expect(canonicalMarshal(canonical ?? Buffer.alloc(0), minor)).toEqual(canonical);
});

test('is the code that Python itself compiles, with the hash of its source, unchecked', async () => {
  const folder = join(rig.dir, 'compiled');
  mkdirSync(folder);
  const made = await compileAll(runnable, sources(), 2);
  const list = sources().map(({ path, source }, i) => {
    const [py, pyc] = [join(folder, `${i}.py`), join(folder, `${i}.pyc`)];
    writeFileSync(py, source);
    writeFileSync(pyc, Buffer.from(made.get(path) ?? '', 'base64'));
    return [path, py, pyc];
  });
  writeFileSync(join(folder, 'list.json'), JSON.stringify(list));
  const program = `
import importlib.util, json, marshal, sys
for path, py, pyc in json.load(open(sys.argv[1])):
    source = open(py, "rb").read()
    made = open(pyc, "rb").read()
    head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source)
    assert made[:16] == head, path
    code = compile(source, path, "exec", dont_inherit=True)
    mine = marshal.loads(made[16:])
    assert mine == code and mine.co_filename == path, path
    assert marshal.dumps(mine, 2) == marshal.dumps(code, 2), path
print("same")`;
  expect(
    execFileSync(python.path, ['-I', '-c', program, join(folder, 'list.json')], {
      encoding: 'utf8',
      env: { PYTHONHASHSEED: '0' },
    }),
  ).toBe('same\n');
});

/** Other Pythons of this machine: those in folders beside that of the first, as pyenv has them. */
function otherPythons(): readonly string[] {
  const versions = dirname(dirname(dirname(python.path)));
  return readdirSync(versions).flatMap((folder) => {
    const version = /^(3\.\d+)\.\d+$/.exec(folder)?.[1];
    const path = version === undefined ? '' : join(versions, folder, 'bin', `python${version}`);
    return existsSync(path) ? [path] : [];
  });
}

test.each([python.path, ...otherPythons().filter((path) => path !== python.path)])(
  '%s makes the same bytes in any order, and loads them as its own',
  async (path) => {
    const version = basename(path).slice('python'.length);
    const home = dirname(dirname(path));
    const run: Runnable = { id: runnable.id, command: [path], home, folder: runnable.folder };
    const files = sources(join(home, 'lib', `python${version}`));
    const compiler = createCompiler(run, version, 1);
    const inOrder: Buffer[] = [];
    for (const file of files) inOrder.push((await compiler.compile(file.path, file.source)) ?? Buffer.alloc(0));
    const backwards: Buffer[] = [];
    for (const file of files.toReversed())
      backwards.unshift((await compiler.compile(file.path, file.source)) ?? Buffer.alloc(0));
    compiler.close();
    expect(backwards).toEqual(inOrder);
    const list = files.map(({ path: name, source }, i) => [
      name,
      source.toString('base64'),
      inOrder[i]?.toString('base64'),
    ]);
    const program = `
import base64, json, marshal, sys
header = 16 if sys.version_info >= (3, 7) else 12
for path, source, made in json.load(sys.stdin):
    mine = marshal.loads(base64.b64decode(made)[header:])
    assert mine == compile(base64.b64decode(source), path, "exec", dont_inherit=True), path
print("same")`;
    expect(execFileSync(path, ['-I', '-c', program], { input: JSON.stringify(list), encoding: 'utf8' })).toBe('same\n');
  },
);

test('what does not compile has no bytecode, and stops nothing', async () => {
  const odd = [
    { path: '/a.py', source: Buffer.from('print "old"\n') },
    { path: '/b.py', source: Buffer.from('value = 1\n') },
    { path: '/c.py', source: Buffer.from('x = "\0"\n') },
    { path: '/d.py', source: Buffer.from('# coding: no-such-codec\n') },
    { path: '/e.py', source: Buffer.from('# coding: latin-1\nx = "\xe9"\n', 'latin1') },
    { path: '/f.py', source: Buffer.alloc(0) },
    { path: '/g.py', source: Buffer.from(`x = ${'('.repeat(300)}1${')'.repeat(300)}\n`) },
    { path: '/h.py', source: Buffer.from('x = "\\d"\n') },
    { path: '/i.py', source: Buffer.from('\u017f = "\\N{GREEK SMALL LETTER ALPHA}"\n') },
    { path: '/j.py', source: Buffer.from('# coding: shift_jis\nx = 1\n') },
  ];
  const made = await compileAll(runnable, odd, 1);
  expect([...made].filter(([, bytes]) => bytes !== '').map(([path]) => path)).toEqual([
    '/b.py',
    '/e.py',
    '/f.py',
    '/h.py',
    '/i.py',
    '/j.py',
  ]);
});

test('an environment has it beside its modules, and in RECORD', async () => {
  const files = [
    { name: 'demo/__init__.py', content: 'value = 1\n' },
    { name: 'demo/old.py', content: 'print "old"\n' },
    { name: `demo/__pycache__/__init__.cpython-${python.version.replace('.', '')}.pyc`, content: 'stale' },
    { name: 'demo-1.0.data/scripts/run.py', content: '#!python\n' },
  ];
  const wanted = request([rig.lock(wheelFileName(), makeWheel({ files }))], {
    interpreter: python.version,
    bytecode: true,
    fs: hostFs(),
    path: [dirname(python.path)],
  });
  const layers = await pythonEnvLayers(wanted, rig.means);
  const items = await rig.read(layers);
  const site = `opt/env/lib/python${python.version}/site-packages`;
  const compiled = [...items.keys()].filter((path) => path.endsWith('.pyc'));
  expect(compiled).toEqual([`${site}/${files[2]?.name ?? ''}`]);
  expect(items.get(compiled[0] ?? '')?.content.toString()).not.toBe('stale');
  const record = items.get(`${site}/demo-1.0.dist-info/RECORD`)?.content.toString().split('\n') ?? [];
  expect(record.filter((row) => row.includes('.pyc'))).toEqual([`${files[2]?.name ?? ''},,`]);
  const other = createRig();
  try {
    other.lock(wheelFileName(), makeWheel({ files }));
    const again = await pythonEnvLayers(
      { ...wanted, locked: [other.lock(wheelFileName(), makeWheel({ files }))] },
      other.means,
    );
    expect(again.map(({ diffId }) => diffId)).toEqual(layers.map(({ diffId }) => diffId));
  } finally {
    await other.close();
  }
});

test('an interpreter that does not start is said, in its words', async () => {
  const compiler = createCompiler({ ...runnable, home: '/nowhere' }, python.version, 1);
  const failed = await failureOf(compiler.compile('/a.py', Buffer.from('x = 1\n')));
  compiler.close();
  expect(failed).toMatch(/^BYTECODE_UNAVAILABLE: python3\.\d+ of the image does not run here: .*encodings/s);
});

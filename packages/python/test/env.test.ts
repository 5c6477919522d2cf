// What environments hold, file by file, and that the same request gives the same layers.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LockedPackage } from '@rebake/image';
import { pythonEnvLayers } from '../src/index.ts';
import { createRig, failureOf, imageWith, request, type Item, type Rig } from './support/rig.ts';
import { makeWheel, wheelFileName, type WheelOptions } from './support/wheel.ts';

let rig: Rig;
beforeEach(() => void (rig = createRig()));
afterEach(async () => rig.close());

const lock = (options: WheelOptions, more: Partial<LockedPackage> = {}, by: Rig = rig): LockedPackage =>
  by.lock(wheelFileName(options), makeWheel(options), more);

const SITE = 'opt/env/lib/python3.11/site-packages';

async function envOf(
  locked: readonly LockedPackage[],
  more: Parameters<typeof request>[1] = {},
): Promise<Map<string, Item>> {
  return rig.read(await pythonEnvLayers(request(locked, more), rig.means));
}

const full: WheelOptions = {
  name: 'Demo_Tool',
  version: '1.0',
  entryPoints:
    '[console_scripts]\ndemo = demo.cli:App.main [extra]\n[gui_scripts]\ndemo-gui=demo.gui:main\n[other]\nx = y\n',
  files: [
    { name: 'demo/__init__.py', content: 'value = 1\n' },
    { name: 'demo/tool.so', content: '\x7fELF', mode: 0o100755 },
    { name: 'demo/a,"b".txt', content: 'quoted' },
    { name: 'Demo_Tool-1.0.data/scripts/old', content: '#!python -u\nprint(1)\n' },
    { name: 'Demo_Tool-1.0.data/scripts/shell', content: '#!/bin/sh\ntrue\n' },
    { name: 'Demo_Tool-1.0.data/headers/demo.h', content: 'int x;' },
    { name: 'Demo_Tool-1.0.data/data/share/demo/data.txt', content: 'data' },
    { name: 'Demo_Tool-1.0.data/data/lib64/demo.pc', content: 'lib' },
    { name: 'Demo_Tool-1.0.data/purelib/demo_pure.py', content: 'pure = 1\n' },
    { name: 'Demo_Tool-1.0.data/platlib/demo_plat.py', content: 'plat = 1\n' },
  ],
};

describe('an environment', () => {
  test('is a skeleton as venv makes it', async () => {
    const items = await envOf([]);
    expect(
      [...items].map(
        ([path, { type, mode, owner, target }]) =>
          `${type} ${mode.toString(8)} ${owner} ${path}${target && ` → ${target}`}`,
      ),
    ).toEqual([
      'directory 755 0:0 opt',
      'directory 755 0:0 opt/env',
      'directory 755 0:0 opt/env/bin',
      'symlink 777 0:0 opt/env/bin/python → python3.11',
      'symlink 777 0:0 opt/env/bin/python3 → python3.11',
      'symlink 777 0:0 opt/env/bin/python3.11 → /usr/bin/python3.11',
      'directory 755 0:0 opt/env/include',
      'directory 755 0:0 opt/env/include/python3.11',
      'directory 755 0:0 opt/env/lib',
      'directory 755 0:0 opt/env/lib/python3.11',
      `directory 755 0:0 ${SITE}`,
      'symlink 777 0:0 opt/env/lib64 → lib',
      'file 644 0:0 opt/env/pyvenv.cfg',
    ]);
    expect(items.get('opt/env/pyvenv.cfg')?.content.toString()).toBe(
      'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n',
    );
  });

  test('has every kind of file of a wheel in its place', async () => {
    const items = await envOf([lock(full)]);
    const text = (path: string): string | undefined => items.get(path)?.content.toString('latin1');
    expect(text(`${SITE}/demo/__init__.py`)).toBe('value = 1\n');
    expect(items.get(`${SITE}/demo/__init__.py`)?.mode).toBe(0o644);
    expect(items.get(`${SITE}/demo/tool.so`)?.mode).toBe(0o755);
    expect(text(`${SITE}/demo_pure.py`)).toBe('pure = 1\n');
    expect(text(`${SITE}/demo_plat.py`)).toBe('plat = 1\n');
    expect(text('opt/env/share/demo/data.txt')).toBe('data');
    expect(text('opt/env/lib/demo.pc')).toBe('lib');
    expect(text('opt/env/include/site/python3.11/demo-tool/demo.h')).toBe('int x;');
    expect(text('opt/env/bin/old')).toBe('#!/opt/env/bin/python\nprint(1)\n');
    expect(text('opt/env/bin/shell')).toBe('#!/bin/sh\ntrue\n');
    expect(items.get('opt/env/bin/shell')?.mode).toBe(0o755);
    expect(text('opt/env/bin/demo')).toContain('#!/opt/env/bin/python\n');
    expect(text('opt/env/bin/demo')).toContain('from demo.cli import App\n');
    expect(text('opt/env/bin/demo')).toContain('sys.exit(App.main())\n');
    expect(text('opt/env/bin/demo-gui')).toContain('from demo.gui import main\n');
    expect(items.get('opt/env/bin/demo')?.mode).toBe(0o755);
    expect(text(`${SITE}/Demo_Tool-1.0.dist-info/INSTALLER`)).toBe('rebake');
    expect([...items.values()].every(({ owner }) => owner === '0:0')).toBe(true);
  });

  test('lists in RECORD what is there, sorted', async () => {
    const items = await envOf([lock(full)]);
    const record = items.get(`${SITE}/Demo_Tool-1.0.dist-info/RECORD`)?.content.toString() ?? '';
    const paths = record
      .trimEnd()
      .split('\n')
      .map((row) =>
        row
          .replace(/,[^,]*,[^,]*$/, '')
          .replace(/^"(.*)"$/, '$1')
          .replaceAll('""', '"'),
      );
    expect(paths).toEqual(paths.toSorted());
    const listed = paths.map((path) => join(SITE, path)).toSorted();
    const files = [...items]
      .filter(([path, { type }]) => type === 'file' && path !== 'opt/env/pyvenv.cfg')
      .map(([path]) => path);
    expect(listed).toEqual(files.toSorted());
    expect(record).toContain('demo/__init__.py,sha256=');
    expect(record).toContain('Demo_Tool-1.0.dist-info/RECORD,,\n');
  });

  test('says where a package came from that was asked for by its address', async () => {
    const pkg = lock({ name: 'demo' }, { direct: true });
    const items = await envOf([pkg]);
    const hex = pkg.wheels[0]?.digest.slice(7) ?? '';
    expect(JSON.parse(items.get(`${SITE}/demo-1.0.dist-info/direct_url.json`)?.content.toString() ?? '')).toEqual({
      url: pkg.wheels[0]?.url,
      archive_info: { hash: `sha256=${hex}`, hashes: { sha256: hex } },
    });
  });

  test('goes where links of the image below lead, and leaves folders there as they are', async () => {
    const items = await envOf([lock({ name: 'demo' })], {
      fs: imageWith({ 'usr/bin/python3.11': null, opt: 'srv/opt', 'srv/opt/': null }),
    });
    expect([...items.keys()].filter((path) => path.startsWith('opt'))).toEqual([]);
    expect(items.has('srv/opt/env/lib/python3.11/site-packages/demo/__init__.py')).toBe(true);
  });

  test('is the same in another cache, another folder and another order', async () => {
    const other = createRig();
    try {
      const wheels: readonly WheelOptions[] = [full, { name: 'zeta' }, { name: 'alpha' }];
      const here = await pythonEnvLayers(request(wheels.map((wheel) => lock(wheel))), rig.means);
      const there = await pythonEnvLayers(
        request(wheels.toReversed().map((wheel) => lock(wheel, {}, other))),
        other.means,
      );
      expect(there.map(({ diffId }) => diffId)).toEqual(here.map(({ diffId }) => diffId));
    } finally {
      await other.close();
    }
  });

  test('is recalled without any wheel, and tells of its layers', async () => {
    const locked = [lock(full), lock({ name: 'zeta' })];
    const first = await pythonEnvLayers(request(locked), rig.means);
    const told: string[] = [];
    const nothing = { ...rig.means.download, blob: async () => Promise.reject(new Error('nothing is to be fetched')) };
    const again = await pythonEnvLayers(request(locked), {
      ...rig.means,
      download: nothing,
      onLayer: ({ digest }) => told.push(digest),
    });
    expect(again).toEqual(first);
    expect(told.toSorted()).toEqual(first.map(({ digest }) => digest).toSorted());
  });

  test('keeps to the number of layers that it may have', async () => {
    const locked = Array.from({ length: 120 }, (_, i) =>
      lock({ name: `p${i}`, files: [{ name: `p${i}.py`, content: `${i}` }] }),
    );
    const layers = await pythonEnvLayers(request(locked), { ...rig.means, maxLayers: 5 });
    expect(layers.length).toBeLessThanOrEqual(5);
    const items = await rig.read(layers);
    expect(locked.every((_, i) => items.has(`${SITE}/p${i}.py`))).toBe(true);
  });
});

describe('files that two wheels bring', () => {
  const at = (name: string, content: string): WheelOptions => ({
    name,
    files: [
      { name: 'shared/__init__.py', content },
      { name: `shared/${name}.py`, content: name },
    ],
  });

  test('are there once when they are the same', async () => {
    const items = await envOf([lock(at('one', 'same')), lock(at('two', 'same'))]);
    expect(items.get(`${SITE}/shared/__init__.py`)?.content.toString()).toBe('same');
    expect(items.has(`${SITE}/shared/one.py`) && items.has(`${SITE}/shared/two.py`)).toBe(true);
    expect(rig.lines).toEqual([]);
  });

  test.each([2, 20])('are said when they differ, and the one that is said is there (%i layers)', async (maxLayers) => {
    const layers = await pythonEnvLayers(request([lock(at('one', '1')), lock(at('two', '2'))]), {
      ...rig.means,
      maxLayers,
    });
    const items = await rig.read(layers);
    const [, winner] = /what (\w+) brings is there/.exec(rig.lines.join()) ?? [];
    expect(rig.lines).toHaveLength(1);
    expect(rig.lines[0]).toMatch(
      /^PACKAGE_CONFLICT: (one and two|two and one) both bring lib\/python3\.11\/site-packages\/shared\/__init__\.py,/,
    );
    expect(items.get(`${SITE}/shared/__init__.py`)?.content.toString()).toBe(winner === 'one' ? '1' : '2');
  });
});

describe('what cannot be', () => {
  test('an image without the interpreter', async () => {
    expect(await failureOf(pythonEnvLayers(request([], { interpreter: '3.12' }), rig.means))).toBe(
      'INTERPRETER_MISSING: the image below has no python3.12 in /usr/local/bin:/usr/bin: add that version of Python to its base',
    );
  });

  test('a package with no file that fits, named with what there is', async () => {
    const pkg = lock({ name: 'demo', tag: 'cp312-cp312-win_amd64' });
    expect(await failureOf(pythonEnvLayers(request([pkg]), rig.means))).toBe(
      'WHEEL_MISSING: nothing fits Python 3.11 on linux/amd64 with glibc 2.36: demo 1.0 is there as cp312-cp312-win_amd64, and has no source archive',
    );
  });

  test('bytecode by an interpreter that cannot be taken out of its image', async () => {
    const failed = await failureOf(pythonEnvLayers(request([lock({ name: 'demo' })], { bytecode: true }), rig.means));
    expect(failed).toMatch(/^BYTECODE_UNAVAILABLE: .*standard library.*`bytecode: false`/);
  });

  test('work that was aborted', async () => {
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await expect(pythonEnvLayers(request([lock(full)]), { ...rig.means, signal: stop.signal })).rejects.toThrow(
      'enough',
    );
  });
});

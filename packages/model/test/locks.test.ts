/** Locks of a declaration: what is locked, what of a lock counts, and what is told of one that is missing or out of date. */
import { readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { canonicalJson } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { pylock, pythonOf, type Written } from './lock-rig.ts';
import { folder } from './load-rig.ts';
import { declaration, imageOf, ledgerOf, rig, told, type Rig } from './rig-expand.ts';

const ENV = 'env/python/glm@python#linux/amd64';
const OCI = { builders: '{ default: oci }' };
const PACKAGES = { numpy: '2.0.1', pip: '24.0' };
type Sections = Parameters<typeof declaration>[0];

/** A declaration whose env `glm` has a lock made from what is wanted. */
async function locked(
  sections: Sections,
  packages: Readonly<Record<string, string>> = PACKAGES,
  written: Written = {},
): Promise<Rig> {
  const { expansion } = await rig({ 'rebake.yaml': declaration(sections) });
  const { wanted } = pythonOf(expansion.locks, 'glm');
  return rig({
    'rebake.yaml': declaration(sections),
    'pylock.glm.toml': pylock(packages, { madeFrom: wanted, ...written }),
  });
}

describe('a code env on the embedded builder', () => {
  it('has no image without a lock, and everything else has', async () => {
    const codeEnvs = '{ glm: { language: python, packages: [numpy] }, stats: { language: python, builder: docker } }';
    const { expansion, diagnostics, root } = await rig({
      'rebake.yaml': declaration({ builders: '{ default: oci, docker: docker }', codeEnvs }),
    });
    expect(told(diagnostics)).toEqual(['LOCK_MISSING 6:48']);
    expect(diagnostics[0]).toMatchObject({
      severity: 'error',
      message: 'The code env `glm` needs a lock, and there is no `pylock.glm.toml`',
      help: 'Run `rebake lock glm`.',
    });
    expect(expansion.nodes.filter(({ role }) => role === 'image').map(({ id }) => id)).toEqual([
      'base/python#linux/amd64',
      'env/python/stats@python#linux/amd64',
    ]);
    expect(expansion.bindings.map(({ env }) => env)).toEqual([null, 'stats']);
    expect(expansion.envs.get('glm')?.refused).toBe('LOCK_MISSING');
    expect(expansion.locks.map(({ of, file, state, required }) => ({ of, file, state, required }))).toEqual([
      { of: 'env/python/glm', file: join(root, 'pylock.glm.toml'), state: 'missing', required: true },
      { of: 'env/python/stats', file: join(root, 'pylock.stats.toml'), state: 'missing', required: false },
    ]);
  });

  it('installs what is locked, and counts it by version and hashes', async () => {
    const { expansion, diagnostics, root } = await locked(OCI);
    expect(diagnostics).toEqual([]);
    const image = imageOf(expansion, ENV);
    expect(Object.entries(image.inputs).map(([key, { shown }]) => `${key} ${shown}`)).toEqual([
      'glibc 2.36',
      'interpreter 3.11',
      'lock/numpy 2.0.1',
      'lock/pip 24.0',
      'platform linux/amd64',
      'user dataiku',
    ]);
    expect(image.inputs['lock/numpy']?.at).toMatchObject({ file: join(root, 'pylock.glm.toml') });
    expect(image.spec.steps).toMatchObject([
      {
        step: 'python-env',
        packages: { glibc: '2.36', locked: [{ name: 'numpy', version: '2.0.1' }, { name: 'pip' }] },
      },
    ]);
    expect(pythonOf(expansion.locks, 'glm')).toMatchObject({ state: 'fresh', text: expect.stringContaining('numpy') });
  });

  it('asks for the same, whatever the order and the spelling of its packages', async () => {
    const wanted = async (packages: string) => {
      const codeEnvs = `{ glm: { language: python, jupyter: true, packages: ${packages} } }`;
      return pythonOf((await rig({ 'rebake.yaml': declaration({ ...OCI, codeEnvs }) })).expansion.locks, 'glm');
    };
    const one = await wanted('[NumPy, "scipy ==1", --pre]');
    expect(one.requirements).toEqual(['--pre', 'ipykernel', 'numpy', 'scipy==1']);
    expect(one.wanted).toMatchObject({ interpreter: '3.11', platform: 'linux/amd64', glibc: '2.36' });
    expect(Object.keys(one.wanted.requirements).toSorted()).toEqual(['--pre', 'ipykernel', 'numpy', 'scipy']);
    expect((await wanted('[scipy==1, "# no", --pre, numpy]')).wanted).toEqual(one.wanted);
  });

  it('says what its lock lacks, once', async () => {
    const before = await locked(OCI);
    const text = pythonOf(before.expansion.locks, 'glm').text ?? '';
    const codeEnvs = '{ glm: { language: python, interpreter: "3.11", packages: [numpy, pandas] } }';
    const containerConfigs = '{ a: { engine: docker, base: python }, b: { engine: docker, base: other } }';
    const baseImages =
      '{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"] }, other: { type: container-exec, from: { base: python } } }';
    const { diagnostics, expansion } = await rig({
      'rebake.yaml': declaration({ ...OCI, baseImages, containerConfigs, codeEnvs }),
      'pylock.glm.toml': text,
    });
    expect(told(diagnostics)).toEqual(['LOCK_OUTDATED 6:69']);
    expect(diagnostics[0]?.message).toBe('`pylock.glm.toml` of the code env `glm` is out of date: pandas was added');
    expect(expansion.nodes.filter(({ kind }) => kind === 'env image')).toEqual([]);
    expect(expansion.locks).toHaveLength(1);
  });

  it('goes to a builder with an engine where something has to be compiled', async () => {
    const compiled = (builders: string) => locked({ builders }, PACKAGES, { compiles: ['numpy'] });
    const alone = await compiled('{ default: oci }');
    expect(told(alone.diagnostics)).toEqual(['LOCK_NEEDS_COMPILER 6:69']);
    expect(alone.diagnostics[0]?.message).toContain('`numpy`');
    const { expansion, diagnostics } = await compiled(
      '{ default: oci, shelf: { type: shelf }, far: { type: podman }, near: { type: docker } }',
    );
    expect(diagnostics).toEqual([]);
    expect(imageOf(expansion, ENV).builder).toBe('far');
    expect(imageOf(expansion, 'base/python#linux/amd64').builder).toBe('oci');
  });

  it('cannot go there where its base is in no registry, unless that is built there too', async () => {
    const compiled = (more: string) =>
      locked(
        {
          builders: '{ default: oci, near: { type: docker } }',
          baseImages: `{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"], ${more} } }`,
          containerConfigs: '{ cpu: { engine: docker, base: python } }',
        },
        PACKAGES,
        { compiles: ['numpy'] },
      );
    const apart = await compiled('r: false');
    expect(told(apart.diagnostics)).toEqual(['LOCK_NEEDS_COMPILER 6:69']);
    expect(apart.diagnostics[0]?.message).toContain('`python` is in no registry');
    expect(apart.expansion.bindings.map(({ env }) => env)).toEqual([null]);
    expect(apart.expansion.envs.get('glm')?.refused).toBe('LOCK_NEEDS_COMPILER');
    expect((await compiled('builder: near')).diagnostics).toEqual([]);
  });
});

describe('a code env on another builder', () => {
  it('uses a lock where there is one, and is warned of one that is out of date', async () => {
    const fresh = await locked({});
    expect(fresh.diagnostics).toEqual([]);
    expect(Object.keys(imageOf(fresh.expansion, ENV).inputs)).toContain('lock/numpy');
    const codeEnvs = '{ glm: { language: python, interpreter: "3.11", packages: [numpy, pandas] } }';
    const outdated = await rig({
      'rebake.yaml': declaration({ codeEnvs }),
      'pylock.glm.toml': pythonOf(fresh.expansion.locks, 'glm').text ?? '',
    });
    expect(outdated.diagnostics.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['warning LOCK_OUTDATED']);
    // What is not locked yet changes nothing that is installed.
    expect(ledgerOf(imageOf(outdated.expansion, ENV))).toEqual(ledgerOf(imageOf(fresh.expansion, ENV)));
  });

  it('needs the lock that it names', async () => {
    const codeEnvs = '{ glm: { language: python, packages: [numpy], lock: locks/pylock.glm.toml } }';
    const missing = await rig({ 'rebake.yaml': declaration({ codeEnvs }) });
    expect(told(missing.diagnostics)).toEqual(['LOCK_MISSING 6:63']);
    const { wanted, file } = pythonOf(missing.expansion.locks, 'glm');
    expect(file).toBe(join(missing.root, 'locks/pylock.glm.toml'));
    const there = await rig({
      'rebake.yaml': declaration({ codeEnvs }),
      'locks/pylock.glm.toml': pylock(PACKAGES, { madeFrom: wanted }),
    });
    expect(there.diagnostics).toEqual([]);
    expect(Object.keys(imageOf(there.expansion, ENV).inputs)).toContain('lock/numpy');
  });

  it('has variants of the lock that it names', async () => {
    const sections = {
      containerConfigs:
        '{ a: { engine: docker, base: python }, b: { engine: docker, base: python, platform: linux/arm64, repository: b } }',
      codeEnvs: '{ glm: { language: python, packages: [numpy], lock: locks/pylock.glm.toml } }',
    };
    using project = folder({ 'rebake.yaml': declaration(sections) });
    const missing = await project.readLater(10);
    const files = missing.expansion?.locks.map((one) => {
      if (one.kind !== 'python') throw new Error(one.kind);
      const name = one.file.slice(project.root.length + 1);
      project.write({ [name]: pylock(PACKAGES, { madeFrom: one.wanted }) });
      return name;
    });
    expect(files).toEqual(['locks/pylock.glm--amd64.toml', 'locks/pylock.glm--arm64.toml']);
    for (const seconds of [20, 30]) {
      const { expansion, diagnostics } = await project.readLater(seconds);
      expect(diagnostics).toEqual([]);
      expect(expansion?.locks.map(({ state }) => state)).toEqual(['fresh', 'fresh']);
    }
    project.remove('locks/pylock.glm--arm64.toml');
    expect((await project.readLater(40)).diagnostics.map(({ code }) => code)).toEqual(['LOCK_MISSING']);
  });

  it('names a file that is called like one', async () => {
    const codeEnvs = (lock: string): string => `{ glm: { language: python, packages: [numpy], lock: ${lock} } }`;
    const { diagnostics } = await rig({ 'rebake.yaml': declaration({ codeEnvs: codeEnvs('requirements.txt') }) });
    expect(diagnostics.map(({ code }) => code)).toEqual(['BAD_LOCK_NAME']);
  });

  it('takes along what runs today, as far as it is versions, and counts none of it', async () => {
    const codeEnvs = (more: string): string => `{ glm: { language: python, packages: [numpy]${more} } }`;
    const plain = await rig({ 'rebake.yaml': declaration({ codeEnvs: codeEnvs('') }) });
    const pinned = await rig({
      'rebake.yaml': declaration({ codeEnvs: codeEnvs(', pins: today.txt') }),
      'today.txt': '# by pip freeze\nnumpy==1.26.4\nown @ file:///opt/own\n-e /opt/other\nsix==1.16.0 \n',
    });
    expect(pinned.diagnostics).toEqual([]);
    expect(pinned.expansion.locks).toMatchObject([{ pins: ['numpy==1.26.4', 'six==1.16.0'] }]);
    const digests = ({ expansion }: Rig): readonly string[] =>
      Object.entries(imageOf(expansion, ENV).inputs).map(([key, { digest }]) => `${key} ${digest}`);
    expect(digests(pinned)).toEqual(digests(plain));
  });

  it('is broken where it is a link that leads nowhere, and nothing else is', async () => {
    using project = folder({ 'rebake.yaml': declaration() });
    symlinkSync('gone.toml', project.path('pylock.glm.toml'));
    const { diagnostics, expansion } = await project.readLater(10);
    expect(diagnostics.map(({ code }) => code)).toEqual(['LOCK_INVALID']);
    expect(expansion?.nodes.map(({ id }) => id)).toContain('base/python#linux/amd64');
  });

  it('is kept as long as it is used, however long ago it was parsed', async () => {
    const { expansion } = await rig({ 'rebake.yaml': declaration(OCI) });
    const written = pylock(PACKAGES, { madeFrom: pythonOf(expansion.locks, 'glm').wanted });
    using project = folder({ 'rebake.yaml': declaration(OCI), 'pylock.glm.toml': written });
    await project.readLater(10);
    const kept = project.path('.rebake/cache/locks');
    for (const name of readdirSync(kept)) utimesSync(join(kept, name), 1, 1);
    project.write({ 'pylock.other.toml': pylock({ numpy: '1.0' }, {}) });
    const read = await project.readLater(20);
    expect(read.diagnostics).toEqual([]);
    expect(imageOf(read.expansion ?? expansion, ENV).spec.steps).toHaveLength(1);
  });

  it('tells where a lock is broken', async () => {
    const { diagnostics, root } = await rig({
      'rebake.yaml': declaration(),
      'pylock.glm.toml': 'lock-version = "1.0"\npackages = what\n',
    });
    expect(diagnostics).toMatchObject([
      { code: 'LOCK_INVALID', severity: 'error', where: { file: join(root, 'pylock.glm.toml'), line: 2 } },
    ]);
  });
});

describe('what of a lock counts', () => {
  const versions = fc.dictionary(fc.constantFrom('numpy', 'pandas', 'pip', 'scipy'), fc.constantFrom('1.0', '2.0'), {
    minKeys: 1,
  });

  it('is what is locked: no order, no address', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(versions, versions, async (a, b) => {
        const [one, again, other] = await Promise.all([
          locked(OCI, a),
          locked(OCI, a, { host: 'mirror.example.com', reversed: true }),
          locked(OCI, b),
        ]);
        const [first, second, third] = [one, again, other].map(({ expansion }) => imageOf(expansion, ENV));
        if (first === undefined || second === undefined || third === undefined) throw new Error('no image');
        expect(ledgerOf(second)).toEqual(ledgerOf(first));
        const same = canonicalJson(a) === canonicalJson(b);
        expect(JSON.stringify(ledgerOf(third)) === JSON.stringify(ledgerOf(first))).toBe(same);
        const changed = Object.keys({ ...ledgerOf(first), ...ledgerOf(third) }).filter(
          (key) => ledgerOf(first)[key] !== ledgerOf(third)[key],
        );
        expect(changed.every((key) => key.startsWith('lock/'))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('counts for the envs that use it only', async () => {
    const codeEnvs = '{ glm: { language: python, packages: [numpy] }, other: { language: python, packages: [numpy] } }';
    const { expansion } = await rig({ 'rebake.yaml': declaration({ codeEnvs }) });
    const both = async (glm: string) =>
      (
        await rig({
          'rebake.yaml': declaration({ codeEnvs }),
          'pylock.glm.toml': pylock({ numpy: glm }, { madeFrom: pythonOf(expansion.locks, 'glm').wanted }),
          'pylock.other.toml': pylock({ numpy: '1.0' }, { madeFrom: pythonOf(expansion.locks, 'other').wanted }),
        })
      ).expansion.nodes;
    const [before, after] = [await both('1.0'), await both('2.0')];
    const changed = after.filter((node, index) => {
      const was = before[index];
      return was === undefined || JSON.stringify(ledgerOf(node)) !== JSON.stringify(ledgerOf(was));
    });
    expect(changed.map(({ id }) => id)).toEqual([ENV]);
  });

  it('has a package with several conditions once', async () => {
    const text = `${pylock({ numpy: '1.0' })}\n[[packages]]\nname = "numpy"\nversion = "2.0"\nmarker = "python_version >= '3.12'"\nwheels = [{ url = "https://files.example.com/numpy-2.0-py3-none-any.whl", hashes = { sha256 = "${'0'.repeat(64)}" } }]\n`;
    const { expansion, diagnostics } = await rig({ 'rebake.yaml': declaration(), 'pylock.glm.toml': text });
    expect(diagnostics.map(({ message }) => message)).toEqual([
      '`pylock.glm.toml` of the code env `glm` is out of date: it does not say what it was made from',
    ]);
    expect(imageOf(expansion, ENV).inputs['lock/numpy']?.shown).toBe('1.0 | 2.0');
  });
});

describe('an env on several bases', () => {
  it('has a lock for each interpreter and platform, with the lowest glibc', async () => {
    const sections = {
      ...OCI,
      baseImages:
        '{ old: { type: container-exec, from: { image: "almalinux:8" }, python: ["3.9", "3.11"] },' +
        ' new: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"] },' +
        ' newer: { type: container-exec, from: { base: new }, glibc: "2.41" } }',
      containerConfigs:
        '{ a: { engine: docker, base: old }, b: { engine: docker, base: new }, c: { engine: docker, base: newer },' +
        ' d: { engine: docker, base: new, platform: linux/arm64, repository: arm } }',
      codeEnvs: '{ each: { language: python }, one: { language: python, interpreter: "3.11" } }',
    };
    const { expansion, root, diagnostics } = await rig({ 'rebake.yaml': declaration(sections) });
    const shown = expansion.locks.map((one) =>
      one.kind === 'python'
        ? `${one.file.slice(root.length + 1)} ${one.wanted.interpreter} ${one.wanted.platform} ${one.wanted.glibc}`
        : one.of,
    );
    expect(shown).toEqual([
      'pylock.each--py39-amd64.toml 3.9 linux/amd64 2.28',
      'pylock.each--py311-amd64.toml 3.11 linux/amd64 2.36',
      'pylock.each--py311-arm64.toml 3.11 linux/arm64 2.36',
      'pylock.one--amd64.toml 3.11 linux/amd64 2.28',
      'pylock.one--arm64.toml 3.11 linux/arm64 2.36',
    ]);
    expect(diagnostics.map(({ code }) => code)).toEqual(['LOCK_MISSING', 'LOCK_MISSING']);
  });
});

describe('a base image', () => {
  it('has a lock for the packages of its builtin environment, and none without any', async () => {
    const plain = await rig({ 'rebake.yaml': declaration({ ...OCI, codeEnvs: null }) });
    expect(plain.diagnostics).toEqual([]);
    expect(plain.expansion.locks).toEqual([]);
    const sections = {
      ...OCI,
      codeEnvs: null,
      baseImages:
        '{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"], packages: [numpy] } }',
    };
    const missing = await rig({ 'rebake.yaml': declaration(sections) });
    expect(told(missing.diagnostics)).toEqual(['LOCK_MISSING 4:105']);
    expect(missing.expansion.nodes.map(({ role }) => role)).toEqual([]);
    const { wanted, of, name } = pythonOf(missing.expansion.locks, 'base-python');
    expect({ of, name }).toEqual({ of: 'base/python', name: 'base-python' });
    const { expansion, diagnostics } = await rig({
      'rebake.yaml': declaration(sections),
      'pylock.base-python.toml': pylock(PACKAGES, { madeFrom: wanted }),
    });
    expect(diagnostics).toEqual([]);
    const { inputs, spec } = imageOf(expansion, 'base/python#linux/amd64');
    expect(Object.keys(inputs)).toContain('lock/numpy');
    expect(spec.steps).toContainEqual(
      expect.objectContaining({ step: 'python-env', packages: expect.objectContaining({ glibc: '2.36' }) }),
    );
  });

  it('cannot share the file of its lock with a code env', async () => {
    const sections = {
      baseImages:
        '{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"], packages: [numpy] } }',
      codeEnvs: '{ base-python: { language: python } }',
    };
    const { diagnostics } = await rig({ 'rebake.yaml': declaration(sections) });
    expect(told(diagnostics)).toEqual(['NAME_COLLISION 6:26']);
  });
});

describe('bytecode', () => {
  it('is made unless the env says no', async () => {
    const of = async (more: string) => {
      const { expansion } = await rig({
        'rebake.yaml': declaration({ codeEnvs: `{ glm: { language: python, ${more} } }` }),
      });
      const { inputs, spec } = imageOf(expansion, ENV);
      return [inputs['bytecode']?.shown, spec.steps.map((step) => 'bytecode' in step && step.bytecode)];
    };
    expect(await of('bytecode: true')).toEqual([undefined, [true]]);
    expect(await of('bytecode: false')).toEqual(['false', [false]]);
  });
});

describe('a declaration that was read before', () => {
  it('is made anew after somebody changed what was kept of a lock', async () => {
    using project = folder({ 'rebake.yaml': declaration() });
    const { wanted } = pythonOf((await project.readLater(0)).expansion?.locks ?? [], 'glm');
    project.write({ 'pylock.glm.toml': pylock(PACKAGES, { madeFrom: wanted }) });
    const stepsAfter = async (seconds: number) => {
      const { expansion } = await project.readLater(seconds);
      return expansion === null ? null : imageOf(expansion, ENV).spec.steps.map(({ step }) => step);
    };
    expect(await stepsAfter(10)).toEqual(['python-env']);
    const kept = readdirSync(project.path('.rebake/cache/locks'));
    expect(kept).toHaveLength(2);
    let seconds = 10;
    for (const name of kept) {
      writeFileSync(project.path(`.rebake/cache/locks/${name}`), '{');
      await expect(stepsAfter((seconds += 10))).rejects.toThrow(/INPUT_MOVED.*run rebake again/);
      expect(await stepsAfter((seconds += 10))).toEqual(['python-env']);
      expect(await stepsAfter((seconds += 10))).toEqual(['python-env']);
    }
  });

  it('notices a lock that appears, changes and goes', async () => {
    using project = folder({ 'rebake.yaml': declaration() });
    const expansion = async (seconds: number) => {
      const read = await project.readLater(seconds);
      if (read.expansion === null) throw new Error('no expansion');
      return read.expansion;
    };
    const keys = async (seconds: number) => Object.keys(imageOf(await expansion(seconds), ENV).inputs);
    const { wanted } = pythonOf((await expansion(10)).locks, 'glm');
    expect(await keys(20)).toContain('packages/numpy');
    const write = (version: string): void =>
      writeFileSync(project.path('pylock.glm.toml'), pylock({ numpy: version }, { madeFrom: wanted }));
    write('1.0');
    expect(imageOf(await expansion(30), ENV).inputs['lock/numpy']?.shown).toBe('1.0');
    // From what was kept: the steps, too.
    const kept = await expansion(40);
    expect(imageOf(kept, ENV).spec.steps).toMatchObject([
      { packages: { locked: [{ name: 'numpy', version: '1.0' }] } },
    ]);
    expect(pythonOf(kept.locks, 'glm')).toMatchObject({ state: 'fresh', wanted });
    write('2.0.0');
    expect(imageOf(await expansion(50), ENV).inputs['lock/numpy']?.shown).toBe('2.0.0');
    project.write({ 'pylock.glm.toml': 'no lock' });
    expect((await project.readLater(60)).diagnostics.map(({ code }) => code)).toEqual(['LOCK_INVALID']);
    project.remove('pylock.glm.toml');
    expect(await keys(70)).toContain('packages/numpy');
  });
});

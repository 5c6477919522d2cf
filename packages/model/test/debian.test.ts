/** Base images without an engine: made of Debian packages, or from an image layout. */
import { join } from 'node:path';
import { debianLockDigest, debianLockFileName, parseDebianLock } from '@rebake/image/locks';
import { describe, expect, it } from 'vitest';
import { debianLock, debianOf, pythonOf } from './lock-rig.ts';
import { declaration, imageOf, ledgerOf, portable, rig, told } from './rig-expand.ts';

const OCI = { builders: '{ default: oci }' };

describe('Debian packages', () => {
  const DEBIAN = {
    ...OCI,
    baseImages:
      '{ python: { type: container-exec, from: { debian: { suite: bookworm, packages: [git] } }, systemPackages: [jq] },' +
      ' big: { type: container-exec, from: { base: python }, systemPackages: [vim], r: true } }',
    containerConfigs: '{ cpu: { engine: docker, base: python }, big: { engine: docker, base: big } }',
    codeEnvs: '{ stats: { language: r, packages: [dplyr, Matrix], jupyter: true, containerConfigs: [big] } }',
  };

  async function whole(versions: { libc6?: string; vim?: string } = {}) {
    const { expansion } = await rig({ 'rebake.yaml': declaration(DEBIAN) });
    const python = debianLock(
      { libc6: versions.libc6 ?? '2.36-9+deb12u7', git: '1:2.39' },
      debianOf(expansion.locks, 'base-python'),
    );
    const below = digestIn(python);
    const big = debianLock({ vim: versions.vim ?? '2:9.0' }, debianOf(expansion.locks, 'base-big'), below);
    const stats = debianLock({ 'r-cran-dplyr': '1.0' }, debianOf(expansion.locks, 'stats'), digestIn(big));
    return {
      'rebake.yaml': declaration(DEBIAN),
      [debianLockFileName('python', null)]: python,
      [debianLockFileName('big', null)]: big,
      [debianLockFileName('stats', null)]: stats,
    };
  }

  it('are locked for a whole system, and on top of one', async () => {
    const { expansion, root, diagnostics } = await rig({ 'rebake.yaml': declaration(DEBIAN) });
    expect(told(diagnostics)).toEqual(['LOCK_MISSING 4:63', 'LOCK_MISSING 4:196', 'LOCK_MISSING 6:45']);
    expect(
      expansion.locks.map((one) => one.kind === 'debian' && [one.of, one.packages, one.below?.slice(root.length + 1)]),
    ).toEqual([
      [
        'base/python',
        [
          'ca-certificates',
          'git',
          'jq',
          'libgomp1',
          'libstdc++6',
          'media-types',
          'netbase',
          'passwd',
          'python3-distutils',
          'python3.11',
          'python3.11-venv',
          'tzdata',
        ],
        undefined,
      ],
      ['base/big', ['r-base-core', 'vim'], 'debian.python.lock.json'],
      ['env/r/stats', ['r-cran-dplyr', 'r-cran-irkernel', 'r-cran-matrix'], 'debian.big.lock.json'],
    ]);
  });

  it('have names of Debian, and no versions', async () => {
    const baseImages =
      '{ python: { type: container-exec, from: { debian: { suite: bookworm } }, systemPackages: [jq=1.6] } }';
    const { diagnostics } = await rig({ 'rebake.yaml': declaration({ ...OCI, baseImages, codeEnvs: null }) });
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'REQUIREMENT_INVALID `jq=1.6` is no name of a Debian package (their versions are those of the lock)',
    ]);
  });

  it('are how an R env is locked, and only where its base is made of them', async () => {
    const codeEnvs = '{ stats: { language: r, lock: r.lock.json, packages: [dplyr], containerConfigs: [big] } }';
    const onDebian = await rig({ ...(await whole()), 'rebake.yaml': declaration({ ...DEBIAN, codeEnvs }) });
    expect(onDebian.diagnostics.map(({ code }) => code)).toEqual(['LOCK_MISSING']);
    const elsewhere = await rig({
      'rebake.yaml': declaration({
        ...OCI,
        baseImages: '{ big: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"], r: true } }',
        containerConfigs: '{ big: { engine: docker, base: big } }',
        codeEnvs,
      }),
    });
    expect(elsewhere.diagnostics.map(({ code }) => code)).toEqual(['NOT_ACTED_ON_YET']);
    expect(imageOf(elsewhere.expansion, 'env/r/stats@big#linux/amd64').spec.steps).toMatchObject([
      { step: 'r-packages', names: ['dplyr'] },
    ]);
  });

  it('become steps, and count by version and digest', async () => {
    const { expansion, diagnostics } = await rig(await whole());
    expect(diagnostics).toEqual([]);
    const stepsOf = (id: string) => imageOf(expansion, id).spec.steps.map(({ step }) => step);
    expect(stepsOf('base/python#linux/amd64')).toEqual(['debian', 'user', 'python-env', 'link']);
    expect(stepsOf('base/big#linux/amd64')).toEqual(['debian']);
    expect(stepsOf('env/r/stats@big#linux/amd64')).toEqual(['debian']);
    const inputs = Object.keys(imageOf(expansion, 'base/python#linux/amd64').inputs);
    expect(inputs.filter((key) => /^(?:debian|system|from)/.test(key))).toEqual([
      'debian-suite',
      'debian/git',
      'debian/libc6',
    ]);
    expect(portable(imageOf(expansion, 'env/r/stats@big#linux/amd64').spec)).toMatchObject({
      steps: [{ step: 'debian', suite: 'bookworm', mirror: null, packages: [{ name: 'r-cran-dplyr' }] }],
    });
  });

  it('are out of date on top of others', async () => {
    const files = await whole();
    const { [debianLockFileName('python', null)]: changed = '' } = await whole({ libc6: '2.36-9+deb12u8' });
    const { diagnostics } = await rig({ ...files, [debianLockFileName('python', null)]: changed });
    expect(diagnostics.map(({ message }) => message)).toEqual([
      '`debian.big.lock.json` of the base image `big` is out of date: the packages below it changed',
    ]);
  });

  it('decide the glibc that wheels may need', async () => {
    const codeEnvs = '{ glm: { language: python, containerConfigs: [cpu] } }';
    const files = { ...(await whole({ libc6: '2.37-1' })), 'rebake.yaml': declaration({ ...DEBIAN, codeEnvs }) };
    const { expansion } = await rig(files);
    expect(pythonOf(expansion.locks, 'glm').wanted.glibc).toBe('2.37');
  });

  it('come from the mirror that is declared, which counts for nothing', async () => {
    const from = 'mirror: "https://mirror.example.com/debian/", keyring: keys.gpg, ';
    const files = await whole();
    const [plain, mirrored] = await Promise.all([
      rig(files),
      rig({
        ...files,
        'rebake.yaml': files['rebake.yaml'].replace('packages: [git]', `${from}packages: [git]`),
        'keys.gpg': '',
      }),
    ]);
    expect(mirrored.diagnostics).toEqual([]);
    const [before, after] = [plain, mirrored].map(({ expansion }) => imageOf(expansion, 'base/python#linux/amd64'));
    if (before === undefined || after === undefined) throw new Error('no image');
    expect(ledgerOf(after)).toEqual(ledgerOf(before));
    expect(after.spec.steps[0]).toMatchObject({
      mirror: { url: 'https://mirror.example.com/debian', keyring: join(mirrored.root, 'keys.gpg') },
    });
  });
});

describe('a layout', () => {
  it.each([
    [
      'a folder',
      '{ layout: image, name: "app:1" }',
      { 'image/index.json': '{}', 'image/oci-layout': '{}' },
      ['from/layout/index.json', 'from/layout/oci-layout', 'from/name'],
      'app:1',
    ],
    ['an archive', '{ layout: image.tar }', { 'image.tar': 'tar' }, ['from/layout/image.tar'], null],
  ])('as %s is what an image starts from', async (_, from, files, keys, name) => {
    const baseImages = `{ python: { type: container-exec, from: ${from}, python: ["3.11"] } }`;
    const { expansion, diagnostics } = await rig({
      'rebake.yaml': declaration({ ...OCI, baseImages, codeEnvs: null }),
      ...files,
    });
    expect(diagnostics).toEqual([]);
    const { inputs, spec } = imageOf(expansion, 'base/python#linux/amd64');
    expect(Object.keys(inputs).filter((key) => key.startsWith('from/'))).toEqual(keys);
    expect(spec.steps[0]).toMatchObject({ step: 'layout', name });
  });
});

function digestIn(text: string): ReturnType<typeof debianLockDigest> {
  const parsed = parseDebianLock(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return debianLockDigest(parsed.lock);
}

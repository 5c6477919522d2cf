/** Names of lock files, and which wheels a lock is about. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { debianLockFileName, lockFileName, wheelFits } from '@rebake/image/locks';

describe('file names', () => {
  it('are the names of what is locked, where a file can have them', () => {
    expect(lockFileName('glm', null)).toBe('pylock.glm.toml');
    expect(lockFileName('base-python', 'py311-arm64')).toBe('pylock.base-python--py311-arm64.toml');
    expect(debianLockFileName('base-python', null)).toBe('debian.base-python.lock.json');
    expect(lockFileName('Sales Forecast:V2', null)).toMatch(/^pylock\.sales-forecast-v2-x[0-9a-f]{10}\.toml$/);
    expect(lockFileName('été', null)).toMatch(/^pylock\.t-x[0-9a-f]{10}\.toml$/);
    expect(lockFileName('..', null)).toMatch(/^pylock\.x[0-9a-f]{10}\.toml$/);
  });

  it('are those that PEP 751 allows, short, and never the same for two', () => {
    const ids = fc.oneof(
      fc.string({ minLength: 1, maxLength: 200 }),
      fc.stringMatching(/^[a-z-]{1,4}(--)?[a-z-]{0,3}(-x[0-9a-f]{10})?$/).filter((id) => id !== ''),
    );
    const variants = fc.option(fc.constantFrom('py311', 'py311-arm64', 'arm64'));
    fc.assert(
      fc.property(ids, variants, ids, variants, (a, va, b, vb) => {
        const [one, other] = [lockFileName(a, va), lockFileName(b, vb)];
        expect(one).toMatch(/^pylock\.[a-z0-9][a-z0-9_-]{0,140}\.toml$/);
        expect(one === other).toBe(a === b && va === vb);
      }),
      { numRuns: 1000 },
    );
    // The name of one thing is never what another's is made into.
    const made = /^pylock\.(.*)\.toml$/.exec(lockFileName('A', null))?.[1] ?? '';
    expect(lockFileName(made, null)).not.toBe(lockFileName('A', null));
  });
});

describe('a wheel', () => {
  const target = { interpreter: '3.11', platform: 'linux/amd64', glibc: '2.28' } as const;
  it.each([
    'six-1.17.0-py2.py3-none-any.whl',
    'x-1-py3-none-any.whl',
    'x-1-py311-none-any.whl',
    'x-1-py38-none-linux_x86_64.whl',
    'x-1-cp311-cp311-manylinux_2_28_x86_64.whl',
    'x-1-cp311-cp311-manylinux_2_5_x86_64.manylinux1_x86_64.whl',
    'x-1-2build-cp311-cp311-manylinux2014_x86_64.whl',
    'x-1-cp38-abi3-manylinux2010_x86_64.whl',
    'x-1-cp311-none-manylinux_2_17_x86_64.manylinux_2_39_x86_64.whl',
    'x-1-cp39.cp310.cp311-abi3-linux_x86_64.whl',
  ])('fits: %s', (name) => expect(wheelFits(name, target)).toBe(true));

  it.each([
    'x-1-py2-none-any.whl',
    'x-1-py312-none-any.whl',
    'x-1-cp312-cp312-manylinux_2_17_x86_64.whl',
    'x-1-cp310-cp310-manylinux_2_17_x86_64.whl',
    'x-1-cp312-abi3-manylinux_2_17_x86_64.whl',
    'x-1-cp311-cp311t-manylinux_2_17_x86_64.whl',
    'x-1-cp311-cp311-manylinux_2_31_x86_64.whl',
    'x-1-cp311-cp311-manylinux_2_28_aarch64.whl',
    'x-1-cp311-cp311-musllinux_1_2_x86_64.whl',
    'x-1-cp311-cp311-win_amd64.whl',
    'x-1-cp311-cp311-macosx_11_0_arm64.whl',
    'x-1-pp311-pypy311_pp73-manylinux_2_17_x86_64.whl',
    'x-1-py3-any.whl',
    'x-1.tar.gz',
  ])('does not fit: %s', (name) => expect(wheelFits(name, target)).toBe(false));

  it('fits by the machine and the interpreter that are asked for', () => {
    const arm = { interpreter: '3.7', platform: 'linux/arm64', glibc: '2.17' } as const;
    expect(wheelFits('x-1-cp37-cp37m-manylinux2014_aarch64.whl', arm)).toBe(true);
    expect(wheelFits('x-1-cp37-cp37m-manylinux2014_x86_64.whl', arm)).toBe(false);
  });
});

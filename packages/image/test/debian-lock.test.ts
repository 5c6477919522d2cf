/** Locks of Debian packages: what is read, what is refused, what counts. */
import { describe, expect, it } from 'vitest';
import {
  debianLockDifferences,
  debianLockDigest,
  debianLockText,
  parseDebianLock,
  type DebianLock,
  type LockedDeb,
} from '@rebake/image/locks';

const deb = (name: string, rest: Partial<LockedDeb> = {}): LockedDeb => ({
  name,
  version: '1:2.0-1+b1',
  architecture: 'amd64',
  path: `pool/main/${name.slice(0, 1)}/${name}/${name}_2.0-1+b1_amd64.deb`,
  size: 10,
  digest: `sha256:${'ab'.repeat(32)}`,
  ...rest,
});
const LOCK: DebianLock = {
  packages: [deb('bash'), deb('libstdc++6'), deb('tzdata', { architecture: 'all' })],
  madeFrom: { suite: 'bookworm', architecture: 'amd64', wanted: ['bash', 'r-base-core=4.2-1'], below: null },
};

function refusal(change: Readonly<Record<string, unknown>>): string {
  const document = { ...(JSON.parse(debianLockText(LOCK)) as object), ...change };
  const parsed = parseDebianLock(JSON.stringify(document));
  if (parsed.ok) throw new Error('it was taken');
  return parsed.message;
}

describe('a Debian lock', () => {
  it('is written in one way, a line a package, and read again', () => {
    const text = debianLockText(LOCK);
    expect(parseDebianLock(text)).toEqual({ ok: true, lock: LOCK });
    const turned: DebianLock = {
      packages: [...LOCK.packages].reverse(),
      madeFrom: { ...LOCK.madeFrom, wanted: [...LOCK.madeFrom.wanted, 'bash'].reverse() },
    };
    expect(debianLockText(turned)).toBe(text);
    expect(text.split('\n').filter((line) => line.includes('"pool/'))).toHaveLength(3);
    expect(text).not.toMatch(/https?:/);
  });

  it.each([
    ['a version that is known', { version: 2 }, 'it is of version 2'],
    ['a suite', { suite: '../x' }, '`suite`'],
    ['an architecture', { architecture: 'i386' }, '`architecture`'],
    ['names', { wanted: ['-x'] }, '`wanted`'],
    ['a digest', { below: 'x' }, '`below`'],
    ['a list', { packages: {} }, '`packages` is no list'],
    ['packages', { packages: [1] }, 'something that is no package'],
    ['a name', { packages: [{ ...deb('bash'), name: 'Bash' }] }, '"Bash" is no name'],
    ['a version', { packages: [{ ...deb('bash'), version: 'x' }] }, 'the package bash has no version'],
    ['a path below the pool', { packages: [{ ...deb('bash'), path: 'pool/../x.deb' }] }, 'has no path below'],
    ['a path that is relative', { packages: [{ ...deb('bash'), path: '/pool/x.deb' }] }, 'has no path below'],
    ['a size', { packages: [{ ...deb('bash'), size: 0 }] }, 'the package bash has no size'],
    ['a digest of its own', { packages: [{ ...deb('bash'), digest: 'sha256:0' }] }, 'the package bash has no digest'],
    ['one architecture', { packages: [{ ...deb('bash'), architecture: 'arm64' }] }, 'the package bash is for arm64'],
    ['each once', { packages: [deb('bash'), deb('bash')] }, 'the package bash is there twice'],
  ])('is refused without %s', (_, change, words) => {
    expect(refusal(change)).toContain(words);
  });

  it('is refused when it is no JSON', () => {
    expect(parseDebianLock('{')).toMatchObject({
      ok: false,
      message: expect.stringContaining('it is no JSON') as string,
    });
    expect(parseDebianLock('[]')).toEqual({ ok: false, message: 'it is no JSON object' });
  });

  it('counts for what is on top of it: packages, and what is below it', () => {
    const digest = debianLockDigest(LOCK);
    const on = (change: Partial<DebianLock>): string => debianLockDigest({ ...LOCK, ...change });
    expect(on({ packages: [...LOCK.packages].reverse() })).toBe(digest);
    expect(on({ packages: [deb('bash', { path: 'pool/x/y.deb' }), ...LOCK.packages.slice(1)] })).toBe(digest);
    expect(on({ packages: [deb('bash', { version: '3' }), ...LOCK.packages.slice(1)] })).not.toBe(digest);
    expect(on({ madeFrom: { ...LOCK.madeFrom, below: digest } })).not.toBe(digest);
    expect(on({ madeFrom: { ...LOCK.madeFrom, wanted: [] } })).toBe(digest);
  });

  it('tells how it differs from what is wanted', () => {
    const { madeFrom } = LOCK;
    expect(debianLockDifferences(madeFrom, madeFrom)).toEqual([]);
    expect(
      debianLockDifferences(
        { suite: 'trixie', architecture: 'arm64', wanted: ['bash', 'tzdata'], below: `sha256:${'00'.repeat(32)}` },
        madeFrom,
      ),
    ).toEqual([
      'the suite was bookworm',
      'the architecture was amd64',
      'the packages below it changed',
      'tzdata was added',
      'r-base-core=4.2-1 was removed',
    ]);
  });
});

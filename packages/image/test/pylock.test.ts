/** Locks of Python packages: what is read, what is refused, and that writing and reading are one. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  lockDifferences,
  lockDigests,
  parsePylock,
  pylockText,
  type LockedPackage,
  type MadeFrom,
  type Pylock,
} from '@rebake/image/locks';

const HEX = 'ab'.repeat(32);
const SIX = `{ url = "https://files.example.com/a/six-1.17.0-py2.py3-none-any.whl", size = 11050, hashes = { sha256 = "${HEX}" } }`;

function lock(...packages: readonly string[]): string {
  return ['lock-version = "1.0"', ...packages.map((body) => `[[packages]]\n${body}`)].join('\n');
}

function refusal(text: string): string {
  const parsed = parsePylock(text);
  if (parsed.ok) throw new Error('it was taken');
  return parsed.message;
}

function read(text: string): Pylock {
  const parsed = parsePylock(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.lock;
}

describe('a lock of any tool', () => {
  it('is read: normalized names, files by digest, an archive as direct, markers kept', () => {
    const { packages, madeFrom, compiles } = read(`
lock-version = "1.1"
created-by = "some tool"
environments = ["sys_platform == 'linux'"]
requires-python = ">=3.11"
[[packages]]
name = "Zope.Interface"
version = "7.0"
index = "https://index.example.com/simple"
marker = "python_version >= '3.8'"
requires-python = ">=3.8"
sdist = { name = "zope_interface-7.0.tar.gz", url = "https://files.example.com/d/0?download=1", hashes = { md5 = "x", sha256 = "${HEX}" } }
wheels = [
    ${SIX},
]
[[packages]]
name = "direct"
archive = { url = "https://files.example.com/direct%2B1-1.0.tar.gz#sha256=${HEX}", hashes = { sha256 = "${HEX}" } }
[tool.other]
x = 1
`);
    const digest = `sha256:${HEX}`;
    expect({ madeFrom, compiles }).toEqual({ madeFrom: null, compiles: [] });
    expect(packages).toEqual([
      {
        name: 'direct',
        version: null,
        marker: null,
        direct: true,
        wheels: [],
        sdist: {
          name: 'direct+1-1.0.tar.gz',
          url: `https://files.example.com/direct%2B1-1.0.tar.gz#sha256=${HEX}`,
          size: null,
          digest,
        },
      },
      {
        name: 'zope-interface',
        version: '7.0',
        marker: "python_version >= '3.8'",
        direct: false,
        wheels: [
          {
            name: 'six-1.17.0-py2.py3-none-any.whl',
            url: 'https://files.example.com/a/six-1.17.0-py2.py3-none-any.whl',
            size: 11_050,
            digest,
          },
        ],
        sdist: {
          name: 'zope_interface-7.0.tar.gz',
          url: 'https://files.example.com/d/0?download=1',
          size: null,
          digest,
        },
      },
    ]);
  });

  it.each([
    ['lock-version', '', 'it has no `lock-version`'],
    ['a later version', 'lock-version = "2.0"\npackages = []', 'its version is 2.0'],
    ['packages', 'lock-version = "1.0"', 'it has no `packages`'],
    ['a name', lock('version = "1"'), 'undefined names no package'],
    ['a name that is one', lock('name = "../six"\nversion = "1"'), '"../six" names no package'],
    ['a version', lock(`name = "six"\nwheels = [${SIX}]`), 'the package six has no version'],
    ['a version that is one', lock('name = "six"\nversion = "1 --pre"'), 'has a version that is none'],
    ['files', lock('name = "six"\nversion = "1"'), 'the package six has no files'],
    ['a marker on one line', lock(`name = "six"\nversion = "1"\nmarker = "a\\n--pre"`), 'has a marker that is none'],
    [
      'no repository',
      lock('name = "six"\nvcs = { type = "git", url = "https://x.example.com" }'),
      'the package six is from a repository',
    ],
    ['no folder', lock('name = "six"\ndirectory = { path = "." }'), 'the package six is from a folder'],
    [
      'a hash',
      lock(
        'name = "six"\nversion = "1"\nwheels = [{ url = "https://x.example.com/six-1-py3-none-any.whl", hashes = { md5 = "0" } }]',
      ),
      'six-1-py3-none-any.whl of the package six has no sha256',
    ],
    [
      'a whole hash',
      lock(
        'name = "six"\nversion = "1"\nwheels = [{ url = "https://x.example.com/six-1-py3-none-any.whl", hashes = { sha256 = "AB" } }]',
      ),
      'has no sha256',
    ],
    [
      'an address',
      lock(`name = "six"\nversion = "1"\nwheels = [{ path = "wheels/six.whl", hashes = { sha256 = "${HEX}" } }]`),
      'wheels/six.whl is only on the machine that wrote the lock',
    ],
    [
      'an address of http',
      lock(`name = "six"\nversion = "1"\nwheels = [{ url = "file:///etc/six.whl", hashes = { sha256 = "${HEX}" } }]`),
      'whose address is none of http or https',
    ],
    [
      'no login',
      lock(
        `name = "six"\nversion = "1"\nwheels = [{ url = "https://a:b@x.example.com/six.whl", hashes = { sha256 = "${HEX}" } }]`,
      ),
      'whose address holds a login',
    ],
    [
      'a plain file name',
      lock(
        `name = "six"\nversion = "1"\nwheels = [{ name = "../six.whl", url = "https://x.example.com/six.whl", hashes = { sha256 = "${HEX}" } }]`,
      ),
      'a file whose name is none: "../six.whl"',
    ],
    [
      'a plain file name in the address',
      lock(
        `name = "six"\nversion = "1"\nwheels = [{ url = "https://x.example.com/..%2Fsix.whl", hashes = { sha256 = "${HEX}" } }]`,
      ),
      'a file whose name is none: "../six.whl"',
    ],
    [
      'wheels among the wheels',
      lock(
        `name = "six"\nversion = "1"\nwheels = [{ url = "https://x.example.com/six.zip", hashes = { sha256 = "${HEX}" } }]`,
      ),
      'has six.zip among its wheels',
    ],
    [
      'one kind of files',
      lock(`name = "six"\narchive = ${SIX}\nwheels = [${SIX}]`),
      'both an archive and files of an index',
    ],
    [
      'the root of an archive',
      lock(
        `name = "six"\narchive = { url = "https://x.example.com/six.zip", subdirectory = "x", hashes = { sha256 = "${HEX}" } }`,
      ),
      'is in a folder of its archive',
    ],
    [
      'a size that is one',
      lock(
        `name = "six"\nversion = "1"\nwheels = [{ url = "https://x.example.com/six.whl", size = -1, hashes = { sha256 = "${HEX}" } }]`,
      ),
      'has a size that is none',
    ],
    [
      'what rebake says in full',
      `${lock(`name = "six"\nversion = "1"\nwheels = [${SIX}]`)}\n[tool.rebake]\nglibc = "2.36"`,
      'was not written by rebake',
    ],
  ])('is refused without %s', (_, text, words) => {
    expect(refusal(text)).toContain(words);
  });

  it('is refused with the line where it is no TOML', () => {
    expect(parsePylock('lock-version = "1.0"\npackages = [\n???')).toMatchObject({
      ok: false,
      message: expect.stringMatching(/^it is no TOML: /) as string,
      line: 3,
    });
  });

  it('means the same however its files are written', () => {
    const short = lock(`name = "six"\nversion = "1"\nwheels = [\n    ${SIX},\n]`);
    const long = lock(
      `name = "six"\nversion = "1"\n[[packages.wheels]]\nsize = 11050\nurl = 'https://files.example.com/a/six-1.17.0-py2.py3-none-any.whl'\n[packages.wheels.hashes]\nsha256 = "${HEX}"`,
    );
    expect(read(short)).toEqual(read(long));
    // Text that only looks like a file, or like what stands for one, is nothing but text.
    expect(refusal(lock(`name = "six"\nversion = "1"\nwheels = ["#0"]\nsdist = ${SIX}`))).toContain(
      'among its files that is none',
    );
    expect(read(lock(`name = "six"\nversion = "1"\nwheels = [${SIX}]\n[packages.tool.x]\ny = "#0"`))).toEqual(
      read(short),
    );
  });
});

const digests = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => `sha256:${Buffer.from(bytes).toString('hex')}` as const);
const names = fc.stringMatching(/^[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?$/);
const files = (ending: string): fc.Arbitrary<LockedPackage['wheels'][number]> =>
  fc.record({
    name: fc.stringMatching(/^[A-Za-z0-9_]{1,8}-[0-9]\.[0-9]$/).map((name) => `${name}${ending}`),
    url: fc
      .stringMatching(/^https:\/\/[a-z]{1,5}\.example\.com\/[a-z0-9/]{0,6}[a-z0-9.+_%?=-]{1,6}$/)
      .filter((url) => !url.includes('%')),
    size: fc.option(fc.nat()),
    digest: digests,
  });
const packages: fc.Arbitrary<LockedPackage> = fc
  .record({
    name: names,
    version: fc.stringMatching(/^[0-9]{1,2}\.[0-9]{1,2}(\.post1|rc2|\+cpu)?$/),
    marker: fc.option(fc.stringMatching(/^[ -~]{1,20}$/)),
    wheels: fc.array(files('.whl'), { minLength: 1, maxLength: 3 }),
    sdist: fc.option(files('.tar.gz')),
  })
  .map((one) => ({ ...one, direct: false }));
const made: fc.Arbitrary<MadeFrom> = fc.record({
  interpreter: fc.constantFrom('3.9', '3.11'),
  platform: fc.constantFrom('linux/amd64', 'linux/arm64'),
  glibc: fc.constantFrom('2.28', '2.36'),
  requirements: fc.dictionary(
    fc.oneof(names, fc.constant('--pre'), fc.constant('https://x.example.com/a.whl')),
    digests,
  ),
});

describe('writing', () => {
  it('is undone by reading, and is the same whatever the order was', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(packages, { selector: ({ name }) => name, maxLength: 4 }),
        made,
        fc.uniqueArray(names),
        (all, madeFrom, compiles) => {
          const text = pylockText({ packages: all, madeFrom, compiles });
          const back = read(text);
          expect(pylockText(back)).toBe(text);
          expect(pylockText({ packages: [...all].reverse(), madeFrom, compiles: [...compiles].reverse() })).toBe(text);
          expect(back.madeFrom).toEqual(madeFrom);
          expect([...back.compiles].sort()).toEqual([...compiles].sort());
          const digestsOf = (some: readonly LockedPackage[]): Record<string, string> =>
            Object.fromEntries(some.map((one) => [one.name, lockDigests(one)]));
          expect(digestsOf(back.packages)).toEqual(digestsOf(all));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps an archive by address', () => {
    const text = lock(`name = "six"\nversion = "1.17.0"\narchive = ${SIX}`);
    const again = pylockText(read(text));
    expect(again).toContain(`archive = ${SIX}`);
    expect(read(again)).toEqual(read(text));
  });
});

describe('what counts', () => {
  const [six] = read(lock(`name = "six"\nversion = "1"\nwheels = [${SIX}]`)).packages as [LockedPackage];
  const [wheel] = six.wheels as [LockedPackage['wheels'][number]];

  it('is neither an address nor a file name', () => {
    const moved = { ...wheel, url: 'https://mirror.example.com/b/six.whl', name: 'six.whl', size: null };
    expect(lockDigests({ ...six, wheels: [moved] })).toBe(lockDigests(six));
  });

  it.each([
    ['version', { version: '2' }],
    ['marker', { marker: "os_name == 'posix'" }],
    ['how it was asked for', { direct: true }],
    ['a file', { wheels: [{ ...wheel, digest: `sha256:${'cd'.repeat(32)}` } as const] }],
    ['a file more', { sdist: wheel }],
  ])('is the %s', (_, change) => {
    expect(lockDigests({ ...six, ...change })).not.toBe(lockDigests(six));
  });

  it('of what it was made from is told in words', () => {
    const before: MadeFrom = {
      interpreter: '3.10',
      platform: 'linux/amd64',
      glibc: '2.28',
      requirements: { numpy: `sha256:${HEX}`, pandas: `sha256:${HEX}` },
    };
    const now: MadeFrom = {
      interpreter: '3.11',
      platform: 'linux/arm64',
      glibc: '2.36',
      requirements: { numpy: `sha256:${'cd'.repeat(32)}`, '--pre': `sha256:${HEX}` },
    };
    expect(lockDifferences(now, now)).toEqual([]);
    expect(lockDifferences(now, null)).toEqual(['it does not say what it was made from']);
    expect(lockDifferences(now, before)).toEqual([
      'the interpreter was 3.10',
      'the platform was linux/amd64',
      'glibc was 2.28',
      '--pre was added',
      'numpy was changed',
      'pandas was removed',
    ]);
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`p${i}`, `sha256:${HEX}` as const]));
    expect(lockDifferences({ ...before, requirements: {} }, { ...before, requirements: many }).at(-1)).toBe(
      'and 3 more',
    );
  });
});

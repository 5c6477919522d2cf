// Tags, versions and markers, held against Python's own `packaging`.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluateMarker, markerEnvironment } from '../src/choose/markers.ts';
import { supportedTags, type Target } from '../src/choose/tags.ts';
import { compareVersions, fitsSpecifier, parseVersion } from '../src/choose/version.ts';
import { pythonTools } from './support/tools.ts';

/** Answers of a Python program to many questions at once. */
function ask<Q, A>(program: string, questions: readonly Q[]): readonly A[] {
  const { folder } = pythonTools();
  const whole = `import json, sys\nsys.path.insert(0, ${JSON.stringify(folder)})\nquestions = json.load(sys.stdin)\n${program}\njson.dump([answer(q) for q in questions], sys.stdout)\n`;
  return JSON.parse(
    execFileSync('python3', ['-I', '-c', whole], {
      input: JSON.stringify(questions),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    }),
  ) as A[];
}

const small = fc.integer({ min: 0, max: 12 });
const version = fc
  .tuple(
    fc.constantFrom('', '', '', '1!', '0!'),
    fc.array(small, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '', 'a1', '.b2', '-rc.3', 'c', '_alpha_4', 'pre0'),
    fc.constantFrom('', '', '', '.post1', '-2', 'rev3', '.r', '_post'),
    fc.constantFrom('', '', '', '.dev0', '-dev', 'dev7'),
    fc.constantFrom('', '', '', '+local', '+1.2', '+abc.1', '+deb-1_2', '+10'),
  )
  .map(([epoch, release, ...rest]) => `${epoch}${release.join('.')}${rest.join('')}`);

test('versions are ordered as packaging orders them', () => {
  const pairs = fc.sample(fc.tuple(version, version), 3000);
  const answers = ask<(typeof pairs)[number], number>(
    'from packaging.version import Version\ndef answer(q):\n  a, b = map(Version, q)\n  return (a > b) - (a < b)',
    pairs,
  );
  const mine = pairs.map(([a, b]) => {
    const [x, y] = [parseVersion(a), parseVersion(b)];
    return x === null || y === null ? null : Math.sign(compareVersions(x, y));
  });
  expect(mine).toEqual(answers);
});

test('specifiers fit as they do for packaging', () => {
  const operator = fc.constantFrom('==', '!=', '<=', '>=', '<', '>', '~=');
  const triples = fc.sample(
    fc.tuple(
      version,
      operator,
      fc.oneof(
        version,
        small.chain((a) => small.map((b) => `${a}.${b}.*`)),
      ),
    ),
    4000,
  );
  const answers = ask<(typeof triples)[number], boolean | null>(
    `from packaging.specifiers import Specifier, InvalidSpecifier
def answer(q):
  try:
    return Specifier(q[1] + q[2]).contains(q[0], prereleases=True)
  except InvalidSpecifier:
    return None`,
    triples,
  );
  const wrong = triples.flatMap(([v, op, spec], i) => {
    const mine = fitsSpecifier(v, op, spec);
    return mine === answers[i] ? [] : [`${v} ${op} ${spec}: ${String(mine)}, packaging says ${String(answers[i])}`];
  });
  expect(wrong).toEqual([]);
});

const environment = markerEnvironment('3.11', '3.11.2', 'x86_64');

const clause = fc.oneof(
  fc.tuple(
    fc.constantFrom('python_version', 'python_full_version', 'implementation_version'),
    fc.constantFrom('<', '<=', '>', '>=', '==', '!=', '~=', 'in', 'not in', '==='),
    fc.constantFrom('3', '3.8', '3.11', '3.11.2', '3.12', '3.*', '3.11.*', '3.11rc1', '3.10 3.11', '2.7,3.11', 'old'),
  ),
  fc.tuple(
    fc.constantFrom(
      'os_name',
      'sys_platform',
      'platform_system',
      'platform_machine',
      'platform_python_implementation',
      'implementation_name',
      'os.name',
      'python_implementation',
    ),
    fc.constantFrom('==', '!=', 'in', 'not in', '<', '>=', '==='),
    fc.constantFrom(
      'posix',
      'linux',
      'Linux',
      'win32',
      'x86_64',
      'aarch64',
      'CPython',
      'cpython',
      'linux darwin',
      'x86_64 aarch64',
      '',
    ),
  ),
  fc.tuple(fc.constant('extra'), fc.constantFrom('==', '!='), fc.constantFrom('test', 'Test_Extra', '')),
);
const written = fc
  .tuple(clause, fc.boolean(), fc.constantFrom('"', "'"), fc.constantFrom('', ' ', '  '))
  .map(([[variable, operator, value], isSwapped, quote, space]) => {
    const gap = /[a-z]/.test(operator) ? ' ' : space;
    const text = `${quote}${value}${quote}`;
    return isSwapped ? `${text}${gap}${operator}${gap}${variable}` : `${variable}${gap}${operator}${gap}${text}`;
  });
const { marker } = fc.letrec<{ marker: string }>((tie) => ({
  marker: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    written,
    fc.tuple(tie('marker'), fc.constantFrom(' and ', ' or '), tie('marker')).map((parts) => parts.join('')),
    tie('marker').map((inner) => `(${inner})`),
  ),
}));

test('markers hold where they hold for packaging', () => {
  const markers = fc.sample(marker, 3000);
  const answers = ask<string, boolean | string>(
    `from packaging.markers import Marker, InvalidMarker, UndefinedComparison
env = ${JSON.stringify(environment)}
env["extras"] = set()
env["dependency_groups"] = set()
def answer(q):
  try:
    return Marker(q).evaluate(env)
  except (InvalidMarker, UndefinedComparison) as problem:
    return "invalid"`,
    markers,
  );
  const wrong = markers.flatMap((text, i) => {
    const mine = evaluateMarker(text, environment);
    const said = mine.ok ? mine.holds : 'invalid';
    return said === answers[i] ? [] : [`${text}: ${String(said)}, packaging says ${String(answers[i])}`];
  });
  expect(wrong).toEqual([]);
});

test('what is no marker is none for packaging either', () => {
  const texts = [
    '',
    'python_version',
    'python_version >',
    'os_name == posix',
    '(os_name == "x"',
    'os_name == "x")',
    'os_name == "x" and',
    'os_name not "x"',
    'color == "red"',
    'os_name == "x" xor os_name == "y"',
    `os_name == "x`,
  ];
  const answers = ask<string, boolean>(
    'from packaging.markers import Marker, InvalidMarker\ndef answer(q):\n  try:\n    Marker(q)\n    return True\n  except InvalidMarker:\n    return False',
    texts,
  );
  expect(texts.filter((text) => evaluateMarker(text, environment).ok)).toEqual([]);
  expect(texts.filter((_, i) => answers[i] === true)).toEqual([]);
});

test.each<Target>([
  { interpreter: '3.11', glibc: '2.36', platform: 'linux/amd64' },
  { interpreter: '3.9', glibc: '2.28', platform: 'linux/amd64' },
  { interpreter: '3.7', glibc: '2.17', platform: 'linux/amd64' },
  { interpreter: '3.13', glibc: '2.39', platform: 'linux/arm64' },
])('tags of $interpreter with glibc $glibc on $platform are those of packaging, in its order', (target) => {
  const [answer = []] = ask<unknown, readonly string[]>(
    `import unittest.mock, packaging.tags as tags, packaging._manylinux as manylinux
def answer(q):
  version, glibc, arch = q
  version = tuple(map(int, version.split(".")))
  with unittest.mock.patch.object(manylinux, "_get_glibc_version", lambda: tuple(map(int, glibc.split(".")))), \\
       unittest.mock.patch.object(manylinux, "_have_compatible_abi", lambda *_: True):
    platforms = ["linux_" + arch, *manylinux.platform_tags([arch])]
  own = "cp%d%d" % version
  abi = own + "m" if version < (3, 8) else own
  found = [*tags.cpython_tags(version, [abi], platforms), *tags.compatible_tags(version, own, platforms)]
  return list(dict.fromkeys(map(str, found)))`,
    [[target.interpreter, target.glibc, target.platform === 'linux/amd64' ? 'x86_64' : 'aarch64']],
  );
  expect([...supportedTags(target).keys()]).toEqual(answer);
});

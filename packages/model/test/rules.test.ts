import { digestOfBytes } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { DIAGNOSTIC_KINDS } from '../src/diagnostic-codes.ts';
import { RULE_ROWS } from '../src/diagnostic-codes-rules.ts';
import { pylock } from './lock-rig.ts';
import { declaration, rig, told } from './rig-expand.ts';

// `§` stands before the value where the problem is told.
type Case = readonly [
  code: string,
  sections: Readonly<Record<string, string | null>>,
  files?: Readonly<Record<string, string>>,
];

const base = (more: string): string =>
  `{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"], ${more} } }`;
const from = (text: string): string => `{ python: { type: container-exec, from: ${text}, python: ["3.11"] } }`;
const config = (more: string): string => `{ cpu: { engine: kubernetes, base: python, registry: eu, ${more} } }`;
const env = (more: string): string => `{ glm: { language: python, ${more} } }`;

const FOREIGN = pylock({ numpy: '2.0.1' });
// As `numpy` alone would be locked for this declaration.
const COMPILING = pylock(
  { numpy: '2.0.1' },
  {
    compiles: ['numpy'],
    madeFrom: {
      interpreter: '3.11',
      platform: 'linux/amd64',
      glibc: '2.36',
      requirements: { numpy: digestOfBytes('numpy') },
    },
  },
);

const cases: readonly Case[] = [
  ['UNKNOWN_CONFIG', { codeEnvs: env('containerConfigs: [§cpus]') }],
  ['UNKNOWN_BASE', { containerConfigs: '{ cpu: { engine: kubernetes, base: §pyton } }' }],
  ['UNKNOWN_BASE', { baseImages: from('{ base: §pythn }') }],
  ['UNKNOWN_REGISTRY', { containerConfigs: '{ cpu: { engine: kubernetes, base: python, registry: §us } }' }],
  ['UNKNOWN_BUILDER', { codeEnvs: env('builder: §podman') }],
  ['UNKNOWN_BUILDER', { baseImages: base('builder: §podman') }],
  ['UNKNOWN_RELEASE', { baseImages: base('release: §old') }],
  [
    'UNKNOWN_RELEASE',
    {
      release: null,
      releases: '{ a: { version: 14.1.2 }, b: { version: 14.1.3 } }',
      baseImages: '{ python: §{ type: container-exec, from: { image: a }, python: ["3.11"] } }',
    },
  ],
  [
    'BASE_CYCLE',
    {
      baseImages:
        '{ python: { type: container-exec, from: { base: §b } }, b: { type: container-exec, from: { base: python } } }',
    },
  ],
  ['BAD_REFERENCE', { baseImages: from('{ image: §"debian:12:13" }') }],
  ['BAD_REFERENCE', { registries: '{ eu: { url: §registry/dss } }' }],
  ['BAD_REFERENCE', { registries: '{ eu: { url: a.example.com, pushUrl: §registry/dss } }' }],
  [
    'BAD_REFERENCE',
    { release: '{ version: 14.1.2-RC1 }', containerConfigs: config('repository: §"cpu/${release.version}"') },
  ],
  ['BAD_TAG', { containerConfigs: config('tags: [§rebake-1]') }],
  ['BAD_TAG', { baseImages: base('tags: §[rebake-1]') }],
  ['ENV_SELECTS_NOTHING', { codeEnvs: env('containerConfigs: §[]') }],
  ['ENV_SELECTS_NOTHING', { containerConfigs: null, codeEnvs: env('containerConfigs: §all') }],
  ['ENV_SELECTS_NOTHING', { codeEnvs: env('platform: §linux/arm64') }],
  ['ENV_VERSIONS', { codeEnvs: env('versions: §{ a: {} }') }],
  ['ENV_VERSIONS', { codeEnvs: env('deployment: §automation-versioned') }],
  ['INTERPRETER_MISSING', { codeEnvs: env('interpreter: §"3.9"') }],
  ['INTERPRETER_MISSING', { codeEnvs: '{ glm: §{ language: r } }' }],
  ['INTERPRETER_NOT_ACCEPTED', { codeEnvs: env('interpreter: §"3.11", acceptedInterpreters: ["3.6"]') }],
  [
    'BASE_WITHOUT_PYTHON',
    { release: '{ version: 15.0.1 }', baseImages: '{ python: §{ type: container-exec, from: { image: a } } }' },
  ],
  [
    'PLATFORM_MISMATCH',
    { baseImages: base('platform: linux/amd64'), containerConfigs: config('platform: §linux/arm64') },
  ],
  ['PLATFORM_MISMATCH', { codeEnvs: env('platform: linux/arm64, containerConfigs: [§cpu]') }],
  [
    'PLATFORM_MISMATCH',
    {
      baseImages:
        '{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"], platform: linux/amd64 }, gpu: { type: container-exec, from: { base: python }, platform: §linux/arm64 } }',
    },
  ],
  [
    'RELEASE_MISMATCH',
    { release: '{ version: "14.1.2", kit: §./kit }' },
    { 'kit/dss-version.json': '{"product_version":"13.1.4"}' },
  ],
  [
    'RELEASE_MISMATCH',
    {
      release: null,
      releases: '{ a: { version: 14.1.2 }, b: { version: 13.1.4 } }',
      registries: '{ eu: { url: registry.example.com/dss } }',
      baseImages:
        '{ python: { type: container-exec, release: a, from: { image: "debian:12" }, python: ["3.11"] }, gpu: { type: container-exec, from: { base: python }, release: §b } }',
    },
  ],
  ['REQUIREMENT_INVALID', { codeEnvs: env('packages: [§"two words"]') }],
  [
    'REQUIREMENT_INVALID',
    { baseImages: base('r: true'), codeEnvs: '{ glm: { language: r, packages: [dplyr, §"dplyr,1.0"] } }' },
  ],
  ['REQUIREMENT_EDITABLE', { codeEnvs: env('packages: [numpy, §"-e /data/x"]') }],
  ['REQUIREMENT_FIND_LINKS', { codeEnvs: env('packages: [§"--find-links /wheels"]') }],
  ['REQUIREMENT_INCLUDE', { codeEnvs: env('packages: [§"-r more.txt"]') }],
  ['REQUIREMENT_OPTION', { codeEnvs: env('packages: [§"--trusted-host x"]') }],
  ['REQUIREMENT_CREDENTIALS', { codeEnvs: env('packages: [§"a @ https://b:c@example.com/a.zip"]') }],
  ['ENV_NON_MANAGED', { codeEnvs: env('deployment: §design-non-managed') }],
  ['ENV_EXTERNAL_CONDA', { codeEnvs: env('deployment: §external-conda-named') }],
  ['ENV_CUSTOM_INTERPRETER', { codeEnvs: env('interpreter: §custom') }],
  ['ENV_EXTRA_PYTHONPATH', { codeEnvs: env('extraPythonPath: §[/data/lib]') }],
  ['BUILTIN_ENV_MODIFIED', { builtinEnv: '{ packages: §[numpy] }' }],
  [
    'RESOURCES_NOT_AVAILABLE',
    { codeEnvs: env('resources: §{ mode: copy, dir: res }, corePackages: { install: false }') },
    { 'res/a': 'a' },
  ],
  [
    'RESOURCES_NOT_AVAILABLE',
    { baseImages: base('r: true'), codeEnvs: '{ glm: { language: r, resources: §{ mode: copy, dir: res } } }' },
    { 'res/a': 'a' },
  ],
  ['FRAGMENT_HAS_FROM', { codeEnvs: env('fragments: { atEnd: §"FROM a" }') }],
  ['FRAGMENT_UNFINISHED', { baseImages: base("fragments: { append: §'RUN x \\' }") }],
  ['FRAGMENT_REFERENCE', { codeEnvs: env('fragments: { atEnd: §"COPY --from=a /x /x" }') }],
  [
    'FRAGMENT_FILE_UNDECLARED',
    { codeEnvs: env('fragments: { atEnd: §"COPY certs/ /opt/", files: [other] }') },
    { 'other/a': 'a' },
  ],
  [
    'DEBIAN_WITHOUT_PYTHON',
    { baseImages: '{ python: { type: container-exec, from: { debian: { suite: bookworm } }, python: §["3.12"] } }' },
  ],
  ['LOCK_MISSING', { builders: null, codeEnvs: env('packages: §[numpy]') }],
  ['LOCK_MISSING', { codeEnvs: env('packages: [numpy], lock: §locks/pylock.glm.toml') }],
  ['LOCK_MISSING', { locks: 'required', codeEnvs: env('packages: §[numpy]') }],
  ['BAD_LOCK_NAME', { codeEnvs: env('packages: [numpy], lock: §requirements.txt') }],
  ['LOCK_MISSING', { builders: null, baseImages: base('packages: §[numpy]'), codeEnvs: null }],
  ['LOCK_OUTDATED', { codeEnvs: env('packages: §[numpy]') }, { 'pylock.glm.toml': FOREIGN }],
  ['LOCK_NEEDS_COMPILER', { builders: null, codeEnvs: env('packages: §[numpy]') }, { 'pylock.glm.toml': COMPILING }],
  ['BUILDENV_PATH', { baseImages: base('copyToBuildenv: [{ from: a.txt, to: §/b }]') }, { 'a.txt': '' }],
  ['BUILDENV_PATH', { baseImages: base('copyToBuildenv: [{ from: a.txt, to: §.rebake/b }]') }, { 'a.txt': '' }],
  [
    'BUILDENV_PATH',
    { baseImages: base('copyToBuildenv: [{ from: a.txt, to: c }, { from: b.txt, to: §./c }]') },
    { 'a.txt': 'a', 'b.txt': 'b' },
  ],
  ['PRE_PUSH_SCRIPT', { containerConfigs: config('prePush: §{ mode: custom }') }],
  ['NOT_ACTED_ON_YET', { baseImages: base('cuda: §"12.2"') }],
  ['NOT_ACTED_ON_YET', { codeEnvs: env('runtimeAdditions: §[BASIC_GPU_ENABLING]') }],
  ['NOT_ACTED_ON_YET', { sparkConfigs: '{ s: §{ base: python } }' }],
  ['NOT_ACTED_ON_YET', { baseImages: '{ python: { type: §cde, from: { image: a }, python: ["3.11"] } }' }],
  ['NOT_SUPPORTED_YET', { codeEnvs: env('conda: §{}') }],
];

const seen = new Set<string>();

describe('each rule has its code, its place, and says nothing else', () => {
  it.each(cases.map(([code, sections, files = {}]) => ({ code, sections, files })))(
    '$code: $sections',
    async ({ code, sections, files }) => {
      seen.add(code);
      const marked = declaration(sections).split('\n');
      const line = marked.findIndex((text) => text.includes('§'));
      const { diagnostics, loading } = await rig({ 'rebake.yaml': marked.join('\n').replace('§', ''), ...files });
      expect(loading).toEqual([]);
      expect(told(diagnostics)).toEqual([`${code} ${line + 1}:${(marked[line] ?? '').indexOf('§') + 1}`]);
      for (const { message, help } of diagnostics) {
        expect(message).not.toMatch(/\.$|undefined|null|\[object/);
        expect(help).toMatch(/[.?]$/);
      }
    },
  );

  it('tells a broken lock where it is', async () => {
    seen.add('LOCK_INVALID');
    const { diagnostics, root } = await rig({ 'rebake.yaml': declaration(), 'pylock.glm.toml': '\n= what' });
    expect(diagnostics).toMatchObject([{ code: 'LOCK_INVALID', where: { file: `${root}/pylock.glm.toml`, line: 2 } }]);
  });

  it('names the nearest name', async () => {
    const { diagnostics } = await rig({ 'rebake.yaml': declaration({ codeEnvs: env('containerConfigs: [cpuu]') }) });
    expect(diagnostics[0]?.help).toBe('Did you mean `cpu`?');
  });

  it('names the path of a cycle', async () => {
    const baseImages =
      '{ a: { type: container-exec, from: { base: b } }, b: { type: container-exec, from: { base: c } }, c: { type: container-exec, from: { base: b } } }';
    const { diagnostics } = await rig({
      'rebake.yaml': declaration({ baseImages, containerConfigs: '{ cpu: { engine: kubernetes, base: a } }' }),
    });
    expect(diagnostics.map((one) => one.message)).toEqual([
      'Base images are built on each other in a circle: `b` → `c` → `b`',
    ]);
  });

  it('tells two names that are one in a repository, both by name, once', async () => {
    seen.add('NAME_COLLISION');
    const codeEnvs = '{ Glm: { language: python }, glm: { language: python } }';
    const { diagnostics, expansion } = await rig({ 'rebake.yaml': declaration({ codeEnvs }) });
    expect(told(diagnostics)).toEqual(['NAME_COLLISION 6:45']);
    expect(diagnostics[0]?.message).toContain('`Glm` and `glm`');
    expect(expansion.bindings.map((one) => one.env)).toEqual([null, 'Glm']);
  });

  it('tells two configs that publish different images into one repository, once', async () => {
    seen.add('PUBLICATION_COLLISION');
    const sections = {
      baseImages:
        '{ a: { type: container-exec, from: { image: a }, python: ["3.11"] }, b: { type: container-exec, from: { image: b }, python: ["3.11"] } }',
      containerConfigs:
        '{ one: { engine: kubernetes, base: a, registry: eu, repository: x }, two: { engine: kubernetes, base: b, registry: eu, repository: x } }',
      codeEnvs: '{ g: { language: python }, h: { language: python } }',
    };
    const { diagnostics } = await rig({ 'rebake.yaml': declaration(sections) });
    expect(told(diagnostics)).toEqual(['PUBLICATION_COLLISION 5:93']);
    expect(diagnostics[0]?.message).toContain('`one` and `two`');
  });

  it('finds lines of files where they are', async () => {
    for (const code of [
      'REQUIREMENT_LOCAL_PATH',
      'REQUIREMENT_VARIABLE',
      'DOCKERFILE_INVALID',
      'DOCKERFILE_REFERENCE_UNKNOWN',
      'DOCKERFILE_FRONTEND',
    ])
      seen.add(code);
    const files = {
      'rebake.yaml': declaration({
        baseImages:
          '{ python: { type: container-exec, from: { dockerfile: Dockerfile }, python: ["3.11"] }, b: { type: container-exec, from: { dockerfile: none }, python: ["3.11"] } }',
        codeEnvs: env('packages: { file: envs/glm.txt }, fragments: { atEnd: { file: end } }'),
      }),
      Dockerfile: '# syntax=a/b:1\nARG V\nFROM a:$V\n',
      none: '\n',
      'envs/glm.txt': 'numpy\n  ./x\na==${V1}\n',
      end: 'RUN a\nFROM b\n',
    };
    const { diagnostics, root } = await rig(files);
    expect(
      diagnostics.map(
        ({ code, where }) => `${code} ${where?.file.slice(root.length + 1)}:${where?.line}:${where?.column}`,
      ),
    ).toEqual([
      'DOCKERFILE_FRONTEND Dockerfile:1:1',
      'DOCKERFILE_REFERENCE_UNKNOWN Dockerfile:3:1',
      'DOCKERFILE_INVALID none:1:1',
      'FRAGMENT_HAS_FROM end:2:1',
      'REQUIREMENT_LOCAL_PATH envs/glm.txt:2:3',
      'REQUIREMENT_VARIABLE envs/glm.txt:3:1',
    ]);
  });

  it('tells all problems of all envs at once, and expands the others', async () => {
    const codeEnvs =
      '{ a: { language: python, interpreter: "3.7" }, b: { language: python, deployment: design-non-managed, extraPythonPath: [/x] }, c: { language: python } }';
    const { diagnostics, expansion } = await rig({ 'rebake.yaml': declaration({ codeEnvs }) });
    expect(diagnostics.map((one) => one.code)).toEqual([
      'INTERPRETER_MISSING',
      'ENV_NON_MANAGED',
      'ENV_EXTRA_PYTHONPATH',
    ]);
    expect(expansion.nodes.filter((node) => node.kind === 'env image').map((node) => node.id)).toEqual([
      'env/python/c@python#linux/amd64',
    ]);
  });

  it('does not judge envs that want no containers', async () => {
    const codeEnvs =
      '{ a: { language: python, interpreter: custom, deployment: design-non-managed, containerConfigs: none } }';
    expect((await rig({ 'rebake.yaml': declaration({ codeEnvs }) })).diagnostics).toEqual([]);
  });

  it.each([
    ['a base', { baseImages: '{ python: { type: container-exec, from: { image: "a:b:c" }, python: ["3.11"] } }' }, 1],
    ['a registry', { registries: '{ eu: { url: nowhere } }' }, 1],
    [
      'a config that loading took out',
      { containerConfigs: '{ cpu: { engine: kubernetes } }', codeEnvs: env('containerConfigs: [cpu]') },
      0,
    ],
    ['a base that loading took out', { baseImages: '{ python: { type: container-exec } }' }, 0],
    ['a release that loading took out', { release: '{ version: x }' }, 0],
    ['a registry that loading took out', { registries: '{ eu: {} }' }, 0],
    ['all configs, taken out', { containerConfigs: '7' }, 0],
  ])('does not tell what only follows: %s', async (_, sections, count) => {
    const { diagnostics, loading } = await rig({ 'rebake.yaml': declaration(sections) });
    expect(told(diagnostics)).toHaveLength(count);
    expect(loading.length + count).toBe(1);
  });

  it('reaches every code of its table', () => {
    expect(RULE_ROWS.map(([code]) => code).filter((code) => !seen.has(code))).toEqual([]);
    expect(new Set(DIAGNOSTIC_KINDS.map((one) => one.code)).size).toBe(DIAGNOSTIC_KINDS.length);
  });
});

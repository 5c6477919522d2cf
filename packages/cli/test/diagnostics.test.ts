/** Every diagnostic of a declaration through `rebake validate`, each with its place; those of `upgrade` through that. */
import { describe, expect, it } from 'vitest';
import { DIAGNOSTIC_KINDS } from '@rebake/rebake';
import { digestOfBytes } from '@rebake/sdk';
import { declaration, toldToPeople, toldToPrograms } from './declarations.ts';
import { PLUGIN_CASES, type Case } from './plugin-cases.ts';
import { rig } from './rig.ts';

const base = (more: string): string =>
  `{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"], ${more} } }`;
const from = (text: string): string => `{ python: { type: container-exec, from: ${text}, python: ["3.11"] } }`;
const config = (more: string): string => `{ cpu: { engine: kubernetes, base: python, registry: eu, ${more} } }`;
const env = (more: string): string => `{ glm: { language: python, ${more} } }`;
const inConfig = (code: string, text: string): Case => ({ code, files: { 'rebake.config.ts': text } });
const inBase = (code: string, baseImages: string, files = {}): Case => ({ code, sections: { baseImages }, files });
const inEnv = (code: string, more: string, files = {}): Case => ({ code, sections: { codeEnvs: env(more) }, files });
const inRequirements = (code: string, line: string): Case => ({
  code,
  sections: { codeEnvs: env('packages: { file: glm.txt }') },
  files: { 'glm.txt': `numpy\n  §${line}\n` },
});
const inFragment = (code: string, line: string): Case => ({
  code,
  sections: { codeEnvs: env('fragments: { atEnd: { file: end } }') },
  files: { end: `RUN true\n§${line}\n` },
});
const inDockerfile = (code: string, text: string): Case => ({
  code,
  sections: { baseImages: from('{ dockerfile: Dockerfile }') },
  files: { Dockerfile: text },
});

const LOCK = 'lock-version = "1.0"\ncreated-by = "a test"\npackages = []\n';
// As `numpy` alone would be locked for this declaration.
const COMPILING = `${LOCK}
[tool.rebake]
interpreter = "3.11"
platform = "linux/amd64"
glibc = "2.36"
compiles = ["numpy"]
requirements = { numpy = "${digestOfBytes('numpy')}" }
`;

const LOADING: readonly Case[] = [
  { code: 'CONFIG_UNREADABLE', files: { 'rebake.yaml': Uint8Array.from([0xff, 0xfe]) } },
  { code: 'CONFIG_SYNTAX', files: { 'rebake.yaml': 'version: 1\nrelease: §}\n' } },
  inConfig('CONFIG_SYNTAX', 'export default {\n  version: 1,§,\n};\n'),
  inConfig('CONFIG_THROWS', '\nthrow §new Error("no licence file");\nexport default {};\n'),
  inConfig('CONFIG_NO_EXPORT', '§const config = 1;\n'),
  { code: 'CONFIG_TOO_LARGE', sections: { plugins: `${'['.repeat(64)}§${'['.repeat(6)}${']'.repeat(70)}` } },
  { code: 'DUPLICATE_KEY', sections: { registries: '{ eu: { url: a.example.com, §url: b.example.com } }' } },
  inEnv('UNKNOWN_KEY', '§jupiter: true'),
  inConfig('UNKNOWN_KEY', 'export default {\n  version: 1,\n  release: { version: "14.1.2" },\n  §codeEnv: {},\n};\n'),
  { code: 'MISSING_KEY', sections: { codeEnvs: '{ §glm: { jupyter: true } }' } },
  inEnv('WRONG_TYPE', 'jupyter: §often'),
  inEnv('BAD_VALUE', 'interpreter: §"three"'),
  { code: 'BAD_NAME', sections: { codeEnvs: '{ §"glm/2": { language: python } }' } },
  inBase('EXACTLY_ONE', from('{ image: a, §rootfs: b.tar }')),
  inEnv('VERSION_NOT_QUOTED', 'interpreter: §3.10'),
  { code: 'INTERPOLATION_UNKNOWN', sections: { containerConfigs: config('tags: [§"v-${release}"]') } },
  inEnv('INTERPOLATION_NOT_HERE', 'owner: §"${release.version}"'),
  inEnv('FILE_MISSING', 'packages: { file: §envs/glm.txt }'),
  inEnv('FILE_WRONG_KIND', 'packages: { file: §envs }', { 'envs/glm.txt': 'numpy\n' }),
  inEnv('FILE_UNREADABLE', 'packages: { file: §glm.txt }', { 'glm.txt': Uint8Array.from([0xff]) }),
  inEnv('PATH_ESCAPES_ROOT', 'packages: { file: §../glm.txt }'),
  {
    code: 'KIT_WITHOUT_VERSION',
    sections: { release: '{ version: 14.1.2, kit: §kit }' },
    files: { 'kit/python/a.py': '' },
  },
];

const RULES: readonly Case[] = [
  inEnv('UNKNOWN_CONFIG', 'containerConfigs: [§gpu]'),
  { code: 'UNKNOWN_BASE', sections: { containerConfigs: '{ cpu: { engine: docker, base: §pyhton } }' } },
  {
    code: 'UNKNOWN_REGISTRY',
    sections: { containerConfigs: '{ cpu: { engine: docker, base: python, registry: §us } }' },
  },
  inEnv('UNKNOWN_BUILDER', 'builder: §podman'),
  inBase('UNKNOWN_RELEASE', base('release: §design')),
  inBase(
    'BASE_CYCLE',
    '{ python: { type: container-exec, from: { base: §a } }, a: { type: container-exec, from: { base: python } } }',
  ),
  { code: 'NAME_COLLISION', sections: { codeEnvs: '{ GLM: { language: python }, glm: §{ language: python } }' } },
  {
    code: 'PUBLICATION_COLLISION',
    sections: {
      baseImages: `{ python: ${base('r: true').slice(10, -2)}, other: { type: container-exec, from: { image: a }, python: ["3.11"] } }`,
      containerConfigs:
        '{ one: { engine: docker, base: python, repository: x }, two: §{ engine: docker, base: other, repository: x } }',
    },
  },
  { code: 'BAD_REFERENCE', sections: { registries: '{ eu: { url: §registry/dss } }' } },
  { code: 'BAD_TAG', sections: { containerConfigs: config('tags: [§rebake-latest]') } },
  inEnv('ENV_SELECTS_NOTHING', 'containerConfigs: §[]'),
  inEnv('ENV_VERSIONS', 'deployment: §automation-versioned'),
  inEnv('INTERPRETER_MISSING', 'interpreter: §"3.9"'),
  inEnv('INTERPRETER_NOT_ACCEPTED', 'interpreter: §"3.11", acceptedInterpreters: ["3.6"]'),
  {
    code: 'BASE_WITHOUT_PYTHON',
    sections: {
      release: '{ version: 15.0.0 }',
      baseImages: '{ python: §{ type: container-exec, from: { image: a } } }',
    },
  },
  inEnv('PLATFORM_MISMATCH', 'platform: linux/arm64, containerConfigs: [§cpu]'),
  {
    code: 'RELEASE_MISMATCH',
    sections: { release: '{ version: 14.1.2, kit: §kit }' },
    files: { 'kit/dss-version.json': '{"product_version":"13.5.0"}' },
  },
  inRequirements('REQUIREMENT_INVALID', 'two words'),
  inRequirements('REQUIREMENT_LOCAL_PATH', './wheels/x.whl'),
  inRequirements('REQUIREMENT_EDITABLE', '-e git+https://git.example.com/x'),
  inRequirements('REQUIREMENT_FIND_LINKS', '--find-links /wheels'),
  inRequirements('REQUIREMENT_INCLUDE', '-r others.txt'),
  inRequirements('REQUIREMENT_OPTION', '--trusted-host pypi'),
  inRequirements('REQUIREMENT_CREDENTIALS', 'x @ https://me:secret@pypi.example.com/x.whl'),
  inRequirements('REQUIREMENT_VARIABLE', 'x==${X_VERSION}'),
  inEnv('ENV_NON_MANAGED', 'deployment: §plugin-non-managed'),
  inEnv('ENV_EXTERNAL_CONDA', 'deployment: §external-conda-named'),
  inEnv('ENV_CUSTOM_INTERPRETER', 'interpreter: §custom'),
  inEnv('ENV_EXTRA_PYTHONPATH', 'extraPythonPath: §[/data/lib]'),
  { code: 'BUILTIN_ENV_MODIFIED', sections: { builtinEnv: '{ packages: §[numpy] }' } },
  inEnv('RESOURCES_NOT_AVAILABLE', 'resources: §{ mode: copy, dir: r }, corePackages: { install: false }', {
    'r/model.bin': '0',
  }),
  inFragment('FRAGMENT_HAS_FROM', 'FROM scratch'),
  inFragment('FRAGMENT_UNFINISHED', 'RUN echo \\'),
  inFragment('FRAGMENT_REFERENCE', 'COPY --from=alpine /bin/sh /bin/'),
  inFragment('FRAGMENT_FILE_UNDECLARED', 'COPY certs/ /opt/certs/'),
  inDockerfile('DOCKERFILE_INVALID', '§# nothing\n'),
  inDockerfile('DOCKERFILE_REFERENCE_UNKNOWN', 'ARG TAG\n§FROM debian:$TAG\n'),
  inDockerfile('DOCKERFILE_FRONTEND', '§# syntax=docker/dockerfile:1\nFROM debian:12\n'),
  inBase(
    'DEBIAN_WITHOUT_PYTHON',
    '{ python: { type: container-exec, from: { debian: { suite: bookworm } }, python: §["3.12"] } }',
  ),
  inEnv('LOCK_MISSING', 'packages: [numpy], lock: §pylock.all.toml'),
  inEnv('BAD_LOCK_NAME', 'packages: [numpy], lock: §requirements.txt'),
  {
    code: 'LOCK_OUTDATED',
    sections: { codeEnvs: env('packages: §[numpy]'), locks: 'required' },
    files: { 'pylock.glm.toml': LOCK },
  },
  { code: 'LOCK_INVALID', files: { 'rebake.yaml': declaration({}), 'pylock.glm.toml': '\n§packages = what\n' } },
  {
    code: 'LOCK_NEEDS_COMPILER',
    sections: { builders: '{ default: oci }', codeEnvs: env('packages: §[numpy]') },
    files: { 'pylock.glm.toml': COMPILING },
  },
  inBase('BUILDENV_PATH', base('copyToBuildenv: [{ from: a.txt, to: §../b }]'), { 'a.txt': '' }),
  { code: 'PRE_PUSH_SCRIPT', sections: { containerConfigs: config('prePush: §{ mode: custom }') } },
  inBase('NOT_ACTED_ON_YET', base('cuda: §"12.2"')),
  inEnv('NOT_SUPPORTED_YET', 'conda: §{ packages: [numpy] }'),
];

/** Found by other commands than `validate`. */
const ELSEWHERE: readonly (readonly [code: string, place: string, command: string])[] = [
  ['CONFIG_NOT_FOUND', '', '-f nowhere.yaml validate'],
  ['RELEASE_NOT_DECLARED', ' rebake.yaml:1:1', 'upgrade 14.1.3 --release design'],
  ['NOT_EDITABLE', ' rebake.yaml:3:21', 'upgrade 14.1.3'],
];

const SEVERITY = new Map(DIAGNOSTIC_KINDS.map(({ code, severity }) => [code, severity]));

describe('every diagnostic of a declaration', () => {
  const all = [...LOADING, ...PLUGIN_CASES, ...RULES].map((one) => ({ words: '', ...one }));

  it.each(all)('$code $words', async ({ code, sections, files = {}, words }) => {
    const whole = { ...(sections === undefined ? {} : { 'rebake.yaml': declaration(sections) }), ...files };
    const { texts, place } = marked(whole);
    using project = rig(texts);
    const ran = await project.rebake('validate --json');
    const told = toldToPrograms(ran);
    expect(told.map(({ brief }) => brief)).toEqual([`${code} ${place}`]);
    expect(told[0]?.severity).toBe(SEVERITY.get(code));
    expect(told[0]?.message).toContain(words);
    expect(ran).toMatchObject({ code: SEVERITY.get(code) === 'error' ? 1 : 0, err: '' });
    expect(toldToPeople(await project.rebake('validate'))).toEqual(told);
    for (const { message, help } of told) {
      expect(message).not.toMatch(/\.$|undefined|\[object/);
      expect(help).toMatch(/[.?]$/);
    }
  });

  it.each(ELSEWHERE)('%s', async (code, place, command) => {
    // The version stands elsewhere, where somebody else uses it too: there is no place of its own to write a new one to.
    using project = rig({ 'rebake.yaml': 'version: 1\nplugins: [&v 14.1.2]\nrelease: { version: *v }\n' });
    const ran = await project.rebake(command);
    expect(ran.code).toBe(1);
    expect(toldToPeople(ran).map(({ brief }) => brief)).toEqual([`${code}${place}`]);
  });

  it('is told to people with place, sentence and help, errors and warnings by line', async () => {
    const codeEnvs =
      '{ glm: { language: python, interpreter: 3.10, jupiter: true }, old: { language: python, packages: { file: old.txt } } }';
    const containerConfigs = '{ cpu: { engine: docker, base: pyhton }, gpu: { engine: docker, base: python } }';
    const sections = { baseImages: base('cuda: "12.2"'), containerConfigs, codeEnvs };
    using project = rig({ 'rebake.yaml': declaration(sections), 'old.txt': 'numpy\n-e /data/lib\n' });
    const { code, out, err } = await project.rebake('validate');
    expect(code).toBe(1);
    await expect(err + out).toMatchFileSnapshot('golden/validate.txt');
    const colored = await project.rebake('validate', { colors: true });
    expect(colored.err).toContain('\u001B[31merror[VERSION_NOT_QUOTED]\u001B[39m');
  });

  it('is reached here', () => {
    const reached = new Set([
      ...[...LOADING, ...PLUGIN_CASES, ...RULES].map(({ code }) => code),
      ...ELSEWHERE.map(([code]) => code),
    ]);
    expect(DIAGNOSTIC_KINDS.map(({ code }) => code).filter((code) => !reached.has(code))).toEqual([]);
  });
});

/** Files without their mark, and where the mark was; `rebake.yaml:1:1` where there was none. */
function marked(files: Readonly<Record<string, string | Uint8Array>>): {
  readonly texts: Readonly<Record<string, string | Uint8Array>>;
  readonly place: string;
} {
  let place = 'rebake.yaml:1:1';
  const texts = Object.entries(files).map(([file, content]) => {
    if (typeof content !== 'string' || !content.includes('§')) return [file, content] as const;
    const [before = '', after = ''] = content.split('§');
    const lines = before.split('\n');
    place = `${file}:${lines.length}:${(lines.at(-1) ?? '').length + 1}`;
    return [file, before + after] as const;
  });
  return { texts: Object.fromEntries(texts), place };
}

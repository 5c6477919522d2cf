import { describe, expect, it } from 'vitest';
import { brief, folder } from './load-rig.ts';

const HEAD = 'version: 1\nrelease: { version: 14.1.2 }\n';

async function diagnose(yaml: string): Promise<string[]> {
  using project = folder({ 'rebake.yaml': yaml });
  return brief((await project.load()).diagnostics);
}

describe('a YAML declaration', () => {
  it('is loaded with its defaults', async () => {
    using project = folder({
      'rebake.yaml': `${HEAD}codeEnvs:\n  glm: { language: python, interpreter: "3.11", packages: [numpy] }\n`,
    });
    const { loaded, diagnostics } = await project.load();
    expect(diagnostics).toEqual([]);
    expect(loaded?.config.codeEnvs['glm']).toMatchObject({
      packages: ['numpy'],
      containerConfigs: 'all',
      deployment: 'design-managed',
      resources: 'none',
      corePackages: { install: true, set: 'AUTO' },
      fragments: { files: [] },
    });
    expect(loaded?.config.builders).toEqual({ default: 'oci' });
  });

  it('is found upwards, the nearest first', async () => {
    using project = folder({ 'rebake.yaml': HEAD, 'a/b/x.txt': '' });
    const { loaded } = await project.load();
    const { createFileHasher } = await import('@rebake/image');
    const { load } = await import('../src/index.ts');
    const below = await load({
      cwd: project.path('a/b'),
      hasher: createFileHasher({ cacheFile: null, now: Date.now }),
    });
    expect(below.loaded?.file).toBe(loaded?.file);
    expect(brief((await project.load('other.yaml')).diagnostics)).toEqual(['- CONFIG_NOT_FOUND']);
  });

  it('says where values are, by line and column', async () => {
    using project = folder({
      'rebake.yaml': `${HEAD}codeEnvs:\n  glm:\n    language: python\n    packages:\n      - numpy\n      - pandas\n`,
    });
    const { loaded } = await project.load();
    const spot = (...path: (string | number)[]): string => {
      const where = loaded?.locate(path);
      return `${where?.line}:${where?.column} ${where?.path}`;
    };
    expect(spot('codeEnvs', 'glm')).toBe('4:3 codeEnvs.glm');
    expect(spot('codeEnvs', 'glm', 'language')).toBe('5:15 codeEnvs.glm.language');
    expect(spot('codeEnvs', 'glm', 'packages', 1)).toBe('8:9 codeEnvs.glm.packages.1');
    expect(spot('codeEnvs', 'glm', 'jupyter')).toBe('4:3 codeEnvs.glm.jupyter');
    expect(spot('release', 'version')).toBe('2:21 release.version');
  });

  it.each([
    ['an unknown key', `${HEAD}codeEnvs:\n  a: { langage: python }\n`, ['4:8 UNKNOWN_KEY']],
    ['an unknown section', `${HEAD}codeEnv: {}\n`, ['3:1 UNKNOWN_KEY']],
    ['a missing key', `${HEAD}codeEnvs:\n  a: { packages: [] }\n`, ['4:3 MISSING_KEY']],
    ['a wrong type', `${HEAD}codeEnvs:\n  a: { language: python, jupyter: maybe }\n`, ['4:35 WRONG_TYPE']],
    ['a bad value', `${HEAD}codeEnvs:\n  a: { language: perl }\n`, ['4:18 BAD_VALUE']],
    ['a bad name', `${HEAD}codeEnvs:\n  "a b": { language: python }\n`, ['4:3 BAD_NAME']],
    ['a name that objects inherit', `${HEAD}codeEnvs:\n  constructor: { language: python }\n`, ['4:3 BAD_NAME']],
    ['__proto__', `${HEAD}codeEnvs:\n  __proto__: { language: python }\n`, ['4:3 BAD_NAME']],
    ['a key that is a list', `${HEAD}codeEnvs:\n  ? [a]\n  : { language: python }\n`, ['4:5 BAD_NAME']],
    [
      'an unquoted version',
      `${HEAD}codeEnvs:\n  a: { language: python, interpreter: 3.10 }\n`,
      ['4:39 VERSION_NOT_QUOTED'],
    ],
    ['a duplicate key', `${HEAD}codeEnvs:\n  a: { language: python }\n  a: { language: r }\n`, ['5:3 DUPLICATE_KEY']],
    ['a syntax error', `${HEAD}codeEnvs: [\n`, ['4:1 CONFIG_SYNTAX']],
    ['an empty file', '', ['1:1 WRONG_TYPE']],
    ['a list', '- a\n', ['1:1 WRONG_TYPE']],
    ['no release', 'version: 1\n', ['1:1 MISSING_KEY']],
    ['both kinds of releases', `${HEAD}releases: { a: { version: 14.1.2 } }\n`, ['3:1 EXACTLY_ONE']],
    ['an unknown tag of YAML', `${HEAD}plugins: [!!js/function "x"]\n`, ['3:11 CONFIG_SYNTAX']],
    ['two documents', `${HEAD}---\n${HEAD}`, ['3:1 CONFIG_SYNTAX']],
    [
      'infinity',
      `${HEAD}builders: { default: docker, d: { type: docker, options: { n: .inf } } }\n`,
      ['3:63 WRONG_TYPE'],
    ],
    ['several grounds', `${HEAD}baseImages:\n  a: { type: cde, from: { base: b, image: c } }\n`, ['4:36 EXACTLY_ONE']],
    ['no ground', `${HEAD}baseImages:\n  a: { type: cde, from: {} }\n`, ['4:19 EXACTLY_ONE']],
    [
      'an unknown interpolation',
      `${HEAD}containerConfigs:\n  a: { engine: docker, base: b, tags: ["\${version}"] }\n`,
      ['4:40 INTERPOLATION_UNKNOWN'],
    ],
    [
      'an interpolation where there is none',
      `${HEAD}registries:\n  a: { url: "host/\${release.version}" }\n`,
      ['4:13 INTERPOLATION_NOT_HERE'],
    ],
  ])('is diagnosed for %s', async (_what, yaml, expected) => {
    expect(await diagnose(yaml)).toEqual(expected);
  });

  it('keeps the variables of a Dockerfile fragment', async () => {
    const fragment = 'fragments: { atEnd: "ENV PATH=${PATH}:/opt" }';
    expect(await diagnose(`${HEAD}codeEnvs:\n  a: { language: python, ${fragment} }\n`)).toEqual([]);
  });

  it('tells all problems at once, by line', async () => {
    const yaml = `version: 1\nrelease: { version: 14.1 }\ncodeEnvs:\n  a: { language: perl }\n  b: { langage: r }\n`;
    expect(await diagnose(yaml)).toEqual(['2:21 VERSION_NOT_QUOTED', '4:18 BAD_VALUE', '5:8 UNKNOWN_KEY']);
  });

  it('names the nearest key and value', async () => {
    using project = folder({ 'rebake.yaml': `${HEAD}codeEnvs:\n  a: { language: pyton, jupiter: true }\n` });
    const { diagnostics } = await project.load();
    expect(diagnostics.map(({ help }) => help)).toEqual([
      'Did you mean `python`? Accepted: `python` or `r`.',
      'Did you mean `jupyter`?',
    ]);
  });

  it('resolves aliases and merges, what stands in the mapping itself first', async () => {
    using project = folder({
      'rebake.yaml': `${HEAD}codeEnvs:\n  a: &a { language: python, interpreter: "3.11", jupyter: true }\n  b: { <<: *a, jupyter: false }\n  c: *a\n`,
    });
    const { loaded, diagnostics } = await project.load();
    expect(diagnostics).toEqual([]);
    expect(loaded?.config.codeEnvs['b']).toMatchObject({ interpreter: '3.11', jupyter: false });
    expect(loaded?.config.codeEnvs['c']).toEqual(loaded?.config.codeEnvs['a']);
    expect(loaded?.locate(['codeEnvs', 'b', 'interpreter']).line).toBe(4);
  });

  it('survives bombs of aliases and of nesting', async () => {
    let bomb = `${HEAD}plugins:\n  - &a0 [x, x, x, x, x, x, x, x, x, x]\n`;
    for (let i = 1; i < 12; i++) bomb += `  - &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]\n`;
    expect(await diagnose(bomb)).toMatchObject([expect.stringContaining('CONFIG_TOO_LARGE')]);
    expect(await diagnose(`${HEAD}plugins: ${'['.repeat(500)}${']'.repeat(500)}\n`)).toMatchObject([
      expect.stringContaining('CONFIG_TOO_LARGE'),
    ]);
    expect(await diagnose(`${HEAD}plugins: ${'['.repeat(10_000)}\n`)).toHaveLength(1);
    expect(await diagnose(`${HEAD}plugins: &a [*a]\n`)).toHaveLength(1);
  });

  it('takes CRLF, a byte order mark and a `%YAML` line', async () => {
    expect(await diagnose(`\uFEFF${HEAD.replaceAll('\n', '\r\n')}codeEnvs:\r\n  a: { language: perl }\r\n`)).toEqual([
      '4:18 BAD_VALUE',
    ]);
    expect(await diagnose(`%YAML 1.2\n---\n${HEAD}`)).toEqual([]);
  });

  it('refuses bytes that are no UTF-8', async () => {
    using project = folder({ 'rebake.yaml': Uint8Array.from([0x76, 0xff, 0xfe, 0x0a]) });
    expect(brief((await project.load()).diagnostics)).toEqual(['1:1 CONFIG_UNREADABLE']);
  });

  it('shows nothing in a message that a terminal would act on', async () => {
    using project = folder({ 'rebake.yaml': `${HEAD}codeEnvs:\n  a: { language: "\\e[31mred" }\n` });
    const { diagnostics } = await project.load();
    expect(JSON.stringify(diagnostics)).not.toMatch(/\\u001b/);
  });
});

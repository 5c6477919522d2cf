import { describe, expect, it } from 'vitest';
import { brief, folder } from './load-rig.ts';

const IMPORT = "import { defineConfig } from '@rebake/rebake';\n";

async function diagnose(source: string, more: Readonly<Record<string, string>> = {}): Promise<string[]> {
  using project = folder({ 'rebake.config.ts': source, ...more });
  return brief((await project.load()).diagnostics);
}

describe('a TypeScript declaration', () => {
  it('says the same as YAML', async () => {
    using yaml = folder({
      'rebake.yaml':
        'version: 1\nrelease: { version: 14.1.2 }\ncodeEnvs:\n  a: { language: python, interpreter: "3.11", jupyter: true }\n',
    });
    using typescript = folder({
      'rebake.config.ts': `${IMPORT}const jupyter: boolean | undefined = undefined;
export default defineConfig({ version: 1, release: { version: '14.1.2' }, codeEnvs: { a: { language: 'python', interpreter: '3.11', jupyter: jupyter ?? true, owner: undefined } } });\n`,
    });
    const [one, other] = [await yaml.load(), await typescript.load()];
    expect(other.diagnostics).toEqual([]);
    expect(other.loaded?.config).toEqual(one.loaded?.config);
  });

  it('may import modules of its own, and is read again when they change', async () => {
    using project = folder({
      'rebake.config.ts': `import { version } from './release.ts';\nexport default { version: 1, release: { version } };\n`,
      'release.ts': "export const version: string = '14.1.2';\n",
    });
    expect((await project.load()).loaded?.config.release?.version).toBe('14.1.2');
    project.write({ 'release.ts': "export const version: string = '14.1.3';\n" });
    expect((await project.load()).loaded?.config.release?.version).toBe('14.1.3');
  });

  it('is a module also in a folder that says otherwise', async () => {
    expect(
      await diagnose(`${IMPORT}export default defineConfig({ version: 1, release: { version: '14.1.2' } });\n`, {
        'package.json': '{"type":"commonjs"}',
      }),
    ).toEqual([]);
  });

  it('has places in literals, and through constants, spreads, calls and casts', async () => {
    using project = folder({
      'rebake.config.ts': `${IMPORT}
const common = {
  language: 'python' as const,
  interpreter: '3.11',
};
function env(packages: string[]) {
  return { ...common, packages };
}
const envs = {
  glm: env(['a']),
  'other': {
    ...common,
    jupyter: true,
    packages: [
      'x',
      'y',
    ],
  },
};
export default defineConfig({
  version: 1,
  release: { version: '14.1.2' },
  codeEnvs: envs,
} satisfies object as never);
`,
    });
    const { loaded, diagnostics } = await project.load();
    expect(diagnostics).toEqual([]);
    const spot = (...path: (string | number)[]): string => {
      const where = loaded?.locate(path);
      return `${where?.line}:${where?.column}`;
    };
    expect(spot('release', 'version')).toBe('23:23');
    expect(spot('codeEnvs', 'glm')).toBe('11:8');
    expect(spot('codeEnvs', 'glm', 'interpreter')).toBe('5:16');
    expect(spot('codeEnvs', 'other', 'packages', 1)).toBe('17:7');
    expect(spot('codeEnvs', 'other', 'language')).toBe('4:13');
    expect(spot('codeEnvs', 'other', 'owner')).toBe('12:12');
    expect(JSON.parse(JSON.stringify(loaded?.locate(['version'])))).toMatchObject({
      line: 22,
      column: 12,
      path: 'version',
    });
  });

  it.each([
    ['a wrong value', "export default {\n  version: 1,\n  release: { version: '14' },\n};\n", ['3:23 BAD_VALUE']],
    ['an unknown key', "export default {\n  version: 1,\n  releas: { version: '14.1.2' },\n};\n", ['3:3 UNKNOWN_KEY']],
    [
      'a number as a version',
      'export default { version: 1,\n  release: { version: 14.10 } };\n',
      ['2:23 VERSION_NOT_QUOTED'],
    ],
    ['a syntax error', 'export default {\n  version: 1,,\n};\n', ['2:14 CONFIG_SYNTAX']],
    ['syntax that needs a compiler', 'enum A { B }\nexport default { version: 1 };\n', ['1:1 CONFIG_SYNTAX']],
    ['a throw', '\n\nthrow new Error("no");\nexport default {};\n', ['3:7 CONFIG_THROWS']],
    ['a throw of anything', 'throw null;\nexport default {};\n', ['1:1 CONFIG_THROWS']],
    [
      'a missing module',
      "const a = 1;\nimport { b } from './nowhere.ts';\nexport default { a, b };\n",
      ['2:19 CONFIG_THROWS'],
    ],
    ['a missing package', "import { b } from 'no-such-package';\nexport default { b };\n", ['1:19 CONFIG_THROWS']],
    ['a missing export', "import { nothing } from 'node:fs';\nexport default { nothing };\n", ['1:10 CONFIG_SYNTAX']],
    ['no export', 'const a = 1;\n', ['1:1 CONFIG_NO_EXPORT']],
    ['a function as export', 'export default () => ({});\n', ['1:1 CONFIG_NO_EXPORT']],
    ['a function inside', 'export default {\n  version: 1,\n  release: () => 1,\n};\n', ['3:12 WRONG_TYPE']],
    ['an object of a class', 'export default {\n  version: 1,\n  release: new Date(0),\n};\n', ['3:12 WRONG_TYPE']],
    ['not a number', 'export default { version: 1, plugins: [0 / 0] };\n', ['1:40 WRONG_TYPE']],
    [
      'a getter that throws',
      'export default {\n  get version(): never { throw new Error("no"); },\n};\n',
      ['2:32 CONFIG_THROWS'],
    ],
  ])('is diagnosed for %s', async (_what, source, expected) => {
    expect(await diagnose(source)).toEqual(expected);
  });

  it('is diagnosed when it contains itself', async () => {
    const found = await diagnose(
      'const a: Record<string, unknown> = { version: 1 };\na.release = a;\nexport default a;\n',
    );
    expect(found).toMatchObject([expect.stringContaining('WRONG_TYPE')]);
  });

  it('names the file of its own in which the error is', async () => {
    using project = folder({
      'rebake.config.ts': "import { a } from './lib/a.ts';\nexport default { a };\n",
      'lib/a.ts': '\nthrow new TypeError("in here");\nexport const a = 1;\n',
    });
    const { diagnostics } = await project.load();
    expect(diagnostics[0]).toMatchObject({
      code: 'CONFIG_THROWS',
      message: 'The declaration failed: in here',
      where: { file: project.path('lib/a.ts'), line: 2, column: 7 },
    });
  });
});

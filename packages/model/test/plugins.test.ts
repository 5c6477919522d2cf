/** What a declaration takes from plugins, with a host that tests write themselves; and how modules of plugins are found. */
import { existsSync } from 'node:fs';
import { createFileHasher } from '@rebake/image';
import { definePlugin, digestOf, type SourceAnswer } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { defineConfig, importPlugin, readDeclaration, type Declaration, type PluginHost } from '../src/index.ts';
import { brief, folder, type Folder } from './load-rig.ts';

const HEAD = `version: 1
release: { version: 14.1.2 }
baseImages:
  python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"] }
containerConfigs:
  cpu: { engine: docker, base: python }
`;
const SOURCES = `sources:
  one: { type: inventory }
  two: { type: inventory }
builders: { default: docker }
`;
const env = (more: object = {}) => ({ language: 'python', interpreter: '3.11', ...more });

interface Asked {
  readonly declaration: Declaration;
  /** How often plugins were opened. */
  readonly opened: number;
}

/** Reads a declaration whose sources answer by name, and whose nodes are these. */
async function read(
  project: Folder,
  answers: Readonly<Record<string, SourceAnswer['declaration']>>,
  nodes: PluginHost['nodes'] = async () => ({ ok: true, value: [] }),
): Promise<Asked> {
  let opened = 0;
  const declaration = await readDeclaration({
    cwd: project.root,
    hasher: createFileHasher({ cacheFile: null, now: Date.now }),
    cacheDir: project.path('.rebake/cache'),
    now: () => Date.now() + 60_000,
    plugins: async () => {
      opened += 1;
      return { source: async ({ path: [, name = ''] }) => ({ ok: true, value: answers[name] ?? {} }), nodes };
    },
  });
  return { declaration, opened };
}

describe('sources', () => {
  it('declare what the file could have declared, at the place where they are declared', async () => {
    using project = folder({
      'rebake.yaml': `${HEAD}codeEnvs:\n  own: { language: python, interpreter: "3.11" }\n${SOURCES}`,
    });
    const { declaration, opened } = await read(project, {
      one: { codeEnvs: { glm: env({ packages: ['glum'] }) }, registries: { eu: { url: 'registry.example.com' } } },
      two: {
        codeEnvs: { soup: env() },
        containerConfigs: { big: { engine: 'docker', base: 'python', registry: 'eu' } },
      },
    });
    expect(declaration.diagnostics).toEqual([]);
    expect(opened).toBe(1);
    const places = declaration.expansion?.nodes.flatMap(({ id, because, role }) =>
      role === 'image' ? [`${id} ${because[0]?.line}:${because[0]?.column} ${because[0]?.source ?? '-'}`] : [],
    );
    expect(places?.toSorted()).toEqual([
      'base/python#linux/amd64 4:11 -',
      'env/python/glm@python#linux/amd64 10:3 one',
      'env/python/own@python#linux/amd64 8:8 -',
      'env/python/soup@python#linux/amd64 11:3 two',
    ]);
    const glm = declaration.expansion?.nodes.find(({ id }) => id.includes('glm'));
    expect(glm?.because).toEqual([
      { file: project.path('rebake.yaml'), line: 10, column: 3, path: 'codeEnvs.glm', source: 'one' },
    ]);
    expect(glm?.inputs['packages/glum']?.at).toMatchObject({
      line: 10,
      path: 'codeEnvs.glm.packages.0',
      source: 'one',
    });
    expect(existsSync(project.path('.rebake/cache/declaration.json'))).toBe(false);
  });

  it('have places in TypeScript, too', async () => {
    using project = folder({
      'rebake.config.ts': `export default {
  version: 1,
  release: { version: '14.1.2' },
  sources: {
    one: { type: 'inventory' },
  },
};
`,
    });
    const { declaration } = await read(project, { one: { codeEnvs: { glm: env({ jupyter: 'often' }) } } });
    expect(brief(declaration.diagnostics)).toEqual(['5:5 WRONG_TYPE']);
    expect(declaration.diagnostics[0]?.where).toMatchObject({ path: 'codeEnvs.glm.jupyter', source: 'one' });
  });

  it('and plugins themselves are part of what a TypeScript declaration can say', () => {
    const plugin = definePlugin({ name: 'mine' });
    const written = defineConfig({
      version: 1,
      plugins: ['./other.ts', plugin],
      sources: { one: { type: 'x', options: { a: 1 } } },
    });
    expect(written.plugins?.[1]).toBe(plugin);
  });

  it('are told all that is wrong with them, although it has one place', async () => {
    using project = folder({ 'rebake.yaml': `${HEAD}${SOURCES}` });
    const { declaration } = await read(project, {
      one: {
        codeEnvs: { a: env({ jupiter: true }), b: { interpreter: '3.11' }, c: env({ containerConfigs: ['gpu'] }) },
      },
      two: { codeEnvs: { d: env({ containerConfigs: ['tpu'] }) } },
    });
    expect(declaration.diagnostics.map(({ code, where }) => `${code} ${where?.source} ${where?.path}`)).toEqual([
      'UNKNOWN_KEY one codeEnvs.a.jupiter',
      'MISSING_KEY one codeEnvs.b',
      'UNKNOWN_CONFIG one codeEnvs.c.containerConfigs.0',
      'UNKNOWN_CONFIG two codeEnvs.d.containerConfigs.0',
    ]);
  });

  it('that share a name with something are told each time, and the file goes first', async () => {
    using project = folder({
      'rebake.yaml': `${HEAD}codeEnvs:\n  glm: { language: python, interpreter: "3.11", jupyter: true }\n${SOURCES}`,
    });
    const { declaration } = await read(project, {
      one: { codeEnvs: { glm: env(), soup: env() }, baseImages: { python: {} } },
      two: { codeEnvs: { soup: env() } },
    });
    expect(brief(declaration.diagnostics)).toEqual([
      '10:3 SOURCE_CONFLICT',
      '10:3 SOURCE_CONFLICT',
      '11:3 SOURCE_CONFLICT',
    ]);
    expect(declaration.diagnostics.map(({ message }) => message.replace(/.*declares /, ''))).toEqual([
      '`codeEnvs.glm`, which is declared in the file as well',
      '`baseImages.python`, which is declared in the file as well',
      '`codeEnvs.soup`, which is declared by the source `one` as well',
    ]);
  });

  it('that are no sources are for validation, and nobody is asked', async () => {
    for (const sources of [
      '7',
      '[]',
      '{}',
      '{ one: 7 }',
      '{ one: { options: {} } }',
      '{ one: { type: 7 } }',
      '{ "a/b": { type: x } }',
    ]) {
      using project = folder({ 'rebake.yaml': `${HEAD}sources: ${sources}\n` });
      const { declaration, opened } = await read(project, {});
      expect(opened).toBe(0);
      expect(declaration.diagnostics.length > 0).toBe(sources !== '{}');
    }
  });

  it('and nodes cannot be had where nobody can load plugins', async () => {
    using project = folder({ 'rebake.yaml': `${HEAD}${SOURCES}` });
    expect(brief((await project.load()).diagnostics)).toEqual(['8:16 UNKNOWN_TYPE', '9:16 UNKNOWN_TYPE']);
    project.write({ 'rebake.yaml': `${HEAD}nodes: { docs: { type: site } }\n` });
    expect(brief((await project.readLater(60)).diagnostics)).toEqual(['7:24 UNKNOWN_TYPE']);
  });
});

describe('nodes of plugins', () => {
  it('are expanded with what the rest of the declaration gives', async () => {
    using project = folder({
      'rebake.yaml': `${HEAD}nodes: { docs: { type: site, options: { a: 1 } } }\n`,
      'pages/a.md': 'a\n',
    });
    const { declaration } = await read(project, {}, async (use, ctx) => {
      expect(use).toEqual({ path: ['nodes', 'docs'], type: 'site', options: { a: 1 } });
      expect(ctx).toMatchObject({
        name: 'docs',
        root: project.root,
        builder: 'oci',
        at: { line: 7, path: 'nodes.docs' },
      });
      expect([...ctx.nodes.keys()].toSorted()).toContain('base/python#linux/amd64');
      const files = await ctx.files(['pages']);
      expect(files.files.map(({ path }) => path)).toEqual(['pages/a.md']);
      const inputs = { pages: { digest: digestOf(files.files) } };
      const common = { kind: 'site', inputs, because: [], platform: 'linux/amd64', builder: ctx.builder };
      const spec = { steps: [{ step: 'copy', files, to: '/x', owner: 'root:root' }], env: {} };
      return {
        ok: true,
        value: [{ ...common, id: 'site/docs', role: 'image', parents: ['base/python#linux/amd64'], spec }],
      };
    });
    expect(declaration.diagnostics).toEqual([]);
    expect(declaration.expansion?.nodes.at(-1)).toMatchObject({
      id: 'site/docs',
      because: [{ line: 7, path: 'nodes.docs' }],
    });
    expect(existsSync(project.path('.rebake/cache/declaration.json'))).toBe(false);
  });

  it('are not asked for where the rest has an error', async () => {
    using project = folder({
      'rebake.yaml': `${HEAD.replace('base: python', 'base: pyton')}nodes: { docs: { type: site } }\n`,
    });
    expect(await read(project, {})).toMatchObject({
      opened: 0,
      declaration: { diagnostics: [{ code: 'UNKNOWN_BASE' }] },
    });
  });
});

describe('a plugin’s module', () => {
  const load = async (files: Readonly<Record<string, string>>, name: string): Promise<unknown> => {
    using project = folder(files);
    const imported = await importPlugin(name, project.root);
    return imported.is === 'loaded' ? { ...imported.exports } : imported;
  };

  it('is a file, in JavaScript or TypeScript, above the declaration, too', async () => {
    expect(await load({ 'a.js': 'export const a = 1;\n' }, './a.js')).toEqual({ a: 1 });
    expect(
      await load({ 'a.ts': 'export const a: number = 1;\n', 'package.json': '{ "type": "commonjs" }' }, './a.ts'),
    ).toEqual({ a: 1 });
    expect(await load({ 'a.cjs': 'exports.a = 1;\n' }, './a.cjs')).toMatchObject({ a: 1 });
    using project = folder({ 'plugins/a.js': 'export const a = 1;\n' });
    expect(await importPlugin('../plugins/a.js', project.path('below'))).toMatchObject({ is: 'loaded' });
    expect(await importPlugin(project.path('plugins/a.js'), '/')).toMatchObject({ is: 'loaded' });
  });

  it('is a folder, by its exports, its main file or its index', async () => {
    const file = { 'p/src/a.js': 'export const a = 1;\n', 'p/index.js': 'exports.a = 2;\n' };
    const described = (text: string) => load({ ...file, 'p/package.json': text }, './p');
    expect(await described('{ "name": "p", "exports": { "import": "./src/a.js" } }')).toEqual({ a: 1 });
    expect(await described('{ "main": "src/a.js" }')).toEqual({ a: 1 });
    expect(await described('{}')).toMatchObject({ a: 2 });
  });

  it('is a package beside the declaration or above it, as Node finds it', async () => {
    const file = { 'node_modules/@x/p/a.js': 'export const a = 1;\n' };
    const exports = '{ "type": "module", "exports": { ".": { "import": "./a.js" }, "./more": "./a.js" } }';
    expect(await load({ ...file, 'node_modules/@x/p/package.json': exports }, '@x/p')).toEqual({ a: 1 });
    expect(await load({ ...file, 'node_modules/@x/p/package.json': exports }, '@x/p/more')).toEqual({ a: 1 });
    using project = folder({ ...file, 'node_modules/@x/p/package.json': exports });
    expect(await importPlugin('@x/p', project.path('deep/below'))).toMatchObject({ is: 'loaded' });
  });

  it('is read again when it has changed, with all that it imports', async () => {
    using project = folder({ 'a.ts': "export { b as a } from './b.ts';\n", 'b.ts': 'export const b: number = 1;\n' });
    expect(await importPlugin('./a.ts', project.root)).toMatchObject({ exports: { a: 1 } });
    project.write({ 'b.ts': 'export const b: number = 2;\n' });
    expect(await importPlugin('./a.ts', project.root)).toMatchObject({ exports: { a: 2 } });
  });

  it('imports rebake’s packages from wherever it stands, also as an installed package', async () => {
    const text = `import { definePlugin, BuildFailure } from '@rebake/sdk';
import { lazyBuilder } from '@rebake/sdk/building';
import { digestOf } from '@rebake/image';
export const made = [definePlugin({ name: 'x' }).api, typeof lazyBuilder, digestOf(1).slice(0, 7), new BuildFailure({ code: 'X' }).name];
`;
    const made = { made: [1, 'function', 'sha256:', 'BuildFailure'] };
    expect(await load({ 'a.js': text }, './a.js')).toEqual(made);
    const installed = {
      'node_modules/p/package.json': '{ "type": "module", "exports": "./a.js" }',
      'node_modules/p/a.js': text,
    };
    expect(await load(installed, 'p')).toEqual(made);
  });

  it('imports its own copy of them, where it has one', async () => {
    const own = {
      'node_modules/@rebake/sdk/package.json': '{ "type": "module", "exports": { ".": "./a.js" } }',
      'node_modules/@rebake/sdk/a.js': 'export const definePlugin = () => "by its own copy";\n',
    };
    const text = "import { definePlugin } from '@rebake/sdk';\nexport const made = definePlugin();\n";
    expect(await load({ ...own, 'a.js': text }, './a.js')).toEqual({ made: 'by its own copy' });
    // What its own copy does not have, it does not get from another.
    const building = "import { lazyBuilder } from '@rebake/sdk/building';\nexport const a = lazyBuilder;\n";
    expect(await load({ ...own, 'a.js': building }, './a.js')).toMatchObject({
      is: 'broken',
      message: expect.stringContaining("'./building' is not defined") as unknown,
    });
  });
});

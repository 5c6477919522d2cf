/** What plugins, and what they are asked for, can be wrong with: declarations and plugins for it, each a few lines. */

/** Sections in the place of sound ones, or whole files. `§` stands before the place that is told. */
export interface Case {
  readonly code: string;
  readonly sections?: Readonly<Record<string, string | null>>;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** A part of what is told. */
  readonly words?: string;
}

/** Options that take anything. */
const ANY = "const any = { '~standard': { version: 1, vendor: 'mine', validate: (value) => ({ value }) } };\n";

/** A plugin as text: what it brings, and maybe its head. */
export const plugin = (parts: string, head = "api: 1, name: 'mine'"): string =>
  `${ANY}export const plugin = { ${head}, ${parts} };\n`;

/** A declaration with the plugin `mine.js`. */
const withPlugin = (code: string, text: string, sections: Readonly<Record<string, string>> = {}, words = ''): Case => ({
  code,
  sections: { plugins: '[./mine.js]', ...sections },
  files: { 'mine.js': text },
  words,
});

/** The same, told at the plugin. */
const atPlugin = (code: string, text: string, words: string): Case =>
  withPlugin(code, text, { plugins: '[§./mine.js]' }, words);

const source = (read: string): string =>
  plugin(`sources: { inventory: { options: any, read: async () => (${read}) } }`);
const SOURCE = { sources: '{ §all: { type: inventory } }' };
const nodes = (body: string): string =>
  plugin(`kinds: { site: { options: any, expand: async (options, ctx) => ${body} } }`);
const NODES = { nodes: '{ docs: { type: §site } }' };
const options = (validate: string): string =>
  plugin(`builders: { own: { options: { '~standard': { validate: ${validate} } }, create: () => null } }`);
const OWN = (more = ''): { builders: string } => ({
  builders: `{ default: own, own: { type: own, options: { host: x${more} } } }`,
});
const OWN_TYPE = { builders: '{ default: own, own: { type: §own, options: { host: x } } }' };

/** Every code of plugins, and most ways to get it. */
export const PLUGIN_CASES: readonly Case[] = [
  { code: 'PLUGIN_NOT_FOUND', sections: { plugins: '[§./mine.js]' }, words: 'There is no `./mine.js`' },
  {
    code: 'PLUGIN_NOT_FOUND',
    sections: { plugins: '[§"@acme/thing"]' },
    words: 'There is no package `@acme/thing` beside the declaration',
  },
  {
    code: 'PLUGIN_NOT_FOUND',
    sections: { plugins: '[§"data:text/javascript,1"]' },
    words: 'neither the name of a package',
  },
  {
    code: 'PLUGIN_NOT_FOUND',
    sections: { plugins: '[§mine.js]' },
    files: { 'mine.js': '' },
    words: 'There is no package `mine.js`',
  },
  atPlugin(
    'PLUGIN_BROKEN',
    'export {};\nthrow new Error("no licence");\n',
    'cannot be loaded: no licence (`mine.js:2:7`)',
  ),
  atPlugin('PLUGIN_BROKEN', 'throw null;\n', 'cannot be loaded: null'),
  atPlugin('PLUGIN_BROKEN', 'export const plugin = {\n  api: 1,,\n};\n', 'cannot be loaded: Unexpected token'),
  atPlugin('PLUGIN_BROKEN', "import './lost.js';\n", 'cannot be loaded: Cannot find `'),
  atPlugin('PLUGIN_BROKEN', "import 'no-such-package';\n", 'Cannot find `no-such-package`, which `mine.js` imports'),
  atPlugin('PLUGIN_BROKEN', 'export const plug = {};\n', 'exports no `plugin`'),
  atPlugin('PLUGIN_BROKEN', 'export const plugin = 7;\n', 'is no plugin'),
  atPlugin('PLUGIN_BROKEN', 'export default { name: "mine" };\n', 'is no plugin: it has no `api`'),
  atPlugin('PLUGIN_BROKEN', plugin('builders: []', 'api: 1'), 'has no `name`'),
  atPlugin('PLUGIN_BROKEN', plugin('builders: 7'), 'has `builders` that are no record'),
  atPlugin('PLUGIN_BROKEN', plugin('builders: { own: null }'), 'has `builders.own` without `options`'),
  atPlugin('PLUGIN_BROKEN', plugin('sources: { own: { options: any } }'), 'has `sources.own` without `read`'),
  atPlugin('PLUGIN_BROKEN', plugin('stores: { "a b": {} }'), 'has a member of `stores` whose name has characters'),
  atPlugin('PLUGIN_BROKEN', plugin('get kinds() { throw new Error("not now"); }'), 'cannot be looked at: not now'),
  {
    code: 'PLUGIN_BROKEN',
    sections: { plugins: '[§./folder]' },
    files: { 'folder/index.js': '' },
    words: 'without a package.json',
  },
  {
    code: 'PLUGIN_BROKEN',
    sections: { plugins: '[§./folder]' },
    files: { 'folder/package.json': '{' },
    words: 'cannot be loaded',
  },
  {
    code: 'PLUGIN_BROKEN',
    sections: { plugins: '[§./folder]' },
    files: { 'folder/package.json': '{ "name": "x", "exports": { "./other": "./a.js" } }' },
    words: 'No "exports" main defined',
  },
  {
    code: 'PLUGIN_BROKEN',
    sections: { plugins: '[§thing]' },
    files: { 'node_modules/thing/package.json': '{ "exports": "./index.ts" }', 'node_modules/thing/index.ts': '' },
    words: 'Stripping types is currently unsupported for files under node_modules',
  },
  atPlugin('PLUGIN_VERSION', plugin('', 'api: 2, name: "mine"'), 'The plugin `mine` is for version 2'),
  atPlugin('PLUGIN_VERSION', plugin('kinds: 7', 'api: 0, name: "mine"'), 'The plugin `mine` is for version 0'),
  atPlugin(
    'PLUGIN_CONFLICT',
    plugin('builders: { docker: { options: any, create: () => null } }'),
    'The plugin `mine` brings a builder `docker`, which rebake brings itself',
  ),
  atPlugin(
    'PLUGIN_CONFLICT',
    plugin('stores: { sqlite: { options: any, open: () => null } }'),
    'brings a state `sqlite`',
  ),
  withPlugin(
    'PLUGIN_CONFLICT',
    source('null'),
    { plugins: '[./mine.js, §./mine.js]' },
    'The plugins `mine` and `mine` both bring a source `inventory`',
  ),
  { code: 'UNKNOWN_BUILDER_TYPE', sections: { builders: '{ default: §dokcer }' }, words: 'of the type `dokcer`' },
  withPlugin('UNKNOWN_BUILDER_TYPE', source('null'), { builders: '{ default: own, own: { type: §shelf } }' }),
  {
    code: 'UNKNOWN_TYPE',
    sections: { sources: '{ all: { type: §inventory } }' },
    words: 'The source `all` is of the type `inventory`',
  },
  withPlugin(
    'UNKNOWN_TYPE',
    nodes('[]'),
    { nodes: '{ docs: { type: §sight } }' },
    'The nodes `docs` is of the type `sight`',
  ),
  { code: 'UNKNOWN_TYPE', sections: { state: '{ type: §bucket }' }, words: 'The state is of the type `bucket`' },
  {
    code: 'BUILDER_OPTIONS',
    sections: { builders: '{ default: own, own: { type: docker, options: { host: §3 } } }' },
    words: 'The builder `own`: `host`: must be',
  },
  withPlugin(
    'BUILDER_OPTIONS',
    options('async () => ({ issues: [{ message: "no such host", path: ["tls", { key: "ca" }, 0] }] })'),
    OWN(', tls: { ca: [§a] }'),
    'The builder `own`: `tls.ca.0`: no such host',
  ),
  withPlugin(
    'BUILDER_OPTIONS',
    options('() => ({ issues: [{ message: "two of a kind" }] })'),
    { builders: '{ default: own, own: { type: own, options: §{ host: x } } }' },
    'The builder `own`: two of a kind',
  ),
  withPlugin(
    'PLUGIN_BROKEN',
    options('() => { throw new Error("oops"); }'),
    OWN_TYPE,
    'the check of its options failed: oops',
  ),
  withPlugin('PLUGIN_BROKEN', options('async () => { throw 7; }'), OWN_TYPE, 'the check of its options failed: 7'),
  withPlugin('PLUGIN_BROKEN', options('() => undefined'), OWN_TYPE, 'it answers with nothing'),
  withPlugin('PLUGIN_BROKEN', options('() => ({ issues: [] })'), OWN_TYPE, 'does not say what'),
  {
    code: 'PLUGIN_OPTIONS',
    sections: { state: '{ type: sqlite, options: { file: §x } }' },
    words: '`sqlite` has no options',
  },
  withPlugin(
    'PLUGIN_OPTIONS',
    plugin(
      'sources: { inventory: { options: { "~standard": { validate: () => ({ issues: [{ message: "must be there", path: ["file"] }] }) } }, read: () => null } }',
    ),
    { sources: '{ all: { type: inventory, options: §{} } }' },
    'The source `all`: `file`: must be there',
  ),
  withPlugin(
    'SOURCE_FAILED',
    source('Promise.reject(new Error("connection refused"))'),
    SOURCE,
    'could not be read: connection refused',
  ),
  withPlugin('SOURCE_FAILED', source('Promise.reject()'), SOURCE, 'The source `all` could not be read'),
  withPlugin(
    'SOURCE_PARTIAL',
    source('{ declaration: {}, missing: ["a", "b", "c", "d"] }'),
    SOURCE,
    'in part only: a; b; c (and 1 more)',
  ),
  withPlugin('PLUGIN_BROKEN', source('undefined'), SOURCE, 'answered without a `declaration`'),
  withPlugin('PLUGIN_BROKEN', source('{ declaration: {} }'), SOURCE, 'answered without `missing`'),
  withPlugin('PLUGIN_BROKEN', source('{ declaration: [], missing: [] }'), SOURCE, 'declares no sections'),
  withPlugin(
    'PLUGIN_BROKEN',
    source('{ declaration: { codeEnvs: { a: () => 1 } }, missing: [] }'),
    SOURCE,
    '`codeEnvs.a` is a function',
  ),
  withPlugin(
    'PLUGIN_BROKEN',
    source('{ declaration: { get codeEnvs() { throw 1; } }, missing: [] }'),
    SOURCE,
    'something that cannot be read',
  ),
  withPlugin(
    'PLUGIN_BROKEN',
    source('{ declaration: { plugins: {} }, missing: [] }'),
    SOURCE,
    'declares `plugins`, which only the file',
  ),
  withPlugin('PLUGIN_BROKEN', source('{ declaration: { codeEnvs: [] }, missing: [] }'), SOURCE, 'no mapping of names'),
  withPlugin(
    'SOURCE_CONFLICT',
    source('{ declaration: { codeEnvs: { glm: { language: "python" } } }, missing: [] }'),
    SOURCE,
    'declares `codeEnvs.glm`, which is declared in the file as well',
  ),
  withPlugin(
    'SOURCE_CONFLICT',
    source('{ declaration: { codeEnvs: { soup: { language: "python", interpreter: "3.11" } } }, missing: [] }'),
    { sources: '{ one: { type: inventory }, §two: { type: inventory } }' },
    'The source `two` declares `codeEnvs.soup`, which is declared by the source `one` as well',
  ),
  withPlugin(
    'WRONG_TYPE',
    source('{ declaration: { codeEnvs: { soup: { language: "python", jupyter: "often" } } }, missing: [] }'),
    SOURCE,
    '(`codeEnvs.soup.jupyter` of the source `all`)',
  ),
  withPlugin(
    'UNKNOWN_KEY',
    source('{ declaration: { codeEnv: { soup: { language: "python" } } }, missing: [] }'),
    SOURCE,
    'There is no key `codeEnv` at the top (`codeEnv` of the source `all`)',
  ),
  withPlugin(
    'UNKNOWN_CONFIG',
    source('{ declaration: { codeEnvs: { soup: { language: "python", containerConfigs: ["gpu"] } } }, missing: [] }'),
    SOURCE,
    '(`codeEnvs.soup.containerConfigs.0` of the source `all`)',
  ),
  withPlugin(
    'NODES_FAILED',
    nodes('{ throw new Error("no pages"); }'),
    { nodes: '{ docs: §{ type: site } }' },
    'could not be expanded: no pages',
  ),
  withPlugin(
    'NODES_FAILED',
    nodes('ctx.files(["nowhere"])'),
    { nodes: '{ docs: §{ type: site } }' },
    'nowhere does not exist',
  ),
  withPlugin(
    'NODES_FAILED',
    nodes('ctx.files(["../x"])'),
    { nodes: '{ docs: §{ type: site } }' },
    'leads out of its folder',
  ),
  withPlugin('NODES_FAILED', nodes('ctx.files("x")'), { nodes: '{ docs: §{ type: site } }' }, 'by a list of paths'),
  withPlugin('NODES_BROKEN', nodes('[7]'), NODES, 'The nodes `docs`: number 1 is no node'),
  withPlugin('NODES_BROKEN', nodes('({})'), NODES, 'The nodes `docs` are no list'),
];

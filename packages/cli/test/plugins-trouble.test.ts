/** Plugins that do not do what they should, through the command line: a diagnostic with a place each time, never a crash, and never a stack trace. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { acme, FORMS, using } from './acme.ts';
import { declaration, toldToPeople } from './declarations.ts';
import { FLEET } from './fleets.ts';
import { plugin } from './plugin-cases.ts';
import { rig, type Rig } from './rig.ts';

const REAL = { realBuilders: true };
const WITH_BUILDER = declaration({ plugins: '[./mine.js]', builders: '{ default: own, own: { type: own } }' });

const making = (create: string): Rig =>
  rig({
    'rebake.yaml': WITH_BUILDER,
    'mine.js': plugin(`builders: { own: { options: any, create: () => ${create} } }`),
  });

describe('a builder of a plugin', () => {
  it.each([
    ['{ throw new TypeError("x is not a function"); }', 'The builder `own` could not be made: x is not a function'],
    ['null', 'The builder `own`: its plugin made nothing'],
    ['({ probe: () => null })', 'The builder `own`: its plugin made something without `build`, which is no builder'],
    ['Promise.resolve({})', 'The builder `own`: its plugin made a promise, which is no builder'],
  ])('that cannot be made by `%s` is told by whoever needs it', async (create, message) => {
    using project = making(create);
    // Its options are fine, and nobody needs it to look at the declaration.
    for (const command of ['validate', 'show', 'graph'])
      expect(await project.rebake(command, REAL)).toMatchObject({ code: 0 });
    for (const command of ['plan', 'apply --auto-approve', 'plan --refresh=false', 'why glm@python']) {
      const ran = await project.rebake(command, REAL);
      expect(ran.code).toBe(EXIT.failed);
      expect(toldToPeople(ran)).toMatchObject([{ brief: 'PLUGIN_BROKEN rebake.yaml:8:40', message }]);
      expect(ran.out + ran.err).not.toMatch(/^ +at /m);
    }
  });

  it.each([
    ['nothing', 'undefined', 'builder own answered with nothing'],
    [
      'a lack that nobody knows',
      "{ engine: 'e', contents: 'e@1', steps: [], platforms: [], lacks: ['time'] }",
      'builder own answered with a lack that nobody knows',
    ],
    ['an error of its own', 'Promise.reject(new Error("oops"))', 'builder own: oops'],
  ])('that answers with %s blocks what it has to build', async (_what, answer, words) => {
    const others = "build() {}, fetch() {}, push() {}, tag() {}, inspect: async () => ({ seen: 'no' }), remove() {}";
    using project = making(`({ probe: async () => (${answer}), ${others}, close() { throw new Error('no'); } })`);
    project.write('rootfs.tar', 'x');
    project.edit('rebake.yaml', '{ image: "debian:12" }', '{ rootfs: rootfs.tar }');
    project.edit('rebake.yaml', ', registry: eu', '');
    const ran = await project.rebake('plan', REAL);
    expect(toldToPeople(ran)).toMatchObject([
      { brief: 'BUILDER_UNKNOWN rebake.yaml:4:23', message: expect.stringContaining(words) as unknown },
    ]);
    expect(ran.out + ran.err).not.toMatch(/^ +at /m);
  });
});

describe('a plugin that nobody needs', () => {
  it('is not loaded, but by `validate`', async () => {
    using project = rig({
      ...FLEET,
      'rebake.yaml': `${FLEET['rebake.yaml']}plugins: [./mine.mjs]\n`,
      'mine.mjs': "import { writeFileSync } from 'node:fs';\nwriteFileSync(new URL('loaded', import.meta.url), '');\n",
    });
    for (const command of [
      'plan',
      'apply --auto-approve',
      'show',
      'why glm@python',
      'state list',
      'plan --refresh=false',
    ])
      expect(await project.rebake(command)).toMatchObject({ code: 0, err: '' });
    expect(existsSync(project.path('loaded'))).toBe(false);
    expect((await project.rebake('validate')).err).toContain(
      'error[PLUGIN_BROKEN]: The plugin `./mine.mjs` exports no `plugin`\n',
    );
    expect(existsSync(project.path('loaded'))).toBe(true);
  });
});

describe('a source', () => {
  const reading = (read: string): Rig =>
    rig({
      'rebake.yaml': declaration({ plugins: '[./mine.js]', sources: '{ all: { type: all } }' }),
      'mine.js': plugin(`sources: { all: { options: any, read: ${read} } }`),
    });

  it('that fails fails every command that reads the declaration, and what was built stays known', async () => {
    const { folder, item } = FORMS.folder;
    using project = acme({ 'rebake.yaml': using(item) }, folder);
    await project.rebake('apply --auto-approve', REAL);
    project.write('inventory.json', '{ "glm": ["glum==3.1.2"], "soup": null }');
    for (const command of [
      'validate',
      'plan',
      'apply --auto-approve',
      'show',
      'graph',
      'why own@python',
      'resolve --config cpu',
    ]) {
      const ran = await project.rebake(command, REAL);
      expect(ran.code).toBe(EXIT.failed);
      expect(toldToPeople(ran)).toMatchObject([
        {
          brief: 'SOURCE_PARTIAL rebake.yaml:14:3',
          message: expect.stringContaining('the packages of soup could not be listed') as unknown,
        },
      ]);
    }
    // The state is looked into all the same, and has forgotten nothing.
    expect((await project.rebake('state list', REAL)).out).toContain('env/python/soup@python#linux/amd64\n');
    project.write('inventory.json', '{ "glm": ["glum==3.1.2"]');
    expect((await project.rebake('plan', REAL)).err).toContain(
      'error[SOURCE_FAILED]: The source `inventory` could not be read: inventory.json: no JSON\n',
    );
  });

  it('that is read when somebody presses Ctrl-C is interrupted', async () => {
    const interruption = new AbortController();
    Object.assign(globalThis, { rebakeTestIsReading: () => interruption.abort(new Error('Ctrl-C')) });
    using project = reading('() => new Promise(() => globalThis.rebakeTestIsReading())');
    expect(await project.rebake('plan', { signal: interruption.signal })).toMatchObject({
      code: EXIT.interrupted,
      out: '',
      err: '',
    });
  });

  it('gives places that a saved plan keeps', async () => {
    const { folder, item } = FORMS.folder;
    using project = acme({ 'rebake.yaml': using(item) }, folder);
    await project.rebake('plan --out first.plan', REAL);
    expect(project.read('first.plan')).toContain('"source":"inventory"');
    expect(await project.rebake('apply first.plan', REAL)).toMatchObject({ code: EXIT.done, err: '' });
  });
});

describe('a state', () => {
  it('that fails in the middle of an apply ends it', async () => {
    const { folder, item } = FORMS.folder;
    using project = acme({ 'rebake.yaml': using(item) }, folder);
    const ledger = project.read('tools/acme/ledger.js');
    const failing = "if (node.startsWith('env/')) throw new Error('disk full');";
    project.write(
      'tools/acme/ledger.js',
      ledger.replace('async commit(node, entry) {', (head) => `${head} ${failing}`),
    );
    const ran = await project.rebake('apply --auto-approve --parallelism 1', REAL);
    expect(ran.code).toBe(EXIT.failed);
    expect(toldToPeople(ran)).toMatchObject([
      {
        brief: 'STORE_FAILED rebake.yaml:17:16',
        message: expect.stringMatching(/^The state `ledger`: writing env\/.* failed: disk full$/) as unknown,
      },
    ]);
    expect(existsSync(project.path('.rebake/ledger.json.lock'))).toBe(false);
    project.write('tools/acme/ledger.js', ledger);
    const again = await project.rebake('apply --auto-approve', REAL);
    expect(again).toMatchObject({ code: EXIT.done, err: '' });
    // What was built and could not be written down is found by its key.
    expect(again.out).toMatch(/[1-9] adopted/);
  });

  it('that a broken declaration does not name any more is not taken for an empty one', async () => {
    const { folder, item } = FORMS.folder;
    using project = acme({ 'rebake.yaml': using(item) }, folder);
    await project.rebake('apply --auto-approve', REAL);
    project.write('rebake.yaml', 'version: 1\nrelease: {');
    for (const command of ['state list', 'state rm x'])
      expect(await project.rebake(command, REAL)).toMatchObject({
        code: EXIT.failed,
        out: '',
        err: expect.stringContaining('CONFIG_SYNTAX') as unknown,
      });
    expect(existsSync(project.path('.rebake/state.db'))).toBe(false);
  });
});

describe('what one plugin has done wrong', () => {
  it('is told once, however many need it', async () => {
    const more = {
      builders: '{ default: a, a: { type: a }, b: { type: b } }',
      sources: '{ one: { type: c }, two: { type: c } }',
      nodes: '{ three: { type: d }, four: { type: d } }',
    };
    for (const leftOut of [{}, { sources: '{}' }, { sources: '{}', nodes: '{}' }]) {
      using project = rig({
        'rebake.yaml': declaration({ plugins: '[./mine.js]', ...more, ...leftOut }),
        'mine.js': '',
      });
      for (const command of ['validate', 'plan'])
        expect(toldToPeople(await project.rebake(command, REAL)).map(({ brief }) => brief)).toEqual([
          'PLUGIN_BROKEN rebake.yaml:7:11',
        ]);
    }
  });
});

describe('a declaration in TypeScript', () => {
  const config = (plugins: string): string => `export default {
  version: 1,
  release: { version: '14.1.2' },
  plugins: [
    ${plugins},
  ],
};
`;

  it.each([
    ['{ api: 1 }', 'The plugin has no `name`'],
    [
      '{ api: 3, name: "mine" }',
      'The plugin `mine` is for version 3 of the contract with plugins, and this rebake has version 1',
    ],
    ['() => 1', 'The plugin is no plugin: it has to be what `definePlugin` makes'],
    ['{ a: 1 }', 'The plugin is no plugin: it has no `api`; `definePlugin` sets it'],
    ['"./nowhere.ts"', 'There is no `./nowhere.ts`'],
  ])('that hands over %s is told so at its place', async (item, message) => {
    using project = rig({ 'rebake.config.ts': config(item) });
    const ran = await project.rebake('validate');
    expect(toldToPeople(ran)).toMatchObject([{ message }]);
    expect(toldToPeople(ran)[0]?.brief).toMatch(/^PLUGIN_\w+ rebake\.config\.ts:5:5$/);
  });

  it('that hands over nothing of the kind is not valid', async () => {
    using project = rig({ 'rebake.config.ts': config('7') });
    expect(toldToPeople(await project.rebake('validate'))).toMatchObject([
      { brief: 'WRONG_TYPE rebake.config.ts:5:5' },
    ]);
  });
});

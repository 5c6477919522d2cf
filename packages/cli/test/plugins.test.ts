/** Plugins through the command line: one that brings a builder, a source, a state and a kind of nodes, in each form in which it can be named. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { acme, FORMS, using } from './acme.ts';
import { readable } from './readable.ts';
import type { Rig } from './rig.ts';

const REAL = { realBuilders: true };

/** The same declaration in TypeScript, with the plugin itself in it. */
const OBJECT = `import { defineConfig } from '@rebake/rebake';
import { plugin } from './tools/acme/index.js';

export default defineConfig({
  version: 1,
  release: { version: '14.1.1' },
  baseImages: { python: { type: 'container-exec', from: { rootfs: './rootfs.tar' }, python: ['3.11'] } },
  containerConfigs: { cpu: { engine: 'docker', base: 'python' } },
  codeEnvs: { own: { language: 'python', interpreter: '3.11', packages: ['scipy'] } },
  builders: { default: 'shelf', shelf: { type: 'shelf', options: { folder: 'images' } } },
  plugins: [plugin],
  sources: { inventory: { type: 'inventory', options: { file: 'inventory.json' } } },
  nodes: { handbook: { type: 'site', options: { pages: 'pages', on: 'python' } } },
  state: { type: 'ledger', options: { file: 'ledger.json' } },
});
`;

const projects: readonly (readonly [form: string, make: () => Rig])[] = [
  ...Object.entries(FORMS).map(
    ([form, { folder, item }]) => [form, () => acme({ 'rebake.yaml': using(item) }, folder)] as const,
  ),
  ['object', () => acme({ 'rebake.config.ts': OBJECT })],
];

describe('a plugin that a declaration names by its', () => {
  it.each(projects)('%s, does all that it can for it', async (_form, make) => {
    using project = make();
    const run = (command: string) => project.rebake(command, REAL);
    expect(await run('validate')).toMatchObject({ code: EXIT.done, err: '' });
    const planned = await run('plan');
    expect(planned.err).toBe('');
    await expect(readable(planned.out)).toMatchFileSnapshot('golden/plugin-plan.txt');
    const applied = await run('apply --auto-approve');
    expect(applied).toMatchObject({ code: EXIT.done, err: '' });
    expect(applied.out).toContain('Done: 5 built, 5 published');
    expect(await run('plan --detailed-exitcode')).toMatchObject({ code: EXIT.done, err: '' });
    expect(await run('plan --refresh=false --detailed-exitcode')).toMatchObject({ code: EXIT.done, err: '' });

    // Its builder has kept the images in the folder that it was given, and its state everything that there is of state.
    expect(existsSync(project.path('.rebake/builders/shelf/images/docs%2Fhandbook%3Acurrent'))).toBe(true);
    expect(existsSync(project.path('.rebake/state.db'))).toBe(false);
    expect(readFileSync(project.path('.rebake/ledger.json'), 'utf8')).toContain('"site/handbook"');
    expect((await run('state list')).out).toContain('\nreaders/handbook\nsite/handbook\n');
  });
});

describe('what a plugin brings', () => {
  const { folder, item } = FORMS.folder;
  const run = (project: Rig, command: string) => project.rebake(command, REAL);

  it('is planned, explained and shown like everything else', async () => {
    using project = acme({ 'rebake.yaml': using(item) }, folder);
    await run(project, 'apply --auto-approve');
    project.write('pages/guide.md', '# Better steps\n');
    project.write('inventory.json', '{ "glm": ["glum==3.1.3"] }\n');
    const { out } = await run(project, 'plan');
    await expect(readable(out)).toMatchFileSnapshot('golden/plugin-change.txt');
    await expect(readable((await run(project, 'why site/handbook')).out)).toMatchFileSnapshot('golden/plugin-why.txt');
    await expect(readable((await run(project, 'show site/handbook')).out)).toMatchFileSnapshot(
      'golden/plugin-show.txt',
    );
    // What came from a source has the place of the source.
    const glm = 'rebake.yaml:14';
    expect((await run(project, 'show glm@python')).out).toContain(
      `  declared at ${glm} (codeEnvs.glm, from the source inventory)\n`,
    );
    expect((await run(project, 'why glm@python')).out).toContain(
      `  packages/glum: glum==3.1.2 → glum==3.1.3 (${glm}, from the source inventory)\n`,
    );
    expect((await run(project, 'apply --auto-approve')).out).toContain('2 forgotten');
    expect(await run(project, 'plan --detailed-exitcode')).toMatchObject({ code: EXIT.done });
  });

  it('follows the base image that it stands on', async () => {
    using project = acme({ 'rebake.yaml': using(item) }, folder);
    await run(project, 'apply --auto-approve');
    project.write('rootfs.tar', 'another archive');
    const { out } = await run(project, 'plan --target site/handbook');
    expect(out).toMatch(/└─ site\/handbook +build\? +if base\/python changes \(from\/rootfs: /);
    expect((await run(project, 'apply --auto-approve --target site/handbook')).out).toContain('Done: 2 built');
  });

  it('fails like everything else, with its own words', async () => {
    using project = acme({ 'rebake.yaml': using(item).replace('packages: [scipy]', 'packages: [torn-page]') }, folder);
    const ran = await run(project, 'apply --auto-approve');
    expect(ran.code).toBe(EXIT.failed);
    expect(ran.out).toContain('SHELF_FAILED');
    expect((await run(project, 'why own@python')).out).toContain('│ a torn page cannot be rendered');
    expect((await run(project, 'show')).out).toMatch(/site\/handbook +[0-9a-f]{12}/);
  });

  it('locks its own state, and says who holds it', async () => {
    using project = acme({ 'rebake.yaml': using(item) }, folder);
    await run(project, 'validate');
    project.write(
      '.rebake/ledger.json.lock',
      '{ "pid": 7, "host": "elsewhere", "run": "r", "since": "2026-01-01T00:00:00Z" }',
    );
    const ran = await run(project, 'apply --auto-approve');
    expect(ran.code).toBe(EXIT.locked);
    expect(ran.err).toContain('rebake run r (pid 7 on elsewhere, since 2026-01-01T00:00:00Z)');
  });

  it('is read anew each time: nothing of it is remembered', async () => {
    using project = acme({ 'rebake.yaml': using(item) }, folder);
    await run(project, 'apply --auto-approve');
    project.clock.pass(Date.now() - project.clock.now() + 60_000);
    const quiet = 'plan --refresh=false --detailed-exitcode';
    for (let times = 0; times < 2; times++) expect(await run(project, quiet)).toMatchObject({ code: EXIT.done });
    expect(existsSync(project.path('.rebake/cache/declaration.json'))).toBe(false);
    expect(existsSync(project.path('.rebake/cache/quiet-plan.json'))).toBe(false);
    project.write('inventory.json', '{ "glm": ["glum==3.1.3"], "soup": ["beautifulsoup4"] }\n');
    expect(await run(project, quiet)).toMatchObject({ code: EXIT.changes });
  });
});

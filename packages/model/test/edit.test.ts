import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { upgradeRelease, type UpgradeRequest } from '../src/index.ts';
import { folder } from './load-rig.ts';

interface Edit {
  readonly name?: string;
  readonly before: string;
  readonly request?: Partial<UpgradeRequest>;
}

async function edit({
  name = 'rebake.yaml',
  before,
  request = {},
}: Edit): Promise<{ after: string; codes: string[]; diff: string; changed: boolean; from: string | null }> {
  using project = folder({ [name]: before });
  const outcome = await upgradeRelease({ file: project.path(name), version: '14.2.0', ...request });
  expect(readdirSync(project.root)).toEqual([name]);
  return {
    after: readFileSync(project.path(name), 'utf8'),
    codes: outcome.diagnostics.map(({ code }) => code),
    diff: outcome.diff,
    changed: outcome.changed,
    from: outcome.from,
  };
}

describe('upgrading a release in YAML', () => {
  it.each([
    [
      'a flow mapping',
      '# top\nversion: 1\nrelease:   { version: 14.1.2 , kit: ./kit }   # why\n',
      { '14.1.2': '14.2.0' },
    ],
    [
      'a block mapping',
      'version: 1\nrelease:\n  # the one\n  version:   14.1.2   # here\n  kit: k\n',
      { '14.1.2': '14.2.0' },
    ],
    ['double quotes', 'version: 1\nrelease: {version: "14.1.2"}\n', { '14.1.2': '14.2.0' }],
    ['single quotes and CRLF', "version: 1\r\nrelease:\r\n  version: '14.1.2'\r\n", { '14.1.2': '14.2.0' }],
    ['a byte order mark', '\uFEFFversion: 1\nrelease: { version: 14.1.2 }\n', { '14.1.2': '14.2.0' }],
    ['an anchor of its own', 'version: 1\nrelease: { version: &v 14.1.2 }\n', { '14.1.2': '14.2.0' }],
    ['a merged mapping', 'version: 1\nrelease: { <<: { version: 14.1.2 } }\n', { '14.1.2': '14.2.0' }],
  ])('keeps everything else as it is: %s', async (_what, before, change) => {
    const [[from, to] = ['', '']] = Object.entries(change);
    const { after, codes, from: former } = await edit({ before });
    expect(codes).toEqual([]);
    expect(after).toBe(before.replace(from, to));
    expect(former).toBe('14.1.2');
  });

  it('edits the release that is named, and asks for the name where there are several', async () => {
    const before = 'version: 1\nreleases:\n  design: { version: 14.1.2 }\n  automation: { version: 14.1.2 } # later\n';
    expect((await edit({ before, request: { release: 'automation' } })).after).toBe(
      before.replace('automation: { version: 14.1.2', 'automation: { version: 14.2.0'),
    );
    expect((await edit({ before })).codes).toEqual(['RELEASE_NOT_DECLARED']);
    expect((await edit({ before, request: { release: 'desing' } })).codes).toEqual(['RELEASE_NOT_DECLARED']);
  });

  it('sets the kit, and adds it where there is none', async () => {
    const request = { kit: './kits/14.2.0' };
    expect((await edit({ before: 'version: 1\nrelease: { version: 14.1.2, kit: "a" }\n', request })).after).toBe(
      'version: 1\nrelease: { version: 14.2.0, kit: "./kits/14.2.0" }\n',
    );
    expect((await edit({ before: 'version: 1\nrelease: { version: 14.1.2 } # x\n', request })).after).toBe(
      'version: 1\nrelease: { version: 14.2.0, kit: ./kits/14.2.0 } # x\n',
    );
    expect((await edit({ before: 'release:\n  version: 14.1.2 # x\nversion: 1\n', request })).after).toBe(
      'release:\n  version: 14.2.0 # x\n  kit: ./kits/14.2.0\nversion: 1\n',
    );
    expect((await edit({ before: 'version: 1\r\nrelease:\r\n  version: 14.1.2', request })).after).toBe(
      'version: 1\r\nrelease:\r\n  version: 14.2.0\n  kit: ./kits/14.2.0',
    );
    const odd = await edit({ before: 'version: 1\nrelease:\n  version: 14.1.2\n', request: { kit: 'a b: #c' } });
    expect(odd.after).toBe('version: 1\nrelease:\n  version: 14.2.0\n  kit: "a b: #c"\n');
  });

  it('shows what it did', async () => {
    const { diff } = await edit({ before: '# a\n# b\n# c\nversion: 1\nrelease: { version: 14.1.2 }\ncodeEnvs: {}\n' });
    expect(diff).toBe(
      '--- rebake.yaml\n+++ rebake.yaml\n@@ -3,4 +3,4 @@\n # c\n version: 1\n-release: { version: 14.1.2 }\n+release: { version: 14.2.0 }\n codeEnvs: {}\n',
    );
  });

  it('changes nothing when there is nothing to change, or when it would change more', async () => {
    const same = await edit({ before: 'version: 1\nrelease: { version: 14.2.0 }\n' });
    expect(same).toMatchObject({ changed: false, diff: '', codes: [] });
    const shared = 'version: 1\nreleases:\n  a: { version: &v 14.1.2 }\n  b: { version: *v }\n';
    const both = await edit({ before: shared, request: { release: 'b' } });
    expect(both).toMatchObject({ changed: false, after: shared, codes: ['NOT_EDITABLE'] });
    const block = 'version: 1\nrelease:\n  version: |-\n    14.1.2\n';
    expect(await edit({ before: block })).toMatchObject({ changed: false, after: block, codes: ['NOT_EDITABLE'] });
  });

  it.each(['14', '14.1', 'latest', '14.1.2\n', '$(id)', ''])('refuses %j as a version', async (version) => {
    const before = 'version: 1\nrelease: { version: 14.1.2 }\n';
    expect(await edit({ before, request: { version } })).toMatchObject({ after: before, codes: ['BAD_VALUE'] });
  });

  it('tells what is wrong with a file that cannot be read as a declaration', async () => {
    expect((await edit({ before: 'release: [' })).codes).toEqual(['CONFIG_SYNTAX']);
    expect((await edit({ before: 'version: 1\n' })).codes).toEqual(['RELEASE_NOT_DECLARED']);
    expect((await upgradeRelease({ file: '/nowhere/rebake.yaml', version: '14.2.0' })).diagnostics).toMatchObject([
      { code: 'CONFIG_UNREADABLE' },
    ]);
  });

  it('keeps the mode of the file, and a link a link', async () => {
    using project = folder({ 'real/config.yaml': 'version: 1\nrelease: { version: 14.1.2 }\n' });
    chmodSync(project.path('real/config.yaml'), 0o640);
    symlinkSync('real/config.yaml', project.path('rebake.yaml'));
    await upgradeRelease({ file: project.path('rebake.yaml'), version: '14.2.0' });
    expect(lstatSync(project.path('rebake.yaml')).isSymbolicLink()).toBe(true);
    expect(statSync(project.path('real/config.yaml')).mode & 0o777).toBe(0o640);
    expect(readFileSync(project.path('real/config.yaml'), 'utf8')).toContain('14.2.0');
  });
});

describe('upgrading a release in TypeScript', () => {
  const config = (release: string, head = ''): string =>
    `import { defineConfig } from '@rebake/rebake';\n${head}\nexport default defineConfig({\n  version: 1, // one\n  release: ${release},\n});\n`;
  const name = 'rebake.config.ts';

  it.each([
    ['single quotes', config("{ version: '14.1.2' /* now */ }")],
    ['double quotes', config('{ "version": "14.1.2" }')],
    ['a template', config('{ version: `14.1.2` }')],
    ['a constant', config('{ version: VERSION }', "const VERSION = '14.1.2';\n")],
    ['a shorthand', config('{ version }', "const version = '14.1.2' as const;\n")],
    ['a spread', config('{ ...common }', "const common = { version: '14.1.2' };\n")],
    ['a function', config('release()', "const release = () => ({ version: '14.1.2' });\n")],
    ['a byte order mark', `\uFEFF${config("{ version: '14.1.2' }")}`],
  ])('keeps everything else as it is: %s', async (_what, before) => {
    const { after, codes } = await edit({ name, before });
    expect(codes).toEqual([]);
    expect(after).toBe(before.replace('14.1.2', '14.2.0'));
  });

  it('sets the kit, and adds it where there is none', async () => {
    const request = { kit: "./o'kit" };
    expect((await edit({ name, before: config("{ version: '14.1.2', kit: 'a' }"), request })).after).toBe(
      config(String.raw`{ version: '14.2.0', kit: './o\'kit' }`),
    );
    expect((await edit({ name, before: config('{ version: "14.1.2" }'), request })).after).toBe(
      config(`{ version: "14.2.0", kit: "./o'kit" }`),
    );
    expect(
      (await edit({ name, before: config("{\n    version: '14.1.2', // here\n  }"), request: { kit: 'k' } })).after,
    ).toBe(config("{\n    version: '14.2.0',\n    kit: 'k', // here\n  }"));
  });

  it.each([
    ['computed', config("{ version: ['14', '1', '2'].join('.') }")],
    ['imported', config('{ version: process.versions.node && "14.1.2" }')],
    ['used for more than the version', config('{ version: V, kit: V }', "const V = '14.1.2';\n")],
  ])('leaves the file alone where the version is %s', async (_what, before) => {
    expect(await edit({ name, before })).toMatchObject({ after: before, changed: false, codes: ['NOT_EDITABLE'] });
  });
});

/** The command line itself: help, versions, mistakes, where it works, and when it has colours. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { wantsColors } from '../src/process-io.ts';
import { EXIT, program } from '../src/index.ts';
import { FLEET } from './fleets.ts';
import { rig } from './rig.ts';

describe('help', () => {
  it('lists the commands', async () => {
    using project = rig({});
    const ran = await project.rebake('--help');
    expect(ran).toMatchObject({ code: EXIT.done, err: '' });
    await expect(ran.out).toMatchFileSnapshot('golden/help.txt');
    expect((await project.rebake('help')).out).toBe(ran.out);
    const wide = await project.rebake('--help', { columns: 120 });
    expect(wide.out).toContain('carry out a plan: a saved one, or the one made now\n');
    // No command is a mistake, and help is the answer.
    expect(await project.rebake('')).toMatchObject({ code: EXIT.failed, out: '', err: ran.out });
  });

  it('explains each command and each of its flags', async () => {
    using project = rig({});
    const { commands } = program(
      {
        cwd: '',
        env: {},
        terminal: null,
        colors: false,
        ask: null,
        signal: new AbortController().signal,
        out() {},
        err() {},
        async bytes() {},
        redraw() {},
      },
      () => {},
    );
    expect(commands).toHaveLength(15);
    for (const command of commands) {
      const { code, out } = await project.rebake(`${command.name()} --help`);
      expect(code).toBe(EXIT.done);
      expect(out).toContain(`Usage: rebake ${command.name()} `);
      for (const { long, description } of command.options) {
        expect(out).toContain(long);
        expect(description).not.toBe('');
      }
    }
  });

  it('knows its version, which is that of the package', async () => {
    using project = rig({});
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await project.rebake('--version')).toMatchObject({ code: EXIT.done, out: `${version}\n`, err: '' });
  });
});

describe('mistakes', () => {
  it.each([
    ['palm', "unknown command 'palm'\n(Did you mean plan?)"],
    ['plan --targt x', "unknown option '--targt'\n(Did you mean --target?)"],
    ['plan --refresh=maybe', "'maybe' is invalid. It is neither true nor false."],
    ['plan --out', "option '--out <file>' argument missing"],
    ['why', "missing required argument 'node'"],
    ['why a b', 'too many arguments'],
    ['upgrade', "missing required argument 'version'"],
    ['resolve --env glm', "required option '--config <name>' not specified"],
    ['state', 'Usage: rebake state'],
    ['state rm', "missing required argument 'node'"],
  ])('%s', async (args, words) => {
    using project = rig(FLEET);
    const ran = await project.rebake(args);
    expect(ran).toMatchObject({ code: EXIT.failed, out: '' });
    expect(ran.err).toContain(words);
  });
});

describe('where it works', () => {
  const below = Object.fromEntries(Object.entries(FLEET).map(([path, text]) => [`a/fleet/${path}`, text]));

  it('is the nearest folder upwards with a config file, the one of -C, or that of -f', async () => {
    using project = rig({
      ...below,
      'a/fleet/envs/x': '',
      'a/fleet/other.yaml': 'version: 1\nrelease: { version: 14.1.2 }\n',
    });
    const { out } = await project.rebake('-C a/fleet plan');
    expect(out).toContain('Plan: 3 to build');
    expect((await project.rebake('plan -C a/fleet/envs')).out).toBe(out);
    expect((await project.rebake('--file a/fleet/rebake.yaml plan')).out).toBe(out);
    expect((await project.rebake('-C a/fleet -f other.yaml plan')).out).toBe('Nothing to do: 0 unchanged.\n');
  });

  it('tells places as they are seen from where it was started', async () => {
    using project = rig(below);
    project.edit('a/fleet/rebake.yaml', 'base: python', 'base: pyhton');
    expect((await project.rebake('-C a/fleet validate')).err).toMatch(
      /^a\/fleet\/rebake\.yaml:6:32: error\[UNKNOWN_BASE\]/,
    );
  });
});

describe('colours', () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ TERM: 'dumb' }, true, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, false, false],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ])('%j, on a terminal: %s → %s', (env, isTTY, wanted) => {
    expect(wantsColors(env, isTTY)).toBe(wanted);
  });
});

/** Plugins at work: what they get, how long they may take, and that nothing which they do gets through as an exception. */
import type { DeclaredPlugins } from '@rebake/model';
import {
  BuildFailure,
  definePlugin,
  type Builder,
  type KindCtx,
  type Plugin,
  type SourceCtx,
  type Where,
} from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { createPlugins, type Plugins } from '../src/plugins/plugins.ts';
import { HandTimer } from './hand-timer.ts';
import { ownBuilder } from './project.ts';

const ANY = {
  '~standard': { version: 1, vendor: 'mine', validate: (value: unknown) => ({ value: value as never }) },
} as const;
const at: Where = { file: 'rebake.yaml', line: 3, column: 5, path: 'sources.all' };

interface Scene {
  readonly plugins: Plugins;
  readonly timer: HandTimer;
  readonly interrupt: (reason: unknown) => void;
}

function scene(parts: Partial<Plugin>, env: Readonly<Record<string, string>> = {}): Scene {
  const timer = new HandTimer();
  const interruption = new AbortController();
  const declared: DeclaredPlugins = {
    root: '/root',
    items: [definePlugin({ name: 'mine', ...parts })],
    locate: (path) => ({ file: 'rebake.yaml', line: 1, column: 1, path: path.join('.') }),
  };
  const plugins = createPlugins(declared, {
    signal: interruption.signal,
    timer,
    dataDir: '/root/.rebake',
    env,
    now: () => 7,
    randomId: () => 'id',
  });
  return { plugins, timer, interrupt: (reason) => interruption.abort(reason) };
}

const use = (section: string) => ({ path: [section, 'all'], type: 'mine', options: { a: 1 } });
const source = (read: (options: never, ctx: SourceCtx) => Promise<unknown>) => ({
  sources: { mine: { options: ANY, read: read as never } },
});

describe('a source', () => {
  it('gets its options, the root, the environment and secrets', async () => {
    const got: unknown[] = [];
    const { plugins, timer } = scene(
      source(async (options, { root, env, secret, signal }) => {
        got.push(options, root, env['TOKEN'], new TextDecoder().decode((await secret({ env: 'TOKEN' })) ?? undefined));
        got.push(await secret({ env: 'NONE', optional: true }), signal.aborted);
        return { declaration: { codeEnvs: {} }, missing: [] };
      }),
      { TOKEN: 'a long token' },
    );
    expect(await plugins.source(use('sources'), at)).toEqual({ ok: true, value: { codeEnvs: {} } });
    expect(got).toEqual([{ a: 1 }, '/root', 'a long token', 'a long token', null, false]);
    expect(timer.pending).toBe(0);
  });

  it('tells no secret when it fails', async () => {
    const { plugins } = scene(
      source(async (_options, { secret }) => {
        await secret({ env: 'TOKEN' });
        throw new Error('https://me:a long token@inventory.example.com does not answer');
      }),
      { TOKEN: 'a long token' },
    );
    const answer = await plugins.source(use('sources'), at);
    expect(answer).toMatchObject({ ok: false, diagnostics: [{ code: 'SOURCE_FAILED', where: at }] });
    expect(JSON.stringify(answer)).toContain('***');
    expect(JSON.stringify(answer)).not.toContain('a long token');
  });

  it('without its secret is told which', async () => {
    const { plugins } = scene(source(async (_options, { secret }) => secret({ env: 'TOKEN' })));
    const message = expect.stringContaining('the environment variable TOKEN is missing') as unknown;
    expect(await plugins.source(use('sources'), at)).toMatchObject({
      diagnostics: [{ code: 'SOURCE_FAILED', message }],
    });
  });

  it('has a minute, and is told when it is over', async () => {
    let signal: AbortSignal | undefined;
    const { plugins, timer } = scene(
      source((_options, ctx) => {
        ({ signal } = ctx);
        return new Promise(() => {});
      }),
    );
    const reading = plugins.source(use('sources'), at);
    await timer.pass(59_999);
    expect(signal?.aborted).toBe(false);
    await timer.pass(1);
    expect(await reading).toMatchObject({
      diagnostics: [
        {
          code: 'SOURCE_FAILED',
          message: 'The source `all` could not be read: it took longer than 60 seconds',
          where: at,
        },
      ],
    });
    expect(signal?.aborted).toBe(true);
  });

  it('is interrupted with everything else', async () => {
    const { plugins, interrupt } = scene(source(() => new Promise(() => {})));
    const reading = plugins.source(use('sources'), at);
    interrupt(new Error('Ctrl-C'));
    await expect(reading).rejects.toThrow('Ctrl-C');
  });
});

describe('nodes', () => {
  const ctx = { name: 'all', at } as KindCtx;

  it('have a minute, too', async () => {
    const { plugins, timer } = scene({ kinds: { mine: { options: ANY, expand: () => new Promise(() => {}) } } });
    const expanding = plugins.nodes(use('nodes'), ctx);
    await timer.pass(60_000);
    expect(await expanding).toMatchObject({
      diagnostics: [
        { code: 'NODES_FAILED', message: 'The nodes `all` could not be expanded: it took longer than 60 seconds' },
      ],
    });
  });
});

describe('a state', () => {
  const state = { path: ['state'], type: 'mine', options: {} };

  it('is opened in a minute, or not', async () => {
    const { plugins, timer } = scene({ stores: { mine: { options: ANY, open: () => new Promise(() => {}) } } });
    const opening = plugins.openStore(state);
    await timer.pass(60_000);
    expect(await opening).toMatchObject({
      diagnostics: [
        { code: 'STORE_FAILED', message: 'The state `mine` cannot be opened: it took longer than 60 seconds' },
      ],
    });
  });

  it('has to be able to do what states do', async () => {
    for (const opened of [null, {}, { read: () => null }]) {
      const { plugins } = scene({ stores: { mine: { options: ANY, open: async () => opened as never } } });
      expect(await plugins.openStore(state)).toMatchObject({
        diagnostics: [{ code: 'PLUGIN_BROKEN', where: { path: 'state.type' } }],
      });
    }
  });
});

describe('a builder', () => {
  const config = { path: ['builders', 'own'], kind: 'mine', options: {}, parallel: null, timeoutMs: null };
  const place = { dir: '/root/.rebake/builders/own', env: {} };
  const made = async (create: () => unknown): Promise<unknown> => {
    const { plugins } = scene({ builders: { mine: { options: ANY, create: create as () => Builder } } });
    expect(await plugins.checkBuilder('own', config)).toEqual([]);
    return plugins.makeBuilder('own', config, place);
  };

  it('is what its plugin makes', async () => {
    const own = ownBuilder();
    expect(await made(() => own)).toEqual({ ok: true, value: own });
  });

  it.each([
    ['nothing', () => null, 'made nothing'],
    ['a text', () => 'builder', 'made nothing'],
    ['a promise', () => Promise.resolve(ownBuilder()), 'made a promise, which is no builder'],
    [
      'half a builder',
      () => ({ ...ownBuilder(), push: undefined }),
      'made something without `push`, which is no builder',
    ],
    [
      'a trap',
      () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error('do not touch');
            },
          },
        ),
      'could not be made: do not touch',
    ],
    [
      'an error',
      () => {
        throw new TypeError('x is not a function');
      },
      'could not be made: x is not a function',
    ],
  ])('that is %s is the fault of its plugin', async (_what, create, words) => {
    expect(await made(create)).toMatchObject({
      ok: false,
      diagnostics: [
        {
          code: 'PLUGIN_BROKEN',
          message: expect.stringContaining(words) as unknown,
          where: { path: 'builders.own.type' },
        },
      ],
    });
  });

  it('that the user can mend says so', async () => {
    const words = 'DOCKER_HOST is no address';
    const create = (): never => {
      throw new BuildFailure({ code: 'ENGINE_HOST', retry: 'never', words });
    };
    expect(await made(create)).toMatchObject({
      diagnostics: [{ code: 'BUILDER_OPTIONS', message: `The builder \`own\`: ${words}` }],
    });
  });
});

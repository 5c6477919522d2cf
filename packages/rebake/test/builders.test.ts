/** Builders as they are declared: kinds that there are, options that their kind accepts, and what is said about all others. */
import { systemTimer } from '@rebake/engine';
import type { DeclaredPlugins } from '@rebake/model';
import type { Builder } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { apply, BUILT_IN_KINDS, plan, savePlan, validate } from '../src/index.ts';
import { createPlugins } from '../src/plugins/plugins.ts';
import { declaredBuilders, type BuilderSource } from '../src/pool.ts';
import { declaration, folder, ownBuilder } from './project.ts';

const docker = (options: string): string => `{ default: own, own: { type: docker, options: ${options} } }`;

describe('a declared builder', () => {
  const OPTIONS = { code: 'BUILDER_OPTIONS', help: 'Correct the options.' };

  it.each([
    [
      '{ default: podmann }',
      [
        {
          code: 'UNKNOWN_BUILDER_TYPE',
          message: 'The builder `podmann` is of the type `podmann`, which nothing brings',
          where: { line: 9, column: 22, path: 'builders.default.type' },
        },
      ],
    ],
    [
      docker('{ host: 3 }'),
      [
        {
          ...OPTIONS,
          message: expect.stringContaining('The builder `own`: `host`: must be') as unknown,
          where: { line: 9, column: 65, path: 'builders.own.options.host' },
        },
      ],
    ],
    [
      docker('{ hots: "unix:///x" }'),
      [{ ...OPTIONS, message: expect.stringContaining('`hots`: unknown option') as unknown, where: { column: 65 } }],
    ],
    [
      docker('{ host: "tcp://127.0.0.1:1", tls: { ca: a.pem } }'),
      [
        { ...OPTIONS, message: 'The builder `own`: `tls.cert`: must be the path of a PEM file' },
        { ...OPTIONS, message: 'The builder `own`: `tls.key`: must be the path of a PEM file' },
      ],
    ],
  ])('that cannot be made is told at its place, with its own words: %s', async (builders, told) => {
    using project = folder(declaration(builders));
    const { planned, diagnostics } = await plan(project.options);
    expect(diagnostics).toMatchObject(told);
    expect(planned).toBeNull();
    expect(await validate(project.options)).toEqual({ ok: false, diagnostics });
    const yes = { confirm: async () => 'yes' as const, emit: () => {} };
    expect(await apply({ ...project.options, ...yes })).toEqual({ status: 'invalid', diagnostics });
    expect(await apply({ ...project.options, ...yes, refresh: 'none' })).toEqual({ status: 'invalid', diagnostics });
  });

  it('that a saved plan needs is made before anything is done', async () => {
    using project = folder(declaration());
    const { planned } = await plan({ ...project.options, builders: { docker: ownBuilder() } });
    if (planned === null) throw new Error('a sound declaration has a plan');
    await savePlan(planned.plan, 'saved.plan', project.dir);
    // Builders have names: another one of the same name is no other graph.
    project.write(
      'rebake.yaml',
      `${declaration('{ default: docker, docker: { type: docker, options: { host: 3 } } }')['rebake.yaml']}`,
    );
    const applied = await apply({
      ...project.options,
      planFile: 'saved.plan',
      confirm: async () => 'yes',
      emit: () => {},
    });
    expect(applied).toMatchObject({ status: 'invalid', diagnostics: [{ code: 'BUILDER_OPTIONS' }] });
  });

  it('whose engine is down is one diagnostic too', async () => {
    using project = folder(declaration(docker('{ host: "unix:///nowhere/docker.sock" }')));
    const { diagnostics } = await plan(project.options);
    expect(diagnostics).toMatchObject([
      { code: 'BUILDER_UNKNOWN', help: 'Start the engine, or correct the options of the builder.' },
    ]);
    expect(diagnostics[0]?.message).toContain('/nowhere/docker.sock');
  });

  it('is none of the world’s business where nothing has to be built', async () => {
    using project = folder(declaration());
    await apply({ ...project.options, builders: { docker: ownBuilder() }, confirm: async () => 'yes', emit: () => {} });
    project.write('rebake.yaml', `${declaration(docker('{ host: 3 }'))['rebake.yaml']}`);
    // With its own name, a builder is another one: what it would build is asked of it, what is there is not.
    const { diagnostics } = await plan({ ...project.options, refresh: 'none' });
    expect(diagnostics.map(({ code }) => code)).toEqual([]);
  });
});

describe('the pool', () => {
  const config = { path: ['builders', 'own'], kind: 'docker', options: {}, parallel: null, timeoutMs: null };
  const nowhere: DeclaredPlugins = {
    root: '/nowhere',
    items: [],
    locate: (path) => ({ file: 'rebake.yaml', line: 1, column: 1, path: path.join('.') }),
  };
  const source = (given: Readonly<Record<string, Builder>> = {}): BuilderSource => {
    const place = { dataDir: '/nowhere', env: {}, signal: new AbortController().signal, timer: systemTimer };
    return {
      dataDir: '/nowhere',
      env: {},
      given,
      plugins: async () => createPlugins(nowhere, { ...place, now: Date.now, randomId: () => 'id' }),
    };
  };

  it('bounds builds by what is declared, and else leaves that to the builder; their time by what is declared, and else by a default', () => {
    const { pooled } = declaredBuilders({ a: config, b: { ...config, parallel: 2, timeoutMs: 60_000 } }, source());
    expect(pooled.get('a')).toMatchObject({ parallel: null, timeoutMs: 7_200_000 });
    expect(pooled.get('b')).toMatchObject({ parallel: 2, timeoutMs: 60_000 });
  });

  it('makes a builder of each built-in kind without contacting anything, once', async () => {
    for (const kind of BUILT_IN_KINDS) {
      const { pooled, refused } = declaredBuilders({ own: { ...config, kind } }, source());
      expect(await refused(['own', 'own'])).toEqual([]);
      const builder = await pooled.get('own')?.load();
      expect(builder).toMatchObject({ build: expect.any(Function) as unknown });
      expect(await pooled.get('own')?.load()).toBe(builder);
      await builder?.close();
    }
  });

  it('takes a given builder instead of the declared one', async () => {
    const own = ownBuilder();
    const { pooled, refused } = declaredBuilders({ own: { ...config, kind: 'nothing' } }, source({ own }));
    expect(await refused(['own'])).toEqual([]);
    expect(await pooled.get('own')?.load()).toBe(own);
  });

  it('refuses one that was never asked for before as a failure of whoever needs it', async () => {
    const { pooled } = declaredBuilders({ own: { ...config, kind: 'nothing' } }, source());
    await expect(pooled.get('own')?.load()).rejects.toMatchObject({
      error: {
        code: 'UNKNOWN_BUILDER_TYPE',
        retry: 'never',
        words: expect.stringContaining('builder own: ') as unknown,
      },
    });
  });
});

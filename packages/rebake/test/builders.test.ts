/** Builders as they are declared: kinds that there are, options that their kind accepts, and what is said about all others. */
import { describe, expect, it } from 'vitest';
import { apply, BUILT_IN_KINDS, plan } from '../src/index.ts';
import { pooledBuilders } from '../src/builders.ts';
import { declaration, folder, ownBuilder } from './project.ts';

const docker = (options: string): string => `{ default: own, own: { type: docker, options: ${options} } }`;

describe('a declared builder', () => {
  it.each([
    ['{ default: podman }', 'builder podman: there is no builder of type podman; there is docker'],
    [docker('{ host: 3 }'), 'builder own: host: must be unix:///path or tcp://host[:port]'],
    [docker('{ hots: "unix:///x" }'), 'builder own: hots: unknown option; there are: host, tls'],
    [
      docker('{ host: "tcp://127.0.0.1:1", tls: { ca: a.pem } }'),
      'builder own: tls.cert: must be the path of a PEM file; tls.key: must be the path of a PEM file',
    ],
  ])('that cannot be made is one diagnostic, with its own words: %s', async (builders, words) => {
    using project = folder(declaration(builders));
    const { planned, diagnostics } = await plan(project.options);
    expect(diagnostics).toEqual([
      {
        code: 'BUILDER_UNKNOWN',
        severity: 'error',
        message: `\`base/python#linux/amd64\` (and 3 more): ${words}`,
        where: expect.objectContaining({ line: 4, path: 'baseImages.python' }) as unknown,
        help: 'Correct `builders` in the declaration.',
      },
    ]);
    // What is blocked is planned for by nobody.
    expect(new Set(planned?.plan.actions.map(({ atMost }) => atMost))).toEqual(new Set(['keep']));
    const applied = await apply({ ...project.options, confirm: async () => 'yes', emit: () => {} });
    expect(applied).toMatchObject({ status: 'invalid', diagnostics: [{ code: 'BUILDER_UNKNOWN' }] });
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

const place = { dataDir: '/nowhere', env: {} };

describe('the pool', () => {
  it('bounds builds by what is declared, and else leaves that to the builder; their time by what is declared, and else by a default', () => {
    const config = { kind: 'docker', options: {}, parallel: null, timeoutMs: null };
    const pool = pooledBuilders({ a: config, b: { ...config, parallel: 2, timeoutMs: 60_000 } }, place);
    expect(pool.get('a')).toMatchObject({ parallel: null, timeoutMs: 7_200_000 });
    expect(pool.get('b')).toMatchObject({ parallel: 2, timeoutMs: 60_000 });
  });

  it('loads each built-in kind without contacting anything', async () => {
    for (const kind of BUILT_IN_KINDS) {
      const pool = pooledBuilders({ own: { kind, options: {}, parallel: null, timeoutMs: null } }, place);
      const builder = await pool.get('own')?.load();
      expect(builder).toMatchObject({ build: expect.any(Function) as unknown });
      await builder?.close();
    }
  });

  it('takes a given builder instead of the declared one', async () => {
    const own = ownBuilder();
    const pool = pooledBuilders({ own: { kind: 'nothing', options: {}, parallel: null, timeoutMs: null } }, place, {
      own,
    });
    expect(await pool.get('own')?.load()).toBe(own);
  });
});

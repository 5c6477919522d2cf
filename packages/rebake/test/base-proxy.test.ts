/** The proxy of a base: what its build gets, and nobody else. */
import { expect, it } from 'vitest';
import { apply, plan } from '../src/index.ts';
import { declaration, folder, ownBuilder } from './project.ts';

const PROXY = '{ http: "http://proxy.example.com:3128", no: localhost }';

it('is used while this base is built, counts for nothing, and goes before that of all builds', async () => {
  const text = declaration()['rebake.yaml'] ?? '';
  const withProxy = text
    .replace('python: ["3.11"] }', `python: ["3.11"], proxy: ${PROXY} }`)
    .concat('build: { proxy: { http: "http://other.example.com:3128" } }\n');
  using project = folder({ ...declaration(), 'rebake.yaml': withProxy });
  const builder = ownBuilder();
  const proxies: unknown[] = [];
  const build = builder.build.bind(builder);
  builder.build = (job, ctx) => {
    proxies.push(job.access.proxy);
    return build(job, ctx);
  };
  const options = { ...project.options, builders: { docker: builder } };
  expect((await plan(options)).diagnostics).toEqual([]);
  const { status } = await apply({ ...options, confirm: async () => 'yes' as const, emit: () => {} });
  expect(status).toBe('ran');
  expect(proxies).toEqual([
    { http: 'http://proxy.example.com:3128', no: 'localhost' },
    { http: 'http://other.example.com:3128' },
  ]);

  project.write('rebake.yaml', text);
  const { planned } = await plan(options);
  expect(new Set(planned?.plan.actions.map(({ atMost }) => atMost))).toEqual(new Set(['keep']));
});

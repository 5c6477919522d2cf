/** The library as a program uses it: plans and runs as values, builders of its own, nothing printed and nothing left open. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Event } from '@rebake/sdk';
import {
  apply,
  graph,
  plan,
  resolve,
  savePlan,
  show,
  stateList,
  stateRemove,
  upgrade,
  validate,
  why,
} from '../src/index.ts';
import { declaration, folder, ownBuilder, type Folder } from './project.ts';

const yes = async () => 'yes' as const;
const no = async () => 'no' as const;
const quiet = () => {};

describe('a program that keeps a fleet up to date', () => {
  it('plans, applies what it has looked at, and finds nothing to do afterwards', async () => {
    using project = folder(declaration());
    const builder = ownBuilder();
    const options = { ...project.options, builders: { docker: builder } };
    const { planned, diagnostics } = await plan(options);
    expect(diagnostics).toEqual([]);
    expect(planned?.plan.actions.map(({ atMost }) => atMost)).toEqual(['build', 'build', 'publish', 'publish']);

    const events: Event[] = [];
    const order: string[] = [];
    const result = await apply({
      ...options,
      confirm: async (asked) => {
        order.push(`asked for ${asked.planned?.plan.actions.length}`);
        return 'yes';
      },
      onPlan: ({ actions }) => void order.push(`carries out ${actions.length}`),
      emit: (event) => void events.push(event),
    });
    expect(result).toMatchObject({
      status: 'ran',
      summary: { interrupted: false, failed: [], counts: { built: 2, published: 2 } },
    });
    expect(order).toEqual(['asked for 4', 'carries out 4']);
    expect(events.at(0)?.type).toBe('run-started');
    expect(events.at(-1)?.type).toBe('run-finished');

    expect(await apply({ ...options, confirm: no, emit: quiet })).toMatchObject({ status: 'nothing' });
    expect(builder.built).toHaveLength(2);
    // Once for the plan, once for each apply.
    expect(builder.closed).toBe(3);
  });

  it('asks for the image of a run', async () => {
    using project = folder(declaration());
    const options = { ...project.options, builders: { docker: ownBuilder() } };
    const question = { ...options, codeEnv: 'glm', containerConfig: 'local', workload: 'python-recipe' };
    expect(await resolve(question)).toMatchObject({ formatVersion: 1, status: 'not-built', reference: null });
    await apply({ ...options, confirm: yes, emit: quiet });
    expect(await resolve(question)).toMatchObject({
      status: 'found',
      reference: 'python/pyenv-glm:dss-14.1.2',
      publication: 'publication/engine/python/pyenv-glm',
      runBy: 'others',
      diagnostics: [],
    });
    expect(await resolve({ ...question, workload: 'anything' })).toMatchObject({
      status: 'invalid',
      diagnostics: [{ code: 'UNKNOWN_WORKLOAD' }],
    });
  });

  it('looks into declaration and state', async () => {
    using project = folder(declaration());
    const options = { ...project.options, builders: { docker: ownBuilder() } };
    expect(await validate(options)).toEqual({ ok: true, diagnostics: [] });
    expect((await graph({ ...options, format: 'mermaid' })).text).toMatch(/^flowchart LR\n/);
    await apply({ ...options, confirm: yes, emit: quiet });
    const { nodes } = await show({ ...options, node: 'glm@python' });
    expect(nodes).toMatchObject([{ entry: { version: 1 }, failure: null }]);
    const { explanation } = await why({ ...options, node: 'glm@python' });
    expect(explanation?.account.verdict).toBe('fresh');
    const node = explanation?.account.node ?? '';
    expect(await stateRemove({ ...options, nodes: [node] })).toEqual({ status: 'removed', removed: [node] });
    expect([...((await stateList(options)).entries?.keys() ?? [])]).not.toContain(node);
  });

  it('upgrades the release, and saves a plan for somebody else to apply', async () => {
    using project = folder(declaration());
    const options = { ...project.options, builders: { docker: ownBuilder() } };
    await apply({ ...options, confirm: yes, emit: quiet });
    expect(await upgrade({ ...options, version: '14.1.3' })).toMatchObject({ changed: true, from: '14.1.2' });
    const { planned } = await plan({ ...options, targets: ['base/python'] });
    if (planned === null) throw new Error('a sound declaration has a plan');
    expect(await savePlan(planned.plan, 'upgrade.plan', project.dir)).toEqual([]);
    expect(await savePlan(planned.plan, 'nowhere/upgrade.plan', project.dir)).toMatchObject([
      { code: 'FILES_REFUSED' },
    ]);
    const applied = await apply({ ...options, planFile: 'upgrade.plan', confirm: no, emit: quiet });
    expect(applied).toMatchObject({ status: 'ran', summary: { counts: { built: 1 } } });
  });

  it('leaves everything as it is when it declines', async () => {
    using project = folder(declaration());
    const builder = ownBuilder();
    const result = await apply({ ...project.options, builders: { docker: builder }, confirm: no, emit: quiet });
    expect(result).toEqual({ status: 'declined' });
    expect(builder.built).toEqual([]);
    expect((await stateList(project.options)).entries?.size).toBe(0);
  });
});

describe('what a user wrote never throws', () => {
  const calls: Readonly<
    Record<string, (project: Folder) => Promise<{ readonly diagnostics: readonly unknown[] } | object>>
  > = {
    validate: ({ options }) => validate(options),
    plan: ({ options }) => plan(options),
    apply: ({ options }) => apply({ ...options, confirm: yes, emit: quiet }),
    resolve: ({ options }) => resolve({ ...options, codeEnv: null, containerConfig: 'local', workload: 'ml' }),
    show: ({ options }) => show(options),
    why: ({ options }) => why({ ...options, node: 'glm' }),
    graph: ({ options }) => graph({ ...options, format: 'json' }),
    upgrade: ({ options }) => upgrade({ ...options, version: '14.1.3' }),
  };

  it.each(Object.keys(calls))('%s', async (name) => {
    using project = folder({ 'rebake.yaml': 'version: 1\nrelease: {' });
    expect(await calls[name]?.(project)).toMatchObject({ diagnostics: [{ code: 'CONFIG_SYNTAX', severity: 'error' }] });
    // Nothing but caches was made beside it.
    expect(statSync(join(project.dir, '.rebake/state.db'), { throwIfNoEntry: false })).toBeUndefined();
  });
});

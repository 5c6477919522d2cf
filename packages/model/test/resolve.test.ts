import { describe, expect, it } from 'vitest';
import { isWorkload, resolveBinding } from '../src/resolve.ts';
import type { RefusalCode, Workload } from '../src/resolve.ts';
import { declaration, rig } from './rig-expand.ts';

const sections = {
  baseImages: '{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"], r: true } }',
  containerConfigs:
    '{ cpu: { engine: kubernetes, base: python, registry: eu }, local: { engine: docker, base: python, repository: lab } }',
  codeEnvs:
    '{ glm: { language: python, containerConfigs: [cpu] }, nb: { language: python, jupyter: true }, stats: { language: r },' +
    ' mine: { language: python, deployment: design-non-managed }, off: { language: python, containerConfigs: none },' +
    ' auto: { language: python, deployment: automation-versioned, versions: { v1: {}, v2: { jupyter: true } } } }',
};

async function resolve(env: string | null, config: string, workload: Workload = 'python-recipe') {
  const { expansion } = await rig({ 'rebake.yaml': declaration(sections) });
  return resolveBinding(expansion, { env, config, workload });
}

describe('what a run uses', () => {
  it.each<[string | null, string, Workload, string]>([
    ['glm', 'cpu', 'ml', 'registry.example.com/dss/python/pyenv-glm:dss-14.1.2'],
    ['nb', 'local', 'python-notebook', 'lab/pyenv-nb:dss-14.1.2'],
    ['stats', 'cpu', 'r-recipe', 'registry.example.com/dss/python/renv-stats:dss-14.1.2'],
    ['auto:v2', 'cpu', 'python-notebook', 'registry.example.com/dss/python/pyenv-auto-v2:dss-14.1.2'],
    [null, 'cpu', 'python-recipe', 'registry.example.com/dss/python/base:dss-14.1.2'],
    [null, 'local', 'r-recipe', 'lab/base:dss-14.1.2'],
  ])('%s on %s for %s', async (env, config, workload, reference) => {
    const found = await resolve(env, config, workload);
    expect(found.ok && `${found.binding.pullName}:${found.binding.tag}`).toBe(reference);
  });

  it.each<[string | null, string, Workload, RefusalCode, string]>([
    ['gml', 'cpu', 'ml', 'UNKNOWN_ENV', 'Did you mean `glm`?'],
    ['auto', 'cpu', 'ml', 'UNKNOWN_ENV', 'Name one of `auto:v1` and `auto:v2`.'],
    ['glm', 'cpi', 'ml', 'UNKNOWN_CONFIG', 'Did you mean `cpu`?'],
    [null, 'cpi', 'ml', 'UNKNOWN_CONFIG', 'Did you mean `cpu`?'],
    ['glm', 'local', 'ml', 'NOT_SELECTED', 'Add `local` to its `containerConfigs`, or use `cpu`.'],
    ['off', 'local', 'ml', 'NOT_SELECTED', 'Add `local` to its `containerConfigs`.'],
    [
      'mine',
      'cpu',
      'ml',
      'INCOMPATIBLE',
      'Make it a managed code env with the same packages, or write `containerConfigs: none`.',
    ],
    ['glm', 'cpu', 'python-notebook', 'NO_JUPYTER', 'Set `jupyter: true` in the env, and apply.'],
    ['glm', 'cpu', 'r-recipe', 'WRONG_LANGUAGE', 'Choose an R env.'],
    ['stats', 'cpu', 'deep-learning', 'WRONG_LANGUAGE', 'Choose a Python env.'],
    ['auto:v1', 'cpu', 'python-notebook', 'NO_JUPYTER', 'Set `jupyter: true` in the env, and apply.'],
  ])('refuses %s on %s for %s: %s', async (env, config, workload, code, help) => {
    const found = await resolve(env, config, workload);
    expect(found.ok ? null : [found.refusal.code, found.refusal.help]).toEqual([code, help]);
  });

  it('says which diagnostic keeps an env out', async () => {
    const found = await resolve('mine', 'cpu');
    expect(!found.ok && found.refusal.cause).toBe('ENV_NON_MANAGED');
  });

  it('refuses a config that has problems itself', async () => {
    const text = declaration({ containerConfigs: '{ cpu: { engine: kubernetes, base: python, registry: no } }' });
    const { expansion } = await rig({ 'rebake.yaml': text });
    for (const env of [null, 'glm']) {
      const found = resolveBinding(expansion, { env, config: 'cpu', workload: 'ml' });
      expect(!found.ok && found.refusal.code).toBe('INCOMPATIBLE');
    }
  });

  it('knows its kinds of work', () => {
    expect(['ml', 'toString', 'ML'].map(isWorkload)).toEqual([true, false, false]);
  });
});

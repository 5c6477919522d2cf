import { expect, it } from 'vitest';
import { driveRealClient, generateInstance, realClientCalls, startFakeDss } from '../src/index.ts';

const INSTALL = 120_000;

it(
  'answers the real client so that each operation succeeds',
  async () => {
    const made = generateInstance({ seed: 1, version: '14.3.2', node: 'design', envs: 20 });
    const env = made.envs.find((one) => one.language === 'PYTHON');
    if (env === undefined) throw new Error('no Python env');
    const built: string[] = [];
    const server = await startFakeDss(made, {
      onImagesBuilt: ({ name }) => Promise.resolve(void built.push(name)),
    });
    try {
      const { results } = await driveRealClient(server, env);
      expect(results.filter((one) => one.error !== undefined)).toEqual([]);
      const result = (operation: string) => results.find((one) => one.operation === operation)?.result;
      expect(result('listCodeEnvs')).toHaveLength(20);
      expect(result('getCodeEnv')).toEqual(env.settings);
      expect(result('generalSettings')).toEqual(made.generalSettings);
      expect(result('startImages')).toMatchObject({ messages: { error: false } });
      expect(result('getLog')).toBe(`Log of ${env.name}\n`);
      expect(server.instance()).toEqual(made);
      expect(built.slice(0, 2)).toEqual([env.name, env.name]);
    } finally {
      await server.close();
    }
  },
  INSTALL,
);

it(
  'makes the real client raise an error for a failure inside a 200, with its words',
  async () => {
    const made = generateInstance({ seed: 1, version: '14.3.2', node: 'design', envs: 20 });
    const env = made.envs[0];
    if (env === undefined) throw new Error('no env');
    const path = `/admin/code-envs/${env.language}/${encodeURIComponent(env.name)}/images`;
    const server = await startFakeDss(made, {
      faults: [{ method: 'POST', path, times: 1, kind: 'message', words: 'no space left' }],
    });
    try {
      const { results } = await driveRealClient(server, env);
      expect(results.find((one) => one.operation === 'updateImages')?.error).toContain('no space left');
    } finally {
      await server.close();
    }
  },
  INSTALL,
);

it(
  'records what the real client sends',
  async () => {
    const calls = await realClientCalls();
    expect(calls['updateImages']).toEqual([
      {
        method: 'POST',
        path: '/admin/code-envs/PYTHON/env/images',
        query: { wait: 'True' },
        bodyKeys: [],
      },
    ]);
    expect(calls['updatePackages']?.[0]?.query).toEqual({ forceRebuildEnv: 'True', wait: 'True' });
    expect(calls['abortImages']?.map((one) => `${one.method} ${one.path}`)).toEqual([
      'POST /admin/code-envs/PYTHON/env/images',
      'DELETE /futures/ID',
    ]);
  },
  INSTALL,
);

it(
  'builds the images of one version on an automation node',
  async () => {
    const made = generateInstance({ seed: 1, version: '14.3.2', node: 'automation', envs: 60 });
    const env = made.envs.find((one) => (one.versions ?? []).length > 0);
    const version = env?.versions?.[0]?.id;
    if (env === undefined || version === undefined) throw new Error('no versioned env');
    const built: unknown[] = [];
    const server = await startFakeDss(made, {
      onImagesBuilt: (one) => Promise.resolve(void built.push(one)),
    });
    try {
      const { language, name } = env;
      const { calls, results } = await driveRealClient(server, { language, name, version });
      expect(results.map((one) => one.error)).toEqual([undefined]);
      expect(calls['updateVersionImages']?.[0]?.query).toEqual({
        envVersion: version,
        wait: 'True',
      });
      expect(built).toEqual([{ language, name, version }]);
    } finally {
      await server.close();
    }
  },
  INSTALL,
);

import { afterEach, expect, it } from 'vitest';
import { generateInstance, startFakeDss } from '../src/index.ts';
import type { FakeDss, ServerOptions } from '../src/index.ts';

let server: FakeDss | undefined;
afterEach(async () => server?.close());

async function started(options: ServerOptions = {}) {
  const made = generateInstance({ seed: 1, version: '14.3.2', node: 'design', envs: 20 });
  server = await startFakeDss(made, options);
  const { url, apiKey } = server;
  const call = (method: string, path: string, body?: unknown, key = apiKey) =>
    fetch(`${url}/public/api${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const env = made.envs[0];
  if (env === undefined) throw new Error('no env');
  return { server, call, made, at: `/admin/code-envs/${env.language}/${encodeURIComponent(env.name)}` };
}

it('lists the envs, and nothing to a wrong key', async () => {
  const { call, made, server: dss } = await started();
  const listed = (await (await call('GET', '/admin/code-envs/')).json()) as unknown[];
  expect(listed).toHaveLength(made.envs.length);
  expect((await call('GET', '/admin/code-envs/', undefined, 'wrong')).status).toBe(401);
  expect(dss.calls.map((one) => one.path)).toEqual(['/admin/code-envs/', '/admin/code-envs/']);
});

it('drops unknown settings with 200 and keeps the known ones', async () => {
  const { call, made, at } = await started();
  const settings = { ...made.envs[0]?.settings, notKnownToDss: 1 };
  expect((await call('PUT', at, settings)).status).toBe(200);
  expect(await (await call('GET', at)).json()).toEqual(made.envs[0]?.settings);
});

it('gives a future that can be aborted, and builds at once when waited for', async () => {
  const built: string[] = [];
  const { call, at, made } = await started({
    onImagesBuilt: ({ name }) => Promise.resolve(void built.push(name)),
  });
  const waited = await (await call('POST', `${at}/images?wait=true`)).json();
  expect(waited).toMatchObject({ messages: { error: false } });
  expect(built).toEqual([made.envs[0]?.name]);
  await server?.close();

  const slow = await started({ imageBuildMs: 600_000 });
  const future = (await (await slow.call('POST', `${slow.at}/images?wait=false`)).json()) as {
    jobId: string;
  };
  expect(future).toMatchObject({ hasResult: false, alive: true });
  await slow.call('DELETE', `/futures/${future.jobId}`);
  const after = await (await slow.call('GET', `/futures/${future.jobId}`)).json();
  expect(after).toMatchObject({ aborted: true, hasResult: false });
});

it('meets a fault as often as asked, then answers', async () => {
  const path = '/admin/general-settings';
  const { call } = await started({
    faults: [{ method: 'GET', path, times: 1, kind: 'status', status: 503, words: 'busy' }],
  });
  const first = await call('GET', path);
  expect([first.status, await first.json()]).toMatchObject([503, { message: 'busy' }]);
  expect((await call('GET', path)).status).toBe(200);
});

it('drops a connection, answers what is no JSON, and counts the requests at once', async () => {
  const path = '/admin/general-settings';
  const { call, at } = await started({
    imageBuildMs: 50,
    faults: [
      { method: 'GET', path, times: 1, kind: 'drop' },
      { method: 'GET', path, times: 1, kind: 'garbage' },
    ],
  });
  await expect(call('GET', path)).rejects.toThrow('fetch failed');
  await expect((await call('GET', path)).json()).rejects.toThrow('JSON');
  await Promise.all([1, 2, 3].map(() => call('POST', `${at}/images?wait=true`)));
  expect(server?.peak()).toBe(3);
});

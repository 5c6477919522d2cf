/** The client of DSS's public API: it sends what DSS's own Python client sends, tells failures in DSS's words, and asks for not too much at once. */
import { BuildFailure } from '@rebake/image';
import { generateInstance, realClientCalls, startFakeDss, type Fault } from '@rebake/tool-fake-dss';
import { describe, expect, it } from 'vitest';
import { createDssClient, readLive, type DssCall, type JsonObject } from '../src/index.ts';

const instance = generateInstance({ seed: 3, version: '14.3.2', node: 'design', envs: 20 });

async function server(options: { readonly envs?: number; readonly faults?: readonly Fault[] } = {}) {
  const made = options.envs === undefined ? instance : { ...instance, ...fleet(options.envs) };
  const dss = await startFakeDss(made, { faults: options.faults ?? [] });
  const seen: DssCall[] = [];
  const client = createDssClient({ url: dss.url, apiKey: dss.apiKey, onCall: (call) => void seen.push(call) });
  return {
    dss,
    client,
    seen,
    [Symbol.asyncDispose]: async () => void (await Promise.all([client.close(), dss.close()])),
  };
}

const fleet = (envs: number) => generateInstance({ seed: 3, version: '14.3.2', node: 'design', envs });

describe('each call', () => {
  it('is sent as the real client sends it', { timeout: 120_000 }, async () => {
    const real = await realClientCalls();
    const [first] = instance.envs;
    if (first === undefined) throw new Error('the generator made no env');
    const dss = await startFakeDss({ ...instance, envs: [{ ...first, language: 'PYTHON', name: 'env' }] });
    const client = createDssClient({ url: dss.url, apiKey: dss.apiKey });
    const sent = async (ask: () => Promise<unknown>) => {
      const from = dss.calls.length;
      await ask();
      return dss.calls.slice(from).map(({ method, path, query }) => ({
        method,
        path: path.replace(/^\/futures\/.+$/, '/futures/ID'),
        query,
      }));
    };
    const jobOf = ({ jobId }: JsonObject): string => {
      if (typeof jobId !== 'string') throw new Error('the future has no id');
      return jobId;
    };
    const started = async () => jobOf(await client.updateImages('PYTHON', 'env', { wait: false }));
    const asked: Readonly<Record<string, () => Promise<unknown>>> = {
      listCodeEnvs: () => client.listEnvs(),
      getCodeEnv: () => client.envSettings('PYTHON', 'env'),
      saveCodeEnv: async () => client.putEnvSettings('PYTHON', 'env', await client.envSettings('PYTHON', 'env')),
      updatePackages: () => client.updatePackages('PYTHON', 'env', { forceRebuildEnv: true, wait: true }),
      updateImages: () => client.updateImages('PYTHON', 'env', { wait: true }),
      startImages: async () => client.future(await started()),
      abortImages: async () => client.abortFuture(await started()),
      envUsages: () => client.envUsages('PYTHON', 'env'),
      allUsages: () => client.allUsages(),
      listLogs: () => client.listLogs('PYTHON', 'env'),
      getLog: () => client.log('PYTHON', 'env', 'build.log'),
      generalSettings: () => client.generalSettings(),
      saveGeneralSettings: async () => client.putGeneralSettings(await client.generalSettings()),
      pushBaseImages: async () => client.future(jobOf(await client.pushBaseImages())),
      listClusters: () => client.listClusters(),
    };
    expect(Object.keys(asked).toSorted()).toEqual(Object.keys(real).toSorted());
    for (const [operation, ask] of Object.entries(asked)) {
      // It polls as often as it takes.
      const distinct = (calls: readonly object[]) => [...new Set(calls.map((call) => JSON.stringify(call)))];
      const theirs = (real[operation] ?? []).map(({ method, path, query }) => ({ method, path, query }));
      expect(distinct(await sent(ask)), operation).toEqual(distinct(theirs));
    }
    await client.close();
    await dss.close();
  });
});

describe('a failure', () => {
  const settings = { method: 'GET', path: '/admin/general-settings' } as const;
  const failure = async (asked: Promise<unknown>) => {
    const error = await asked.then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!(error instanceof BuildFailure)) throw new Error(`not refused: ${String(error)}`);
    return error.error;
  };

  it('has the words of DSS, and no key', async () => {
    await using own = await server({
      faults: [{ ...settings, kind: 'status', status: 500, words: 'the disk is full' }],
    });
    expect(await failure(own.client.generalSettings())).toMatchObject({
      code: 'DSS_REFUSED',
      retry: 'never',
      words: expect.stringContaining('HTTP 500: the disk is full') as string,
    });
    const stranger = createDssClient({ url: own.dss.url, apiKey: 'wrong-key' });
    const refused = await failure(stranger.listEnvs());
    expect(refused.code).toBe('DSS_AUTH');
    expect(JSON.stringify([refused, own.seen])).not.toMatch(/wrong-key|dkuaps-/);
    await stranger.close();
  });

  it('that may pass is tried again where nothing is changed by it, and told otherwise', async () => {
    const post = { method: 'POST', path: '/admin/container-exec/actions/push-base-images' };
    await using own = await server({
      faults: [
        { ...settings, kind: 'status', status: 503, times: 2 },
        { ...post, kind: 'status', status: 503, times: 1 },
      ],
    });
    expect(await own.client.generalSettings()).toEqual(instance.generalSettings);
    expect(own.seen.map(({ status }) => status)).toEqual([503, 503, 200]);
    expect(await failure(own.client.pushBaseImages())).toMatchObject({ code: 'DSS_REFUSED', retry: 'never' });
    expect(own.seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('is a name that would lead to another call, and a redirect', async () => {
    await using own = await server({ faults: [{ ...settings, kind: 'status', status: 302 }] });
    await expect(async () => own.client.envSettings('PYTHON', '..')).rejects.toThrow('no name that can be asked for');
    expect(own.dss.calls).toEqual([]);
    expect((await failure(own.client.generalSettings())).words).toContain('HTTP 302');
  });

  it('of a proxy or of nobody is told as such', async () => {
    await using own = await server({ faults: [{ ...settings, kind: 'garbage' }] });
    expect((await failure(own.client.generalSettings())).code).toBe('DSS_BROKEN_ANSWER');
    const nobody = createDssClient({ url: 'http://127.0.0.1:1', apiKey: 'x', retries: 0 });
    expect((await failure(nobody.listEnvs())).code).toBe('DSS_UNREACHABLE');
    await nobody.close();
  });
});

describe('reading an instance', () => {
  it('asks once for each of 500 code envs, twenty at a time, and changes nothing', { timeout: 60_000 }, async () => {
    await using own = await server({ envs: 500 });
    const reading = await readLive(own.client, { place: own.dss.url, version: '14.3.2' });
    expect(reading.missing).toEqual([]);
    expect(reading.envs).toHaveLength(500);
    expect(own.dss.peak()).toBeLessThanOrEqual(20);
    expect(own.dss.calls.every(({ method }) => method === 'GET')).toBe(true);
    expect(own.dss.calls.length).toBeLessThan(520);
  });

  it('gives what the instance has, and says what it could not read', async () => {
    const [env] = instance.envs;
    const path = `/admin/code-envs/${env?.language}/${encodeURIComponent(env?.name ?? '')}`;
    await using own = await server({
      faults: [{ method: 'GET', path, kind: 'status', status: 500, words: 'no desc.json' }],
    });
    const reading = await readLive(own.client, { place: own.dss.url, version: null });
    expect(reading.missing).toHaveLength(2);
    expect(reading.missing.join('\n')).toMatch(/HTTP 500: no desc\.json[\s\S]*version: the API does not say it/);
    expect(reading.generalSettings).toEqual(instance.generalSettings);
    expect(reading.usages).toEqual(instance.usages);
    expect(reading.clusters).toEqual(instance.clusters);
    const known = new Map(instance.envs.map((one) => [`${one.language} ${one.name}`, one]));
    for (const one of reading.envs) expect(one.settings).toEqual(known.get(`${one.language} ${one.name}`)?.settings);
  });
});

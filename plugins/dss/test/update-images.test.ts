/** DSS builds images: what is asked of it, how often, and what is told when it fails. */
import type { JsonObject } from '@rebake/dss';
import { BuildFailure } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { ImageUpdates, type Watch } from '../src/update-images.ts';

const GLM = { language: 'PYTHON', name: 'glm' } as const;
const STARTED = { jobId: 'job-1', hasResult: false, alive: true };
const RUNNING = { hasResult: false, alive: true };
const done = (...messages: readonly JsonObject[]): JsonObject => ({
  hasResult: true,
  alive: false,
  result: { messages: { messages: [...messages] } },
});

interface Script {
  readonly post?: JsonObject | BuildFailure;
  readonly futures?: readonly JsonObject[];
  readonly logs?: readonly JsonObject[];
}

function stage({ post = STARTED, futures = [], logs = [] }: Script) {
  const calls: string[] = [];
  const pauses: number[] = [];
  const left = [...futures];
  const controller = new AbortController();
  const updates = new ImageUpdates({
    updateImages: async (language, name, { envVersion, wait }) => {
      calls.push(`POST ${language} ${name} ${envVersion ?? '-'} ${wait}`);
      if (post instanceof BuildFailure) throw post;
      return post;
    },
    future: async (job) => {
      calls.push(`GET ${job}`);
      return left.shift() ?? done();
    },
    abortFuture: async (job) => {
      calls.push(`ABORT ${job}`);
    },
    listLogs: async () => logs,
    log: async (_language, _name, log) => `the words of ${log}`,
  });
  const watch: Watch = {
    signal: controller.signal,
    pollMs: 100,
    pause: async (ms, signal) => {
      pauses.push(ms);
      signal.throwIfAborted();
    },
  };
  return { updates, watch, calls, pauses, controller };
}

describe('images that DSS builds', () => {
  it('are asked for without waiting, and looked for less and less often', async () => {
    const { updates, watch, calls, pauses } = stage({ futures: Array.from({ length: 6 }, () => RUNNING) });
    await updates.update({ ...GLM, version: 'v2' }, watch);
    expect(calls).toEqual(['POST PYTHON glm v2 false', ...Array.from({ length: 7 }, () => 'GET job-1')]);
    expect(pauses).toEqual([100, 150, 225, 337.5, 500, 500, 500]);
  });

  it('of one env and version are asked for once, of another one again', async () => {
    const { updates, watch, calls } = stage({ post: done() });
    await Promise.all([updates.update(GLM, watch), updates.update(GLM, watch)]);
    await updates.update(GLM, watch);
    expect(calls).toEqual(['POST PYTHON glm - false']);
    await updates.update({ ...GLM, version: 'v2' }, watch);
    await updates.update({ ...GLM, language: 'R' }, watch);
    expect(calls.slice(1)).toEqual(['POST PYTHON glm v2 false', 'POST R glm - false']);
  });

  it.each(['ERROR', 'FATAL'])('have failed where a message says %s, whatever the status', async (severity) => {
    const failure = { severity, title: 'Build failed', details: 'no matching distribution' };
    const { updates, watch } = stage({ futures: [done({ severity: 'WARNING', title: 'old pip' }, failure)] });
    await expect(updates.update(GLM, watch)).rejects.toMatchObject({
      error: { code: 'DSS_BUILD_FAILED', retry: 'never', words: 'Build failed: no matching distribution' },
    });
  });

  it('have failed where DSS only says that there was an error', async () => {
    const { updates, watch } = stage({ post: { messages: { error: true, messages: [] } } });
    await expect(updates.update(GLM, watch)).rejects.toMatchObject({ error: { code: 'DSS_BUILD_FAILED' } });
  });

  it('may have warnings', async () => {
    const { updates, watch } = stage({ futures: [done({ severity: 'WARNING', title: 'old pip' })] });
    await expect(updates.update(GLM, watch)).resolves.toBeUndefined();
  });

  it('that are refused are told with the newest log, and may be asked for again', async () => {
    const post = new BuildFailure({ code: 'DSS_REFUSED', retry: 'never', words: 'HTTP 500' });
    const logs = [
      { name: 'old.log', lastModified: 1 },
      { name: 'new.log', lastModified: 3 },
      { name: 'mid.log', lastModified: 2 },
    ];
    const { updates, watch, calls } = stage({ post, logs });
    const failure = {
      error: { code: 'DSS_BUILD_FAILED', words: 'HTTP 500\nThe newest log of the env, new.log:\nthe words of new.log' },
    };
    await expect(updates.update(GLM, watch)).rejects.toMatchObject(failure);
    await expect(updates.update(GLM, watch)).rejects.toMatchObject(failure);
    expect(calls).toHaveLength(2);
  });

  it('that cannot be asked for keep the failure of the way to DSS', async () => {
    const post = new BuildFailure({ code: 'DSS_UNREACHABLE', retry: 'backoff', words: 'no answer' });
    const { updates, watch } = stage({ post });
    await expect(updates.update(GLM, watch)).rejects.toBe(post);
  });

  it('of a job that DSS no longer knows have failed', async () => {
    const { updates, watch } = stage({ futures: [{ hasResult: false, alive: false }] });
    await expect(updates.update(GLM, watch)).rejects.toMatchObject({ error: { code: 'DSS_BUILD_FAILED' } });
  });

  it('are waited for by each only until it is aborted itself', async () => {
    const { updates, watch } = stage({ futures: [RUNNING] });
    const gate = Promise.withResolvers<void>();
    const first = updates.update(GLM, { ...watch, pause: () => gate.promise });
    const reason = new Error('stopped');
    await expect(updates.update(GLM, { ...watch, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    gate.resolve();
    await expect(first).resolves.toBeUndefined();
  });

  it('are no longer built when the run is aborted', async () => {
    const { updates, watch, calls, controller } = stage({ futures: [RUNNING, RUNNING] });
    const reason = new Error('stopped');
    const pause: Watch['pause'] = async (_ms, signal) => {
      if (calls.length === 2) controller.abort(reason);
      signal.throwIfAborted();
    };
    await expect(updates.update(GLM, { ...watch, pause })).rejects.toBe(reason);
    expect(calls).toEqual(['POST PYTHON glm - false', 'GET job-1', 'ABORT job-1']);
  });
});

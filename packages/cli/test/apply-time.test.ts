/** Limits of time and further attempts, with timers that the test lets pass. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BuildFailure } from '@rebake/sdk';
import { EXIT } from '../src/index.ts';
import { FLEET } from './fleets.ts';
import { rig } from './rig.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('a build that takes longer than its builder allows', () => {
  it('is stopped, and fails alone', async () => {
    using project = rig(FLEET);
    project.edit('rebake.yaml', '{ default: docker }', '{ default: docker, docker: { type: docker, timeout: 30m } }');
    project.engine.behaviours.set('glum', async (_job, { signal }) => {
      vi.advanceTimersByTime(30 * 60_000);
      signal.throwIfAborted();
    });
    const { code, out } = await project.rebake('apply --auto-approve --parallelism 1');
    expect(code).toBe(EXIT.failed);
    expect(out).toContain(
      'env/glm failed: TIMEOUT\n  │ build of env/python/glm@python#linux/amd64 took longer than 1800000 ms and was stopped\n',
    );
    expect(out).toContain('Not all done: 2 built, 2 published, 1 failed, 1 skipped');
  });
});

describe('a build that fails in a way that passes', () => {
  it('is tried again after a while, and says so', async () => {
    using project = rig(FLEET);
    let attempts = 0;
    project.engine.behaviours.set('glum', async () => {
      attempts += 1;
      if (attempts > 1) return;
      const passTime = (): void => {
        if (attempts > 1) return;
        vi.advanceTimersByTime(1_000);
        setImmediate(passTime);
      };
      setImmediate(passTime);
      throw new BuildFailure({ code: 'ENGINE_LOST', retry: 'backoff', words: 'socket hang up' });
    });
    const { code, out } = await project.rebake('apply --auto-approve --parallelism 1');
    expect(code).toBe(EXIT.done);
    expect(attempts).toBe(2);
    expect(out).toContain('\nagain     env/glm: ENGINE_LOST: socket hang up\nbuilt     env/glm  1m00s\n');
  });
});

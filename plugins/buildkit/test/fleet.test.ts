/** Builds and daemons that come and go, with daemons that do what a test says: what runs where, who is told what, and who is asked again. */
import { BuildFailure } from '@rebake/image';
import type { BuildError, Platform } from '@rebake/image';
import type { Progress } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../src/endpoint.ts';
import { Fleet } from '../src/fleet.ts';

const WANTED = { platform: 'linux/amd64', on: [] } as const;

function failure(code: string, retry: BuildError['retry'] = 'backoff', words = code): BuildFailure {
  return new BuildFailure({ code, retry, words });
}

/** A daemon: what it answers, how often it was asked, and whether its connection was ended. */
interface Stand extends Endpoint {
  answer: readonly Platform[] | BuildFailure;
  asked: number;
  closed: number;
}

function stand(index: number, answer: Stand['answer'] = ['linux/amd64'], parallel = 1): Stand {
  const made: Stand = {
    index,
    shown: `daemon ${index}`,
    parallel,
    answer,
    asked: 0,
    closed: 0,
    // Only its end is used here.
    daemon: { close: async () => void made.closed++ } as Endpoint['daemon'],
    async look(signal) {
      made.asked++;
      await Promise.resolve();
      signal.throwIfAborted();
      if (made.answer instanceof BuildFailure) throw made.answer;
      return made.answer;
    },
  };
  return made;
}

function ctxOf(signal = new AbortController().signal) {
  const lines: string[] = [];
  const emit = (progress: Progress): void => {
    if (progress.type === 'log') lines.push(progress.text);
  };
  return { lines, signal, emit };
}

describe('a fleet', () => {
  it('starts a build again on another daemon where one is lost, says so, and does not go back', async () => {
    const fleet = new Fleet([stand(0), stand(1), stand(2)]);
    const ctx = ctxOf();
    const places: number[] = [];
    const work = fleet.run(WANTED, ctx, async ({ index }) => {
      places.push(index);
      if (index < 2) throw failure('ENGINE_LOST', 'backoff', `lost ${index}`);
      return 'built';
    });
    expect(await work).toBe('built');
    expect(places).toEqual([0, 1, 2]);
    expect(ctx.lines).toEqual([
      'rebake: lost 0; the build starts again on daemon 1',
      'rebake: lost 1; the build starts again on daemon 2',
    ]);
    await fleet.close();
  });

  it('goes elsewhere from a full daemon, and does not take that one out', async () => {
    const [full, other] = [stand(0), stand(1)];
    const fleet = new Fleet([full, other]);
    const places: number[] = [];
    await fleet.run(WANTED, ctxOf(), async ({ index }) => {
      places.push(index);
      if (index === 0) throw failure('ENGINE_FULL', 'elsewhere');
    });
    await fleet.run(WANTED, ctxOf(), async ({ index }) => void places.push(index));
    expect(places).toEqual([0, 1, 0]);
    expect(full.asked).toBe(1);
    await fleet.close();
  });

  it('passes on what is the build’s own failure', async () => {
    const fleet = new Fleet([stand(0), stand(1)]);
    let tries = 0;
    const work = fleet.run(WANTED, ctxOf(), async () => {
      tries++;
      throw failure('STEP_FAILED', 'never');
    });
    await expect(work).rejects.toMatchObject({ error: { code: 'STEP_FAILED' } });
    expect(tries).toBe(1);
    await fleet.close();
  });

  it('fails worth another try when no daemon is left, in the words of the last', async () => {
    const [one, two] = [stand(0), stand(1)];
    const fleet = new Fleet([one, two]);
    const work = fleet.run(WANTED, ctxOf(), async ({ index }) => {
      (index === 0 ? one : two).answer = failure('ENGINE_UNREACHABLE', 'never', `${index} is gone`);
      throw failure('ENGINE_LOST', 'never', `lost ${index}`);
    });
    await expect(work).rejects.toMatchObject({
      error: { code: 'ENGINE_LOST', retry: 'backoff', words: 'no other daemon could take the build over: lost 1' },
    });
    const next = fleet.run(WANTED, ctxOf(), async () => undefined);
    await expect(next).rejects.toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: 'none of 2 daemons answers: 0 is gone; 1 is gone' },
    });
    await fleet.close();
  });

  it('leaves the failure of an only daemon as it is', async () => {
    const only = stand(0, failure('ENGINE_UNREACHABLE', 'never', 'its certificate has expired'));
    const fleet = new Fleet([only]);
    const expected = { error: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: 'its certificate has expired' } };
    await expect(fleet.probe(ctxOf().signal)).rejects.toMatchObject(expected);
    await expect(fleet.run(WANTED, ctxOf(), async () => undefined)).rejects.toMatchObject(expected);
    await fleet.close();
  });

  it('says which daemons answer, and fails only if none does', async () => {
    const [up, down] = [stand(0, ['linux/amd64', 'linux/arm64'], 3), stand(1, failure('ENGINE_UNREACHABLE'))];
    const fleet = new Fleet([up, down]);
    expect(await fleet.probe(ctxOf().signal)).toEqual([{ endpoint: up, platforms: ['linux/amd64', 'linux/arm64'] }]);
    await fleet.close();
  });

  it('refuses a platform that none builds for: for good where all answer, for now where one does not', async () => {
    const other = stand(1);
    const fleet = new Fleet([stand(0), other]);
    const arm = { platform: 'linux/arm64', on: [] } as const;
    const refused = { error: { code: 'ENGINE_UNSUPPORTED', retry: 'never' } };
    await expect(fleet.run(arm, ctxOf(), async () => undefined)).rejects.toMatchObject(refused);
    other.answer = failure('ENGINE_UNREACHABLE');
    await fleet.probe(ctxOf().signal);
    const later = { error: { code: 'ENGINE_UNSUPPORTED', retry: 'backoff' } };
    await expect(fleet.run(arm, ctxOf(), async () => undefined)).rejects.toMatchObject(later);
    await fleet.close();
  });

  it('takes a daemon back when it answers again, for builds that wait', async () => {
    const [flaky, busy] = [stand(0), stand(1)];
    const fleet = new Fleet([flaky, busy]);
    const [lose, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const builds = [0, 1].map(async () =>
      fleet.run(WANTED, ctxOf(), async ({ index }) => {
        if (index === 1) return release.promise;
        await lose.promise;
        flaky.answer = failure('ENGINE_UNREACHABLE');
        throw failure('ENGINE_LOST');
      }),
    );
    const waiting = fleet.run(WANTED, ctxOf(), async ({ index }) => index);
    lose.resolve();
    await expect.poll(() => flaky.closed).toBe(1);
    flaky.answer = ['linux/amd64'];
    // The other daemon is taken still.
    expect(await waiting).toBe(0);
    release.resolve();
    await Promise.all(builds);
    await fleet.close();
  });

  it('ends what else ran on a daemon that does not answer, and nothing where it does', async () => {
    const [dead, alive] = [stand(0), stand(0)];
    for (const one of [dead, alive]) {
      const fleet = new Fleet([one]);
      const work = fleet.run(WANTED, ctxOf(), async () => {
        if (one === dead) one.answer = failure('ENGINE_UNREACHABLE');
        throw failure('ENGINE_LOST');
      });
      await expect(work).rejects.toMatchObject({ error: { code: 'ENGINE_LOST' } });
      await expect.poll(() => one.asked).toBeGreaterThan(1);
      if (one === dead) await expect.poll(() => one.closed).toBe(1);
      else expect(one.closed).toBe(0);
      await fleet.close();
    }
  });

  it('lets a build that waits be aborted, and gives its turn to the next', async () => {
    const fleet = new Fleet([stand(0)]);
    const release = Promise.withResolvers<void>();
    const first = fleet.run(WANTED, ctxOf(), () => release.promise);
    const abort = new AbortController();
    const second = fleet.run(WANTED, ctxOf(abort.signal), async () => 'second');
    const third = fleet.run(WANTED, ctxOf(), async () => 'third');
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    release.resolve();
    await first;
    expect(await third).toBe('third');
    await fleet.close();
  });

  it('never runs more on a daemon than it may, whatever is lost meanwhile', async () => {
    const daemons = [stand(0, ['linux/amd64'], 2), stand(1, ['linux/amd64'], 1), stand(2, ['linux/amd64'], 3)];
    const fleet = new Fleet(daemons);
    const running = [0, 0, 0];
    let count = 0;
    const builds = Array.from({ length: 40 }, async () =>
      fleet.run(WANTED, ctxOf(), async ({ index, parallel }) => {
        running[index]!++;
        expect(running[index]).toBeLessThanOrEqual(parallel);
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
        running[index]!--;
        if (count++ % 7 === 3) throw failure('ENGINE_LOST');
        return index;
      }),
    );
    const done = await Promise.all(builds);
    expect(new Set(done)).toEqual(new Set([0, 1, 2]));
    await fleet.close();
  });
});

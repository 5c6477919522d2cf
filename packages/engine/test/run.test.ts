// What surrounds a build: redaction, contexts, logs, time, further attempts.
import { BuildFailure } from '@rebake/sdk';
import type { Credentials } from '@rebake/sdk';
import fc from 'fast-check';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCtxFactory, createRedactor, logName, RUNS_KEPT } from '../src/index.ts';
import { silent, withCtx } from '../src/run/ctx.ts';
import { createRunLogs, pruneLogs } from '../src/run/log.ts';
import { BACKOFF_MS, retrying } from '../src/run/retry.ts';
import { GRACE_MS, withDeadline } from '../src/run/timer.ts';
import { HandTimer } from './support/hand-timer.ts';
import { id } from './support/nodes.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rebake-run-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('redaction', () => {
  it('masks a secret in all its spellings, logins in URLs, values of settings and lines of keys', () => {
    const redactor = createRedactor();
    redactor.learn('s3cr&t/t0ken\n');
    redactor.learn(
      '[global]\nindex-url = https://user:p%40ssword@host.test/simple\ntimeout = 60\npassword = "open sesame"\n',
    );
    redactor.learn(
      new TextEncoder().encode('-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END KEY-----'),
    );
    const encoded = encodeURIComponent('s3cr&t/t0ken');
    const base64 = Buffer.from('s3cr&t/t0ken').toString('base64');
    const text = `s3cr&t/t0ken ${encoded} ${base64} p%40ssword p@ssword open sesame MIIEvQIBADANBgkqhkiG9w0BAQEFAASC`;
    expect(redactor.clean(text)).toBe('*** *** *** *** *** *** ***');
    expect(redactor.clean('timeout = 60 on host.test')).toBe('timeout = 60 on host.test');
  });

  it('does not take certificates and short words for secrets', () => {
    const redactor = createRedactor();
    redactor.learn('-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END CERTIFICATE-----\n');
    redactor.learn('yes');
    redactor.learn('');
    expect(redactor.clean('yes MIIEvQIBADANBgkqhkiG9w0BAQEFAASC')).toBe('yes MIIEvQIBADANBgkqhkiG9w0BAQEFAASC');
  });

  it('finds a secret wherever a stream is cut', { timeout: 60_000 }, () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'x'), maxLength: 4 }), { maxLength: 12 });
    fc.assert(
      fc.property(pieces, (texts) => {
        const redactor = createRedactor();
        redactor.learn('abaab');
        const stream = redactor.stream();
        const out = texts.map((text) => stream.push(text)).join('') + stream.end();
        expect(out).toBe(redactor.clean(texts.join('')));
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});

describe('contexts', () => {
  const factory = (env: Record<string, string> = {}, login: Credentials | null = null) =>
    createCtxFactory({
      root: dir,
      env,
      scratchDir: join(dir, 'scratch'),
      redactor: createRedactor(),
      credentials: () => Promise.resolve(login),
      registry: (host) => ({ host }),
      now: () => 7,
    });
  const call = { signal: new AbortController().signal, emit: silent };

  it('read secrets from files and the environment, and mask them from then on', async () => {
    writeFileSync(join(dir, 'pip.conf'), 'a secret of files');
    const contexts = factory({ TOKEN: 'a secret of the environment', CONF: join(dir, 'pip.conf') });
    const { ctx } = contexts.open(call);
    const text = async (ref: Parameters<typeof ctx.secret>[0]) =>
      new TextDecoder().decode((await ctx.secret(ref)) ?? undefined);
    expect(await text({ env: 'TOKEN' })).toBe('a secret of the environment');
    expect(await text({ file: 'pip.conf' })).toBe('a secret of files');
    expect(await text({ fileFromEnv: 'CONF' })).toBe('a secret of files');
    expect(contexts.redactor.clean('a secret of files, a secret of the environment')).toBe('***, ***');
  });

  it('say which secret is missing, unless it is optional', async () => {
    const { ctx } = factory().open(call);
    for (const ref of [{ env: 'NONE' }, { file: 'none' }, { fileFromEnv: 'NONE' }]) {
      expect(await ctx.secret({ ...ref, optional: true })).toBeNull();
      await expect(ctx.secret(ref)).rejects.toMatchObject({ error: { code: 'SECRET_MISSING' } });
    }
    await expect(ctx.secret({ file: '.' })).rejects.toMatchObject({ error: { code: 'SECRET_UNREADABLE' } });
  });

  it('mask logins', async () => {
    const contexts = factory({}, { username: 'me', password: 'my password' });
    expect(await contexts.open(call).ctx.credentials('host')).toEqual({ username: 'me', password: 'my password' });
    expect(contexts.redactor.clean('my password')).toBe('***');
  });

  it('have a scratch folder of their own, which is gone afterwards, also after a failure', async () => {
    let scratch = '';
    const failing = withCtx(factory(), call, async (ctx) => {
      ({ scratch } = ctx);
      writeFileSync(join(scratch, 'file'), '');
      expect(ctx.scratch).toBe(scratch);
      throw new Error('as expected');
    });
    await expect(failing).rejects.toThrow('as expected');
    expect(existsSync(scratch)).toBe(false);
    expect(existsSync(join(dir, 'scratch'))).toBe(true);
  });
});

describe('logs', () => {
  it('are one file a node, made with the first line, readable by the owner only', () => {
    const log = createRunLogs(join(dir, 'runs'), 'run-1').open(id('env/python/../glm@base#linux/amd64'));
    expect(log.path).toBeNull();
    log.write('one');
    log.write('two\n');
    log.close();
    log.write('three');
    expect(readFileSync(log.path ?? '', 'utf8')).toBe('one\ntwo\n');
    expect(statSync(log.path ?? '').mode & 0o777).toBe(0o600);
    expect(readdirSync(join(dir, 'runs', 'run-1'))).toEqual([
      expect.stringMatching(/^env-python-..-glm@base-linux-amd64-[0-9a-f]{12}\.log$/),
    ]);
  });

  it('of different nodes never share a file, whatever the names', () => {
    expect(logName('a/b')).not.toBe(logName('a-b'));
    expect(logName('A')).not.toBe(logName('a').toUpperCase());
    expect(logName('../..')).toMatch(/^[A-Za-z0-9_@-][A-Za-z0-9._@-]*$/);
    expect(logName('x'.repeat(1_000)).length).toBeLessThan(200);
  });

  it('that cannot be written stop nothing', () => {
    writeFileSync(join(dir, 'runs'), 'a file where the folder should be');
    const log = createRunLogs(join(dir, 'runs'), 'run-1').open(id('a'));
    log.write('one');
    expect(log.path).toBeNull();
    log.close();
  });

  it('of old runs are removed', () => {
    for (let n = 0; n < RUNS_KEPT + 3; n++) {
      mkdirSync(join(dir, `run-${n}`));
      utimesSync(join(dir, `run-${n}`), n, n);
    }
    pruneLogs(dir);
    expect(readdirSync(dir)).toHaveLength(RUNS_KEPT);
    expect(existsSync(join(dir, 'run-2'))).toBe(false);
    expect(existsSync(join(dir, 'run-3'))).toBe(true);
    pruneLogs(join(dir, 'nowhere'));
  });
});

describe('deadlines', () => {
  const parent = new AbortController();

  it('stop what takes too long, and call it a timeout whatever that says', async () => {
    const timer = new HandTimer();
    const work = withDeadline(
      { parent: parent.signal, ms: 50, timer, what: 'the build' },
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('killed')));
        }),
    );
    timer.pass(49);
    timer.pass(1);
    await expect(work).rejects.toMatchObject({
      error: { code: 'TIMEOUT', words: 'the build took longer than 50 ms and was stopped' },
    });
    expect(timer.pending).toBe(0);
  });

  it('leave what ignores its abort to itself after a while', async () => {
    const timer = new HandTimer();
    const user = new AbortController();
    const work = withDeadline(
      { parent: user.signal, ms: null, timer, what: 'the build' },
      () => new Promise(() => undefined),
    );
    user.abort(new Error('Ctrl-C'));
    timer.pass(GRACE_MS);
    await expect(work).rejects.toThrow('Ctrl-C');
  });

  it('leave a result alone, and a failure', async () => {
    const timer = new HandTimer();
    const options = { parent: parent.signal, ms: 50, timer, what: 'x' };
    expect(await withDeadline(options, () => Promise.resolve(3))).toBe(3);
    await expect(withDeadline(options, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(timer.pending).toBe(0);
  });
});

describe('further attempts', () => {
  const flaky = new BuildFailure({ code: 'BUSY', retry: 'backoff', words: 'busy' });

  it('are made after longer and longer waits, where the failure says that they help', async () => {
    const timer = new HandTimer();
    const told: unknown[] = [];
    let left = 2;
    const options = { signal: new AbortController().signal, timer, onRetry: (...args: unknown[]) => told.push(args) };
    const work = retrying(options, async () => {
      if (left-- > 0) throw flaky;
      return 'done';
    });
    await timer.passAll();
    expect(await work).toBe('done');
    expect(told).toEqual([
      [1, flaky.error, BACKOFF_MS[0]],
      [2, flaky.error, BACKOFF_MS[1]],
    ]);
  });

  it('end: three, or none where nothing helps, or at an interruption', async () => {
    const timer = new HandTimer();
    let calls = 0;
    const abort = new AbortController();
    const options = { signal: abort.signal, timer, onRetry: () => undefined };
    const always = (error: Error) =>
      retrying(options, async () => {
        calls += 1;
        throw error;
      });
    const work = always(flaky);
    void work.catch(() => undefined);
    await timer.passAll();
    await expect(work).rejects.toBe(flaky);
    expect(calls).toBe(1 + BACKOFF_MS.length);
    calls = 0;
    await expect(always(new BuildFailure({ code: 'NO', retry: 'never', words: '' }))).rejects.toThrow('NO');
    expect(calls).toBe(1);
    const interrupted = always(flaky);
    await Promise.resolve();
    abort.abort(new Error('Ctrl-C'));
    await expect(interrupted).rejects.toThrow();
  });
});

/** When things end before they are done: aborted builds, daemons that die or hang or are only slow, and connections that are refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBuildkitd } from '@rebake/tool-engines';
import type { Buildkitd } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectFailure, createDaemon } from '../src/index.ts';
import type { Every } from '../src/heartbeat.ts';
import {
  build,
  connector,
  daemonAt,
  never,
  offerFor,
  onShell,
  RUN,
  shellFiles,
  temporaryFolder,
  textFile,
} from './kit.ts';
import type { Wanted } from './kit.ts';

describeEngine('a build', 'buildkit', ({ buildkit }) => {
  const { daemon } = daemonAt(buildkit.address);

  it('that is aborted rejects with the reason, its process ends in the daemon, and the next build goes on', async () => {
    // No other process has it as an argument.
    const mark = String(1_000_000_000 + crypto.getRandomValues(new Uint32Array(1))[0]!);
    const abort = new AbortController();
    const reason = new Error('enough');
    const step = `RUN ["/bin/sh", "-c", "echo asleep; while :; do :; done", "${mark}"]`;
    const aborted = build(daemon, {
      dockerfile: onShell(step),
      files: shellFiles(),
      signal: abort.signal,
      onProgress: (progress) => {
        if (progress.type === 'log' && progress.text === 'asleep') abort.abort(reason);
      },
    });
    await expect(aborted).rejects.toBe(reason);
    await expect.poll(() => isRunning(`\0${mark}\0`), { timeout: 20_000, interval: 50 }).toBe(false);
    const { log } = await build(daemon, {
      dockerfile: onShell(`ARG RUN=${RUN}`, 'RUN echo after'),
      files: shellFiles(),
    });
    expect(log).toEqual(['after']);
  });

  it('that was aborted before it began asks for nothing', async () => {
    const reason = new Error('enough');
    const dockerfile = 'FROM scratch\nCOPY x /\n';
    const wanted = { dockerfile, files: [textFile('x', 'x')], signal: AbortSignal.abort(reason) };
    await expect(build(daemon, wanted)).rejects.toBe(reason);
  });

  it('that says nothing for long is asked for signs of life, and goes on', async () => {
    let beats = 0;
    // Thirty times as fast as the clock: what lasts two mark is a minute of silence, with five questions.
    const every: Every = (ms, run) => {
      const timer = setInterval(() => (run(), (beats += 1)), ms / 30);
      return () => clearInterval(timer);
    };
    const slow = createDaemon(connector(buildkit.address), { every });
    const counted = 'i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done; echo done';
    const { log } = await build(slow, { dockerfile: onShell(`ARG RUN=${RUN}`, `RUN ${counted}`), files: shellFiles() });
    await slow.close();
    expect(log).toEqual(['done']);
    // More than enough to be given up, had nothing come.
    expect(beats).toBeGreaterThan(20);
  });
});

describeEngine('a daemon', 'buildkit', () => {
  const folder = temporaryFolder();
  let own: Buildkitd;

  beforeAll(async () => {
    own = await startBuildkitd({ root: join(folder.path, 'daemon') });
  });
  afterAll(async () => {
    await own.kill();
  });

  /** A build in the middle of which something happens: when the daemon asks for the files. */
  function buildDuring(name: string, happens: () => unknown): Wanted {
    const files = [textFile(name, name)];
    const wanted = { dockerfile: `FROM scratch\nCOPY ${name} /\n`, files };
    const { locals } = offerFor(wanted);
    const context = {
      files,
      modified: () => {
        void happens();
        return 0;
      },
    };
    return { ...wanted, offer: { locals: { ...locals, context } } };
  }

  it('that is killed while it builds is lost at once; the next call finds the one that follows it', async () => {
    const daemon = createDaemon(connector(own.address));
    let killed: Promise<void> | undefined;
    const lost = build(
      daemon,
      buildDuring('killed', () => (killed ??= own.kill())),
    );
    await expect(lost).rejects.toMatchObject({ error: { code: 'ENGINE_LOST', retry: 'backoff' } });
    await killed;
    await expect(
      build(
        daemon,
        buildDuring('gone', () => undefined),
      ),
    ).rejects.toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' },
    });
    own = await startBuildkitd({ root: join(folder.path, 'daemon') });
    expect((await daemon.info(never)).workers).toHaveLength(1);
    await daemon.close();
  });

  describe('that hangs', () => {
    const stop = () => process.kill(own.pid, 'SIGSTOP');
    const go = () => process.kill(own.pid, 'SIGCONT');

    it('while it builds is lost within 10 s, and said to be silent', { timeout: 12_000 }, async () => {
      const daemon = createDaemon(connector(own.address));
      await daemon.info(never);
      await expect(build(daemon, buildDuring('hung', stop))).rejects.toMatchObject({
        error: { code: 'ENGINE_LOST', retry: 'backoff', words: expect.stringMatching(/has not answered for 8 s$/) },
      });
      go();
      await daemon.close();
    });

    it('does not keep an abort from being one', async () => {
      const daemon = createDaemon(connector(own.address));
      const abort = new AbortController();
      const reason = new Error('enough');
      const during = buildDuring('aborted', () => {
        stop();
        abort.abort(reason);
      });
      await expect(build(daemon, { ...during, signal: abort.signal })).rejects.toBe(reason);
      go();
      await daemon.close();
    });

    it('before it was spoken to is unreachable', async () => {
      stop();
      const every: Every = (ms, run) => {
        const timer = setInterval(run, ms / 100);
        return () => clearInterval(timer);
      };
      const daemon = createDaemon(connector(own.address), { every });
      await expect(
        build(
          daemon,
          buildDuring('never', () => undefined),
        ),
      ).rejects.toMatchObject({
        error: {
          code: 'ENGINE_UNREACHABLE',
          retry: 'backoff',
          words: expect.stringMatching(/has not answered for 8 s$/),
        },
      });
      go();
      expect((await daemon.info(never)).workers).toHaveLength(1);
      await daemon.close();
    });
  });
});

describeEngine('a connection with TLS', 'buildkitTls', ({ buildkit: { tls } }) => {
  const trying = async (...[at, files]: Parameters<typeof connector>) => {
    const daemon = createDaemon(connector(at, files));
    const failure = await daemon.info(never).then(
      () => null,
      (error: unknown) => connectFailure(error, 'tcp://builder'),
    );
    await daemon.close();
    return failure;
  };
  const refused = (words: RegExp) => ({
    error: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: expect.stringMatching(words) as string },
    cause: expect.any(Error) as Error,
  });

  it('serves a client that shows its certificate', async () => {
    expect(await trying(tls.address, { ca: tls.ca, cert: tls.cert, key: tls.key })).toBeNull();
  });

  // Often enough to see that it does not depend on who is faster.
  it.each(Array.from({ length: 5 }, (_, index) => index))('says who refuses whom, and why (%i)', async () => {
    expect(await trying(tls.address, { ca: tls.ca })).toMatchObject(
      refused(/^tcp:\/\/builder: it wants a client certificate/),
    );
    expect(await trying(tls.address, { ca: tls.ca, ...tls.expired })).toMatchObject(
      refused(/it refuses the client certificate, which has expired/),
    );
    expect(await trying(tls.address, { ca: tls.otherCa, cert: tls.cert, key: tls.key })).toMatchObject(
      refused(/its certificate is not to be trusted: unable to verify the first certificate$/),
    );
  });

  it('that only the daemon wants is refused with a hint', async () => {
    expect(await trying(tls.address)).toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', words: expect.stringMatching(/does it want TLS\?/) as string },
    });
  });
});

/** Whether a process with this in its command line runs on this machine, where the daemon of the tests is. */
function isRunning(commandLine: string): boolean {
  return readdirSync('/proc').some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(commandLine);
    } catch {
      return false;
    }
  });
}

/** Daemons that cannot be reached, or refuse to be spoken to: which it is, in words, and whether trying again may help. */
import { join } from 'node:path';
import type { Builder } from '@rebake/sdk';
import { startBuildkitd } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, expect, it } from 'vitest';
import { plugin } from '../src/index.ts';
import type { BuildkitOptions } from '../src/index.ts';
import { buildkitBuilder, ctxFor, jobOf, keyOf, logOf, once, temporaryFolder, tinyJob } from './kit.ts';

describeEngine('a daemon that refuses, or is not there', ['buildkit', 'buildkitTls', 'rootfs'], (state) => {
  const folder = temporaryFolder();
  const ctx = ctxFor(state);
  const { tls } = state.buildkit;
  const open: Builder[] = [];
  let count = 0;
  afterAll(() => Promise.all(open.map((builder) => builder.close())));

  async function builderOf(options: BuildkitOptions): Promise<Builder> {
    const builder = await buildkitBuilder(options, join(folder, `builder ${count++}`));
    open.push(builder);
    return builder;
  }

  it('is reached over TLS with a certificate that it trusts', async () => {
    const { address, ca, cert, key } = tls;
    const builder = await builderOf({ address, tls: { ca, cert, key } });
    expect(await builder.probe(ctx())).toMatchObject({ platforms: ['linux/amd64'] });
    const base = await builder.build(tinyJob(state, folder, 'tls base'), ctx());
    await builder.build(jobOf('tls child', base, [once('true')]), ctx());
  });

  it.each<[string, BuildkitOptions, RegExp]>([
    [
      'whose authority is another one',
      { tls: { ca: tls.otherCa, cert: tls.cert, key: tls.key } },
      /its certificate is not to be trusted/,
    ],
    ['that gets no client certificate', { tls: { ca: tls.ca } }, /it wants a client certificate/],
    [
      'that gets one that has expired',
      { tls: { ca: tls.ca, ...tls.expired } },
      /client certificate, which has expired/,
    ],
    ['whose files are not there', { tls: { ca: '/nowhere/ca.pem' } }, /\/nowhere\/ca\.pem/],
  ])('is not tried again: one %s', async (_, options, words) => {
    const builder = await builderOf({ address: tls.address, ...options });
    const refused = {
      error: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: expect.stringMatching(words) as string },
    };
    await expect(builder.probe(ctx())).rejects.toMatchObject(refused);
    await expect(builder.build(tinyJob(state, folder, 'refused'), ctx())).rejects.toMatchObject(refused);
  });

  it.each([
    ['where nobody listens', 'unix:///nowhere/buildkitd.sock'],
    ['of a port that is closed', 'tcp://127.0.0.1:1'],
  ])('is worth another try: one %s', async (_, address) => {
    const builder = await builderOf({ address });
    const away = { error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' } };
    await expect(builder.probe(ctx())).rejects.toMatchObject(away);
    await expect(builder.build(tinyJob(state, folder, 'away'), ctx())).rejects.toMatchObject(away);
    // Its images are elsewhere, and can be seen all the same.
    expect(await builder.inspect({ key: keyOf('away') }, ctx())).toEqual({ seen: 'no' });
  });

  it('is found by the environment, which may be wrong', async () => {
    const kind = plugin.builders['buildkit']!;
    const { value } = (await kind.options['~standard'].validate(undefined)) as { value: never };
    const of = (host: string) => {
      const builder = kind.create(value, { dir: join(folder, host.slice(0, 4)), env: { BUILDKIT_HOST: host } });
      open.push(builder);
      return builder;
    };
    expect(await of(state.buildkit.address).probe(ctx())).toMatchObject({ parallel: 4 });
    await expect(of('http://example.com').probe(ctx())).rejects.toMatchObject({
      error: {
        code: 'ENGINE_UNREACHABLE',
        retry: 'never',
        words: expect.stringMatching(/^BUILDKIT_HOST is /) as string,
      },
    });
  });

  it('that hangs is noticed, and told apart from a build that takes its time', async () => {
    await using daemon = await startBuildkitd({ root: join(folder, 'hanging') });
    const builder = await builderOf({ address: daemon.address });
    const base = await builder.build(tinyJob(state, folder, 'hanging base'), ctx());
    const own = ctx();
    await builder.build(jobOf('slow', base, [once('sleep 12 && echo done')]), own);
    expect(logOf(own.seen)).toContain('done');

    const began = Promise.withResolvers<void>();
    const onProgress = ({ type }: { readonly type: string }): void => {
      if (type === 'log') began.resolve();
    };
    const building = builder.build(jobOf('hung', base, [once('echo begun && sleep 3600')]), ctx({ onProgress }));
    const lost = expect(building).rejects.toMatchObject({ error: { code: 'ENGINE_LOST', retry: 'backoff' } });
    await began.promise;
    process.kill(daemon.pid, 'SIGSTOP');
    try {
      await lost;
      await expect(builder.probe(ctx())).rejects.toMatchObject({
        error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' },
      });
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
    }
    expect(await builder.probe(ctx())).toMatchObject({ parallel: 4 });
  });
});

/** Several daemons, of which some are killed or hang while they build: what is asked for is built all the same, once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { candidateTag } from '@rebake/image';
import type { Output } from '@rebake/image';
import type { Builder, Built, Progress } from '@rebake/sdk';
import { startBuildkitd } from '@rebake/tool-engines';
import type { Buildkitd } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuildkitOptions } from '../src/index.ts';
import {
  buildkitBuilder,
  ctxFor,
  fragment,
  jobOf,
  keyOf,
  logOf,
  once,
  placeOf,
  registryClient,
  repositoryOf,
  run,
  temporaryFolder,
  tinyJob,
} from './kit.ts';
import type { TestCtx } from './kit.ts';

describeEngine('several daemons', ['buildkit', 'rootfs', 'plain', 'auth'], (state) => {
  const folder = temporaryFolder();
  const ctx = ctxFor(state);
  const client = registryClient(state);
  const daemons: Buildkitd[] = [];
  const open: Builder[] = [];
  let count = 0;

  beforeAll(async () => {
    for (const name of ['one', 'two']) daemons.push(await startBuildkitd({ root: join(folder, name) }));
  });
  afterAll(async () => {
    for (const builder of open) await builder.close();
    for (const daemon of daemons) await daemon.stop();
  });

  async function builderOf(options: BuildkitOptions = {}): Promise<Builder> {
    const endpoints = daemons.map(({ address }) => ({ address }));
    const builder = await buildkitBuilder({ endpoints, ...options }, join(folder, `builder ${count++}`));
    open.push(builder);
    return builder;
  }

  /** The daemon that a build ran on, by its record. */
  const daemonOf = ({ record }: Built): number => daemons.findIndex(({ address }) => record?.startsWith(`${address}#`));

  /** A step that lasts as long as a secret says, which is no part of what the step is. */
  function lasting(name: string, signal?: AbortSignal) {
    const file = join(folder, `seconds of ${name}`);
    writeFileSync(file, '3600');
    const text = `RUN --mount=type=secret,id=seconds,target=/dev/seconds : ${run} ${name} && echo begun && sleep $(cat /dev/seconds)`;
    const began = Promise.withResolvers<void>();
    const onProgress = (progress: Progress): void => {
      if (progress.type === 'log' && progress.text === 'begun') began.resolve();
    };
    return {
      job: (base: Output) => jobOf(name, base, [fragment(text)], { access: { secrets: { seconds: { file } } } }),
      ctx: ctx({ onProgress, ...(signal ? { signal } : {}) }),
      begun: began.promise,
      /** Whoever begins from now on is done at once. */
      shorten: () => writeFileSync(file, '0'),
    };
  }

  async function restart(at: number): Promise<void> {
    daemons[at] = await startBuildkitd({ root: join(folder, at === 0 ? 'one' : 'two') });
  }

  describe.each([
    ['a layout', () => ({ layout: join(folder, 'images') })],
    ['a repository', () => ({ repository: repositoryOf(state, 'auth', 'fleet') })],
  ] as const)('with their images in %s', (where, store) => {
    it('share what each of them built', async () => {
      const [one, other] = await Promise.all(
        daemons.map(({ address }) => builderOf({ ...store(), endpoints: [{ address }] })),
      );
      const base = await one!.build(tinyJob(state, folder, `${where} base`), ctx());
      const child = await other!.build(jobOf(`${where} child`, base, [once('touch /child')]), ctx());
      await one!.build(jobOf(`${where} grandchild`, child, [once('rm /child')]), ctx());
      expect([base, child].map(daemonOf)).toEqual([0, 1]);
    });

    it('take over what one of them loses when it is killed, and say so', async () => {
      const builder = await builderOf(store());
      const base = await builder.build(tinyJob(state, folder, `${where} killed base`), ctx());
      const build = lasting(`${where} killed`);
      const building = builder.build(build.job(base), build.ctx);
      await build.begun;
      build.shorten();
      // Where the parent is warm, so also which daemon it is that dies.
      await daemons[daemonOf(base)]!.kill();
      const built = await building;
      expect(daemonOf(built)).toBe(1 - daemonOf(base));
      expect(linesOf(build.ctx)).toEqual([
        expect.stringMatching(/^rebake: .*; the build starts again on unix:\/\/.*\.sock$/) as string,
      ]);
      const { value } = (await builder.inspect({ key: keyOf(`${where} killed`) }, ctx())) as { value: Output };
      expect(value.identity).toBe(built.identity);
      await restart(daemonOf(base));
    });

    it('take over what one of them loses when it hangs, and take it back when it goes on', async () => {
      const builder = await builderOf({
        ...store(),
        endpoints: daemons.map(({ address }) => ({ address, parallel: 1 })),
      });
      const base = await builder.build(tinyJob(state, folder, `${where} hung base`), ctx());
      const at = daemonOf(base);
      const build = lasting(`${where} hung`);
      const building = builder.build(build.job(base), build.ctx);
      await build.begun;
      build.shorten();
      process.kill(daemons[at]!.pid, 'SIGSTOP');
      try {
        expect(daemonOf(await building)).toBe(1 - at);
      } finally {
        process.kill(daemons[at]!.pid, 'SIGCONT');
      }
      // One build a daemon: while one lasts, the next is built by the other.
      const abort = new AbortController();
      const busy = lasting(`${where} busy`, abort.signal);
      const kept = builder.build(busy.job(base), busy.ctx);
      await busy.begun;
      await builder.build(jobOf(`${where} taken back`, base, [once('true')]), ctx());
      const reason = new Error('enough');
      abort.abort(reason);
      await expect(kept).rejects.toBe(reason);
    });
  });

  it('fail worth another try when all of them are gone, and build again when one is back', async () => {
    const builder = await builderOf();
    const base = await builder.build(tinyJob(state, folder, 'all gone base'), ctx());
    const build = lasting('all gone');
    const failed = expect(builder.build(build.job(base), build.ctx)).rejects.toMatchObject({
      error: { code: expect.stringMatching(/^ENGINE_(LOST|UNREACHABLE)$/) as string, retry: 'backoff' },
    });
    await build.begun;
    await daemons[1 - daemonOf(base)]!.kill();
    await daemons[daemonOf(base)]!.kill();
    await failed;
    await expect(builder.build(build.job(base), ctx())).rejects.toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' },
    });
    await expect(builder.probe(ctx())).rejects.toMatchObject({ error: { code: 'ENGINE_UNREACHABLE' } });
    build.shorten();
    await restart(1);
    expect(daemonOf(await builder.build(build.job(base), ctx()))).toBe(1);
    expect(await builder.probe(ctx())).toMatchObject({ parallel: 4 });
    await restart(0);
  });

  it('agree on one image where two builds of one key come out differently', async () => {
    const repository = repositoryOf(state, 'plain', 'races');
    const builder = await builderOf({
      repository,
      endpoints: daemons.map(({ address }) => ({ address, parallel: 1 })),
    });
    const base = await builder.build(tinyJob(state, folder, 'race base'), ctx());
    const job = jobOf('race', base, [once('date +%s%N > /now')]);
    const contexts = [ctx(), ctx()];
    const built = await Promise.all(contexts.map((own) => builder.build(job, own)));
    expect(new Set(built.map(daemonOf))).toEqual(new Set([0, 1]));
    const at = { ...placeOf(repository), reference: candidateTag(job.key) };
    const { signal } = ctx();
    const seen = await client.resolve(at, { signal });
    expect(seen).toMatchObject({ seen: 'yes', value: { identity: built[0]!.identity } });
    expect(built[1]!.identity).toBe(built[0]!.identity);
    expect(contexts.flatMap(linesOf)).toEqual([expect.stringMatching(/ already, and stays it: /) as string]);

    // Built anew on purpose, it is another image, and that is the candidate then.
    const anew = await buildkitBuilder(
      { address: daemons[0]!.address, repository, noCache: true },
      join(folder, 'anew'),
    );
    open.push(anew);
    const other = await anew.build(job, ctx());
    expect(other.identity).not.toBe(built[0]!.identity);
    expect(await client.resolve(at, { signal })).toMatchObject({ value: { identity: other.identity } });
  });

  function linesOf({ seen }: TestCtx): string[] {
    return logOf(seen).filter((line) => line.startsWith('rebake: '));
  }
});

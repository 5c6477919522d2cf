/** When things end before they are done: cancelled builds, files that move, services that die, hang, or are not there. */
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { Output, Step } from '@rebake/image';
import type { EnginesState } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPodman } from './own-podman.ts';
import {
  ctxOf,
  entryOf,
  fragment,
  jobOf,
  keyOf,
  nameOf,
  podmanBuilder,
  rawPodman,
  smallBaseJob,
  temporaryFolder,
} from './kit.ts';

describeEngine('the podman builder in trouble, rootful', ['podman', 'rootfs'], (state) =>
  endings(state.podman, join(state.dir, 'podman/home/tmp')),
);

describeEngine('the podman builder in trouble, rootless', ['podmanRootless', 'rootfs'], (state) =>
  endings(state.podmanRootless, state.podmanRootless.env['TMPDIR'] ?? ''),
);

/** `tmp`: where the service keeps contexts. */
function endings(engine: EnginesState['podman'], tmp: string): void {
  const folder = temporaryFolder();
  const builder = podmanBuilder({ host: engine.host });
  const podman = rawPodman(engine.socket);
  let base: Output;

  beforeAll(async () => {
    const { Id } = (await podman.image(engine.baseImage))!;
    const { engine: id } = await builder.probe(ctxOf());
    base = { identity: `sha256:${Id}`, at: [{ engine: id, name: engine.baseImage }] };
  });

  afterAll(async () => {
    for (const name of ['after', 'moved']) await podman.remove(`localhost/${nameOf(name)}`);
    folder.remove();
    await builder.close();
  });

  /** Contexts that are left on the service's disk. */
  const contexts = () => readdirSync(tmp).filter((name) => name.startsWith('libpod_builder'));

  const leftovers = async () => [...(await podman.containers()), ...contexts()];

  describe('a cancelled build', () => {
    // Nothing else on this machine sleeps for so long.
    const seconds = () => String(1_000_000_000 + crypto.getRandomValues(new Uint32Array(1))[0]!);

    /** Cancels when a line comes. */
    async function cancelAt(line: string, steps: readonly Step[], network: 'none' | 'host' = 'host'): Promise<void> {
      const abort = new AbortController();
      const reason = new Error('enough');
      const ctx = ctxOf({
        signal: abort.signal,
        onProgress: (progress) => {
          if (progress.type === 'log' && progress.text === line) abort.abort(reason);
        },
      });
      await expect(builder.build(jobOf('cancelled', base, steps, { access: { network } }), ctx)).rejects.toBe(reason);
    }

    it('rejects with the reason, its process has ended, nothing is left, and the next build goes on', async () => {
      const time = seconds();
      await cancelAt('asleep', [fragment(`RUN echo asleep && exec sleep ${time}`)]);
      expect(isRunning(`sleep\0${time}\0`)).toBe(false);
      expect(await builder.inspect({ key: keyOf('cancelled') }, ctxOf())).toEqual({ seen: 'no' });
      await builder.build(jobOf('after', base, [fragment('RUN echo after')]), ctxOf());
      expect(await leftovers()).toEqual([]);
    });

    it('ends what prints all the time, what other users run, and what was started in the background', async () => {
      const time = seconds();
      const script = `(sleep ${time} &) ; while :; do echo busy; done`;
      await cancelAt('busy', [fragment(`USER nobody\nRUN exec env -i /bin/sh -c '${script}'`)]);
      expect(isRunning(`sleep\0${time}\0`)).toBe(false);
      expect(await leftovers()).toEqual([]);
    });

    it('ends what has no network', async () => {
      const time = seconds();
      await cancelAt('offline', [fragment(`RUN echo offline && exec sleep ${time}`)], 'none');
      expect(isRunning(`sleep\0${time}\0`)).toBe(false);
      expect(await leftovers()).toEqual([]);
    });

    it('does not end another that does the same', async () => {
      const steps = [fragment('RUN echo both && sleep 4 && echo woke up')];
      const ctx = ctxOf();
      const other = builder.build(jobOf('after', base, steps), ctx);
      await cancelAt('both', steps);
      await other;
      expect(ctx.seen).toContainEqual({ type: 'log', text: 'woke up' });
      expect(await leftovers()).toEqual([]);
    });

    it('leaves no context behind when it is cancelled while that is sent', async () => {
      const root = join(folder.path, 'sent');
      mkdirSync(root);
      writeFileSync(join(root, 'big'), '');
      truncateSync(join(root, 'big'), 200_000_000);
      const abort = new AbortController();
      const reason = new Error('enough');
      const files = { root, files: [entryOf(root, 'big')] };
      const job = jobOf('cancelled', base, [{ step: 'copy', files, to: '/big', owner: '0:0' }]);
      const building = builder.build(job, ctxOf({ signal: abort.signal }));
      building.catch(() => undefined);
      await expect.poll(contexts, { timeout: 20_000, interval: 10 }).not.toEqual([]);
      abort.abort(reason);
      await expect(building).rejects.toBe(reason);
      await expect.poll(leftovers, { timeout: 20_000, interval: 50 }).toEqual([]);
    });

    it('that was cancelled before it began does nothing', async () => {
      const reason = new Error('enough');
      const ctx = ctxOf({ signal: AbortSignal.abort(reason) });
      const job = jobOf('never', base, [fragment('RUN true')]);
      await expect(builder.build(job, ctx)).rejects.toBe(reason);
      await expect(builder.inspect({ key: keyOf('never') }, ctx)).rejects.toBe(reason);
    });
  });

  describe('files that are not what was planned', () => {
    it.each([
      ['others', (text: string) => text.replace('as', 'no')],
      ['more', (text: string) => `${text} and more`],
      ['less', () => ''],
      ['none', () => null],
    ])('are noticed (%s), named, and nothing is left of them', async (_what, change) => {
      const root = join(folder.path, `moved ${_what}`);
      mkdirSync(root);
      writeFileSync(join(root, 'kept.txt'), 'as planned');
      const path = join(root, 'moved.txt');
      const planned = `as planned ${crypto.randomUUID()}`;
      writeFileSync(path, planned);
      const files = { root, files: [entryOf(root, 'kept.txt'), entryOf(root, 'moved.txt')] };
      const steps = [{ step: 'copy', files, to: '/data', owner: '0:0' } as const, fragment('RUN cat /data/moved.txt')];
      const now = change(planned);
      if (now === null) files.files[1] = { ...files.files[1]!, path: 'gone.txt' };
      else writeFileSync(path, now);
      await expect(builder.build(jobOf('moved', base, steps), ctxOf())).rejects.toMatchObject({
        error: { code: 'INPUT_MOVED', words: expect.stringMatching(/(moved|gone)\.txt/) as string },
      });
      expect(await builder.inspect({ key: keyOf('moved') }, ctxOf())).toEqual({ seen: 'no' });
      expect(await leftovers()).toEqual([]);
    });
  });
}

describeEngine('a Podman of its own', ['podman', 'rootfs'], (state) => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  it('that dies while it builds is lost, then unreachable, then itself again', async () => {
    const own = await startPodman(join(folder.path, 'own'));
    const builder = podmanBuilder({ host: own.host });
    try {
      const { engine } = await builder.probe(ctxOf());
      const base = await builder.build(smallBaseJob(folder.path, 'own base'), ctxOf());
      expect(engine).not.toBe((await podmanBuilder({ host: state.podman.host }).probe(ctxOf())).engine);
      const root = join(folder.path, 'big');
      mkdirSync(root);
      writeFileSync(join(root, 'big'), '');
      truncateSync(join(root, 'big'), 300_000_000);
      const files = { root, files: [entryOf(root, 'big')] };
      const copy = { step: 'copy', files, to: '/big', owner: '0:0' } as const;
      const ctx = ctxOf({
        onProgress: (progress) => {
          if (progress.type === 'step') void own.kill();
        },
      });
      await expect(builder.build(jobOf('lost', base, [copy]), ctx)).rejects.toMatchObject({
        error: { code: 'ENGINE_LOST', retry: 'backoff' },
      });
      await own.kill();
      expect(await builder.inspect({ key: keyOf('lost') }, ctxOf())).toMatchObject({
        seen: 'unknown',
        why: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' },
      });
      await own.start();
      expect((await builder.probe(ctxOf())).engine).toBe(engine);
      expect(await builder.inspect({ key: keyOf('lost') }, ctxOf())).toEqual({ seen: 'no' });
      expect(await builder.inspect(base.at[0]!, ctxOf())).toEqual({ seen: 'yes', value: base });
    } finally {
      await builder.close();
      await own.stop();
    }
  });

  it.each(['unix:///nowhere/podman.sock', 'tcp://127.0.0.1:1'])(
    'that is not there (%s) is unreachable, and what it has is unknown',
    async (host) => {
      const builder = podmanBuilder({ host });
      await expect(builder.probe(ctxOf())).rejects.toMatchObject({
        error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' },
      });
      expect(await builder.inspect({ key: keyOf('x') }, ctxOf())).toMatchObject({
        seen: 'unknown',
        why: { code: 'ENGINE_UNREACHABLE' },
      });
      const job = smallBaseJob(folder.path, 'x');
      await expect(builder.build(job, ctxOf())).rejects.toMatchObject({ error: { code: 'ENGINE_UNREACHABLE' } });
      await builder.close();
    },
  );

  it('that is Docker is refused', async () => {
    const builder = podmanBuilder({ host: state.docker.host });
    await expect(builder.probe(ctxOf())).rejects.toMatchObject({ error: { code: 'ENGINE_UNSUPPORTED' } });
    await builder.close();
  });
});

describeEngine('a Podman on another machine', ['podman', 'ssh'], (state) => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  it('is reached by ssh, as a connection of podman machine, and is the same engine', async () => {
    const { host, port, user, identity } = state.ssh;
    const connections = join(folder.path, 'podman-connections.json');
    const URI = `ssh://${user}@${host}:${port}${state.podman.socket}`;
    const machine = { URI, Identity: identity, IsMachine: true };
    writeFileSync(connections, JSON.stringify({ Connection: { Default: 'vm', Connections: { vm: machine } } }));
    const env = { PATH: process.env['PATH'], HOME: folder.path, PODMAN_CONNECTIONS_CONF: connections };
    const builder = podmanBuilder({}, env, folder.path);
    const local = podmanBuilder({ host: state.podman.host });
    try {
      const capabilities = await builder.probe(ctxOf());
      expect(capabilities).toEqual(await local.probe(ctxOf()));
      const base = await builder.build(smallBaseJob(folder.path, 'over ssh'), ctxOf());
      expect(await local.inspect(base.at[0]!, ctxOf())).toEqual({ seen: 'yes', value: base });
      await builder.remove(base.at[0]!, ctxOf());
    } finally {
      await local.close();
      await builder.close();
    }
  });

  it('is not reached where ssh knows nobody', async () => {
    const { host, port, user } = state.ssh;
    const env = { PATH: process.env['PATH'], HOME: folder.path };
    const builder = podmanBuilder({ host: `ssh://${user}@${host}:${port}${state.podman.socket}` }, env, folder.path);
    await expect(builder.probe(ctxOf())).rejects.toMatchObject({ error: { code: 'ENGINE_UNREACHABLE' } });
    await builder.close();
  });
});

/** Whether a process with these arguments runs on this machine, where the engines of the tests are. */
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

describeEngine('a Podman behind TLS', ['podman', 'buildkitTls'], (state) => {
  it('is reached with certificates on both sides, and refuses whoever has none', async () => {
    const { ca, otherCa, server, cert, key } = state.buildkit.tls;
    const own = { cert: readFileSync(server.cert), key: readFileSync(server.key), ca: readFileSync(ca) };
    const proxy = createServer({ ...own, requestCert: true, rejectUnauthorized: true }, (socket) => {
      const podman = connect(state.podman.socket);
      socket.pipe(podman).pipe(socket);
      socket.on('error', () => podman.destroy());
      podman.on('error', () => socket.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const host = `tcp://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const builder = podmanBuilder({ host, tls: { ca, cert, key } });
    const stranger = podmanBuilder({ host, tls: { ca } });
    const careful = podmanBuilder({ host, tls: { ca: otherCa, cert, key } });
    const unprepared = podmanBuilder({ host, tls: { ca: '/nowhere.pem' } });
    try {
      const local = podmanBuilder({ host: state.podman.host });
      expect(await builder.probe(ctxOf())).toEqual(await local.probe(ctxOf()));
      await expect(stranger.probe(ctxOf())).rejects.toMatchObject({ error: { code: 'ENGINE_UNREACHABLE' } });
      for (const one of [careful, unprepared])
        await expect(one.probe(ctxOf())).rejects.toMatchObject({
          error: { code: 'ENGINE_UNREACHABLE', retry: 'never' },
        });
    } finally {
      for (const one of [builder, stranger, careful, unprepared]) await one.close();
      proxy.close();
    }
  });
});

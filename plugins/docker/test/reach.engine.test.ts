/** An engine that is reached by ssh, or by contexts of the real docker command: the same engine as by its socket. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { candidateTag } from '@rebake/image';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import { plugin } from '../src/index.ts';
import { baseJob, ctxOf, dockerBuilder, fragment, jobOf, keyOf, logOf, removeAll, temporaryFolder } from './kit.ts';

describeEngine('a docker engine elsewhere', ['docker', 'rootfs', 'ssh', 'plain', 'buildkitTls'], (state) => {
  const folder = temporaryFolder();
  const names = ['base', 'by-ssh', 'again'].map((name) => `rebake/candidate:${candidateTag(keyOf(name))}`);
  afterAll(async () => {
    await removeAll(state, names);
    folder.remove();
  });

  const { alias, config } = state.ssh;
  const builderOf = (options: object, env: Readonly<Record<string, string | undefined>> = {}) =>
    plugin.builders['docker']!.create(options as never, { dir: folder.path, env: { ...process.env, ...env } });

  describe('by ssh', () => {
    it('is the same engine, and builds, pushes and finds through it', async () => {
      const near = dockerBuilder({ host: state.docker.host });
      const far = builderOf({ host: `ssh://${alias}`, ssh: { config } });
      try {
        expect(await far.probe(ctxOf())).toEqual(await near.probe(ctxOf()));
        const base = await near.build(baseJob(state), ctxOf());
        const ctx = ctxOf();
        const built = await far.build(jobOf('by-ssh', base, [fragment('RUN echo from afar')]), ctx);
        expect(logOf(ctx.seen)).toContain('from afar');
        expect(await near.inspect({ key: keyOf('by-ssh') }, ctxOf())).toMatchObject({ seen: 'yes' });
        const { address: registry } = state.registries.plain;
        const pushed = await far.push(built, { registry, repository: 'test/by-ssh', key: keyOf('by-ssh') }, ctxOf());
        expect(pushed).toMatch(/^sha256:/);
        expect(await far.inspect({ key: keyOf('nothing') }, ctxOf())).toEqual({ seen: 'no' });
      } finally {
        await near.close();
        await far.close();
      }
      await expect.poll(() => clients(config)).toEqual([]);
    });

    it('asks many things at once, and cancels what it no longer wants', async () => {
      const far = builderOf({ host: `ssh://${alias}/${state.docker.socket.slice(1)}`, ssh: { config } });
      try {
        const all = await Promise.all(
          Array.from({ length: 40 }, (_, i) => far.inspect({ key: keyOf(`no-${i}`) }, ctxOf())),
        );
        expect(all.every(({ seen }) => seen === 'no')).toBe(true);
        // Each is a login, of which an sshd takes no more than ten at once.
        expect(clients(config).length).toBeLessThanOrEqual(6);
        const base = await far.build(baseJob(state), ctxOf());
        const abort = new AbortController();
        const reason = new Error('enough');
        const ctx = ctxOf({
          signal: abort.signal,
          onProgress: (progress) => {
            if (progress.type === 'log' && progress.text === 'asleep') abort.abort(reason);
          },
        });
        const job = jobOf('cancelled', base, [fragment('RUN echo asleep && exec sleep 100000')]);
        await expect(far.build(job, ctx)).rejects.toBe(reason);
        await far.build(jobOf('again', base, [fragment('RUN echo again')]), ctxOf());
      } finally {
        await far.close();
      }
      await expect.poll(() => clients(config)).toEqual([]);
    });

    it('does not keep a program from its end that has nothing more to do', async () => {
      const script = `
        import { plugin } from './src/index.ts';
        const options = ${JSON.stringify({ host: `ssh://${alias}`, ssh: { config } })};
        const builder = plugin.builders.docker.create(options, { dir: '/nowhere', env: process.env });
        const { engine } = await builder.probe({ signal: new AbortController().signal });
        console.log(engine);
      `;
      const args = ['--conditions=@rebake/source', '--input-type=module', '--eval', script];
      const cwd = join(import.meta.dirname, '..');
      expect(execFileSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 30_000 })).not.toBe('');
      await expect.poll(() => clients(config)).toEqual([]);
    });

    it.each([
      ['an engine that is not there', `ssh://${alias}/nowhere/docker.sock`, 'backoff', /docker\.sock.*dial/s],
      ['a host that refuses us', 'ssh://nobody@127.0.0.1', 'never', /Permission denied/],
      ['a host that nobody knows', 'ssh://host.example.invalid', 'backoff', /host\.example\.invalid/],
    ])('says why there is no answer: %s', async (_what, host, retry, words) => {
      const far = builderOf({ host, ssh: { config } });
      const error = { code: 'ENGINE_UNREACHABLE', retry, words: expect.stringMatching(words) };
      await expect(far.probe(ctxOf())).rejects.toMatchObject({ error });
      expect(await far.inspect({ key: keyOf('x') }, ctxOf())).toMatchObject({ seen: 'unknown', why: error });
      await expect(far.build(baseJob(state, 'x'), ctxOf())).rejects.toMatchObject({ error });
      await far.close();
    });
  });

  describe('by a context', () => {
    const DOCKER_CONFIG = join(folder.path, 'config');
    const { DOCKER_HOST: _host, DOCKER_CONTEXT: _context, ...others } = process.env;
    const docker = (...args: string[]) =>
      execFileSync(state.docker.cli, args, { env: { ...others, DOCKER_CONFIG }, encoding: 'utf8', stdio: 'pipe' });
    const idOf = async (options: object, env: Readonly<Record<string, string>>) => {
      const builder = builderOf(options, { DOCKER_HOST: '', DOCKER_CONTEXT: '', DOCKER_CONFIG, ...env });
      try {
        return (await builder.probe(ctxOf())).engine;
      } finally {
        await builder.close();
      }
    };

    it('which the docker command has made is the engine that it would use', async () => {
      docker('context', 'create', 'near', '--docker', `host=${state.docker.host}`);
      docker('context', 'create', 'far', '--docker', `host=ssh://${alias}`);
      docker('context', 'create', 'gone', '--docker', 'host=unix:///nowhere/docker.sock');
      docker('context', 'use', 'near');
      const id = docker('info', '--format', '{{.ID}}').trim();
      expect(await idOf({}, {})).toBe(id);
      expect(await idOf({ ssh: { config } }, { DOCKER_CONTEXT: 'far' })).toBe(id);
      expect(await idOf({ context: 'near' }, { DOCKER_CONTEXT: 'gone' })).toBe(id);
      await expect(idOf({}, { DOCKER_CONTEXT: 'gone' })).rejects.toThrow(/ENGINE_UNREACHABLE: unix:\/\/\/nowhere/);
    });

    it('has its own certificates, and says itself whether those of the engine count', async () => {
      const { ca, otherCa, cert, key, server } = state.buildkit.tls;
      const pem = (path: string) => readFileSync(path);
      const proxy = createServer(
        { ca: pem(ca), cert: pem(server.cert), key: pem(server.key), requestCert: true, rejectUnauthorized: true },
        (socket) => {
          const engine = connect(state.docker.socket);
          socket.pipe(engine).pipe(socket);
          socket.on('error', () => engine.destroy());
          engine.on('error', () => socket.destroy());
        },
      );
      proxy.listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      const at = `host=tcp://127.0.0.1:${(proxy.address() as AddressInfo).port},cert=${cert},key=${key}`;
      docker('context', 'create', 'safe', '--docker', `${at},ca=${ca}`);
      docker('context', 'create', 'wrong', '--docker', `${at},ca=${otherCa}`);
      docker('context', 'create', 'lax', '--docker', `${at},ca=${otherCa},skip-tls-verify=true`);
      try {
        const id = await idOf({ context: 'safe' }, {});
        expect(id).toBe(docker('--host', state.docker.host, 'info', '--format', '{{.ID}}').trim());
        expect(await idOf({ context: 'lax' }, {})).toBe(id);
        await expect(idOf({ context: 'wrong' }, {})).rejects.toMatchObject({
          error: { code: 'ENGINE_UNREACHABLE', retry: 'never', words: expect.stringMatching(/certificate/) },
        });
      } finally {
        proxy.close();
      }
    });
  });
});

/** Clients of ssh with this config that still run. */
function clients(config: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return line[0] === 'ssh' && line.includes(config) && line.includes('BatchMode=yes') ? [line.join(' ')] : [];
    } catch {
      return [];
    }
  });
}

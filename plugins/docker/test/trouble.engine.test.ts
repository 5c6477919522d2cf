/** Engines that die while files are sent, engines that are not there, and engines behind TLS. Aborts are in the conformance suite. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { candidateTag } from '@rebake/image';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import { startEngine } from './own-engine.ts';
import { baseJob, ctxOf, dockerBuilder, fragment, jobOf, keyOf, removeAll, temporaryFolder } from './kit.ts';

describeEngine('the docker builder in trouble', ['docker', 'rootfs'], (state) => {
  const folder = temporaryFolder();
  const names = ['base', 'after'].map((name) => `rebake/candidate:${candidateTag(keyOf(name))}`);

  afterAll(async () => {
    await removeAll(state, names);
    folder.remove();
  });

  describe('an engine that dies', () => {
    it('while it builds is lost, then unreachable, then itself again', async () => {
      const own = await startEngine(join(folder.path, 'engine'));
      const builder = dockerBuilder({ host: own.host });
      try {
        const { engine } = await builder.probe(ctxOf());
        const ctx = ctxOf({
          onProgress: (progress) => {
            if (progress.type === 'bytes') own.kill();
          },
        });
        await expect(builder.build(baseJob(state, 'lost'), ctx)).rejects.toMatchObject({
          error: { code: 'ENGINE_LOST', retry: 'backoff' },
        });
        expect(await builder.inspect({ key: keyOf('lost') }, ctxOf())).toMatchObject({
          seen: 'unknown',
          why: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' },
        });
        await own.start();
        expect((await builder.probe(ctxOf())).engine).toBe(engine);
        expect(await builder.inspect({ key: keyOf('lost') }, ctxOf())).toEqual({ seen: 'no' });
      } finally {
        await builder.close();
        await own.stop();
      }
    });
  });

  describe('an engine that is not there', () => {
    it.each(['unix:///nowhere/docker.sock', 'tcp://127.0.0.1:1'])(
      '%s is unreachable, and what it has is unknown',
      async (host) => {
        const builder = dockerBuilder({ host });
        await expect(builder.probe(ctxOf())).rejects.toMatchObject({
          error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' },
        });
        expect(await builder.inspect({ key: keyOf('x') }, ctxOf())).toMatchObject({
          seen: 'unknown',
          why: { code: 'ENGINE_UNREACHABLE' },
        });
        await expect(builder.build(baseJob(state, 'x'), ctxOf())).rejects.toMatchObject({
          error: { code: 'ENGINE_UNREACHABLE' },
        });
        await builder.close();
      },
    );
  });

  describe('an engine behind TLS', () => {
    it('builds over tcp with certificates on both sides, and refuses whoever has none', async () => {
      const certificates = makeCertificates(join(folder.path, 'tls'));
      const proxy = createServer(
        {
          ca: readFileSync(certificates.ca),
          cert: readFileSync(certificates.server.cert),
          key: readFileSync(certificates.server.key),
          requestCert: true,
          rejectUnauthorized: true,
        },
        (socket) => {
          const engine = connect(state.docker.socket);
          socket.pipe(engine).pipe(socket);
          socket.on('error', () => engine.destroy());
          engine.on('error', () => socket.destroy());
        },
      );
      proxy.listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      const host = `tcp://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const builder = dockerBuilder({ host, tls: { ca: certificates.ca, ...certificates.client } });
      const stranger = dockerBuilder({ host, tls: { ca: certificates.ca, ...certificates.stranger } });
      const careful = dockerBuilder({ host, tls: { ca: certificates.stranger.cert, ...certificates.client } });
      try {
        const base = await builder.build(baseJob(state), ctxOf());
        const ctx = ctxOf();
        await builder.build(jobOf('after', base, [fragment('RUN echo over tls')]), ctx);
        expect(ctx.seen).toContainEqual({ type: 'step', index: 2, of: 2, name: 'RUN echo over tls' });
        await expect(stranger.probe(ctxOf())).rejects.toMatchObject({ error: { code: 'ENGINE_UNREACHABLE' } });
        await expect(careful.probe(ctxOf())).rejects.toMatchObject({
          error: { code: 'ENGINE_UNREACHABLE', retry: 'never' },
        });
      } finally {
        for (const one of [builder, stranger, careful]) await one.close();
        proxy.close();
      }
    });
  });
});

/** An authority, certificates of it for a server and a client, and one that a stranger made for himself. */
function makeCertificates(folder: string) {
  mkdirSync(folder);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const pair = (name: string) => ({ cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) });
  const selfSigned = (name: string) =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    );
  const signed = (name: string, extensions: string) => {
    writeFileSync(join(folder, `${name}.ext`), extensions);
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.crt`,
    );
  };
  selfSigned('ca');
  selfSigned('stranger');
  signed('server', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  signed('client', 'extendedKeyUsage=clientAuth\n');
  return { ca: join(folder, 'ca.crt'), server: pair('server'), client: pair('client'), stranger: pair('stranger') };
}

/** Requests to services that do not answer as they should. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { Podman } from '../src/podman.ts';
import { Service } from '../src/service.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener, patience = { answerMs: 10_000, watchMs: 10_000 }): Promise<Podman> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = { kind: 'tcp', host: '127.0.0.1', port } as const;
  return new Podman(new Service({ host, machine: false }, { dir: tmpdir(), env: {} }, patience));
}

const { signal } = new AbortController();
const build = (podman: Podman, take: (line: unknown) => void = () => undefined) =>
  podman.build({}, (async function* () {})(), signal, take);

describe('a question', () => {
  it('that is not answered is given up', async () => {
    const podman = await serve(() => undefined, { answerMs: 50, watchMs: 10_000 });
    await expect(podman.image('a:b', signal)).rejects.toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff', words: expect.stringContaining('not answered') as string },
    });
  });

  it('that is answered with a no is refused in the words of the service', async () => {
    const podman = await serve((_request, response) => {
      response.writeHead(500).end('{"cause":"x","message":"it does not want to","response":500}');
    });
    await expect(podman.image('a:b', signal)).rejects.toMatchObject({
      error: { code: 'ENGINE_REFUSED', words: 'it does not want to' },
    });
  });

  it('names the image in one part of a path', async () => {
    const paths: string[] = [];
    const podman = await serve((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      response.writeHead(404).end();
    });
    expect(await podman.image('rebake/candidate:x', signal)).toBeNull();
    await podman.untag('registry.example.com:5000/a:b', signal);
    expect(paths).toEqual([
      'GET /v4.0.0/libpod/images/localhost%2Frebake%2Fcandidate%3Ax/json',
      'DELETE /v4.0.0/libpod/images/registry.example.com%3A5000%2Fa%3Ab',
    ]);
  });
});

describe('something long', () => {
  it('is lost when the service hangs', async () => {
    const podman = await serve(
      (request, response) => {
        // To everything else it is silent.
        if (request.url?.endsWith('/build?') || request.url?.endsWith('/build'))
          response.write('{"stream":"begun\\n"}\n');
      },
      { answerMs: 50, watchMs: 20 },
    );
    await expect(build(podman)).rejects.toMatchObject({ error: { code: 'ENGINE_LOST', retry: 'backoff' } });
  });

  it('goes on while the service answers others', async () => {
    let pings = 0;
    let finish: (() => void) | undefined;
    const podman = await serve(
      (request, response) => {
        if (request.url === '/libpod/_ping') {
          response.end('OK');
          if (++pings === 3) finish?.();
        } else {
          response.write('{"stream":"begun\\n"}\n');
          finish = () => response.end('{"stream":"done\\n"}\n');
        }
      },
      { answerMs: 10_000, watchMs: 10 },
    );
    const lines: unknown[] = [];
    await build(podman, (line) => lines.push(line));
    expect(lines).toEqual([{ stream: 'begun\n' }, { stream: 'done\n' }]);
  });

  it('is lost when the connection breaks', async () => {
    const podman = await serve((_request, response) => {
      response.write('{"stream":"begun\\n"}\n', () => response.destroy());
    });
    await expect(build(podman)).rejects.toMatchObject({ error: { code: 'ENGINE_LOST', retry: 'backoff' } });
  });

  it('ends when nobody wants it any more', async () => {
    const podman = await serve((_request, response) => void response.write('{"stream":"begun\\n"}\n'));
    const abort = new AbortController();
    const reason = new Error('enough');
    const building = podman.build({}, (async function* () {})(), abort.signal, () => abort.abort(reason));
    await expect(building).rejects.toBe(reason);
  });
});

describe('a service that is something else', () => {
  it.each([
    [404, {}, 'page not found'],
    [200, {}, 'OK'],
    [200, { 'Libpod-API-Version': '3.4.4' }, 'OK'],
  ])('is refused: %i %j', async (status, headers, body) => {
    const podman = await serve((_request, response) => void response.writeHead(status, headers).end(body));
    await expect(podman.info(signal)).rejects.toMatchObject({ error: { code: 'ENGINE_UNSUPPORTED', retry: 'never' } });
  });
});

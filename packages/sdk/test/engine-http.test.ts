/** HTTP to engines by every means: the same requests, upgrades, and what happens when nobody answers. */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { Agent, IncomingMessage } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandDuplex, EngineEndpoint } from '../src/building/index.ts';
import { agentFor, NotUpgraded, requestTo, upgrade } from '../src/building/engine-http.ts';

const folder = mkdtempSync(join(tmpdir(), 'rebake-http-'));
const socketPath = join(folder, 'engine.sock');
const requests: { url: string | undefined; headers: IncomingMessage['rawHeaders']; body: string }[] = [];
const servers: Server[] = [];
const endpoints: Record<'unix' | 'tcp' | 'ssh', EngineEndpoint> = {
  unix: { kind: 'unix', socketPath },
  tcp: { kind: 'tcp', host: '127.0.0.1', port: 0, tls: null },
  // In the place of ssh: a script that joins its input and output with the socket.
  ssh: {
    kind: 'ssh',
    target: { host: 'build' },
    remote: ['dial'],
    ssh: { env: { PATH: `${folder}:${process.env['PATH']}`, NODE: process.execPath, SOCKET: socketPath } },
  },
};

beforeAll(async () => {
  const script = `const s = require('net').connect(process.env.SOCKET); process.stdin.pipe(s); s.pipe(process.stdout)`;
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec "$NODE" -e "${script}"\n`);
  chmodSync(join(folder, 'ssh'), 0o755);
  for (const at of [socketPath, 0] as const) {
    const server = createServer((asked, response) => {
      void text(asked).then((body) => {
        requests.push({ url: asked.url, headers: asked.rawHeaders, body });
        response.end(`answer to ${asked.url}`);
      });
    });
    server.on('upgrade', (asked: IncomingMessage, socket: Socket, head: Buffer) => {
      if (asked.url === '/refused') {
        socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno');
        return;
      }
      requests.push({ url: asked.url, headers: asked.rawHeaders, body: head.toString() });
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nfirst ');
      socket.pipe(socket);
    });
    server.listen(at as string);
    await once(server, 'listening');
    servers.push(server);
    if (at === 0) endpoints.tcp = { ...endpoints.tcp, port: (server.address() as AddressInfo).port } as EngineEndpoint;
  }
});

afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

describe.each(['unix', 'tcp', 'ssh'] as const)('an engine by %s', (kind) => {
  it('answers requests on connections that are kept', async () => {
    const endpoint = endpoints[kind];
    const agent = agentFor(endpoint);
    const address = endpoint.kind === 'tcp' ? { host: endpoint.host, port: endpoint.port } : {};
    const ask = async (path: string) => {
      const asked = request({ agent, path, ...address, ...(endpoint.kind === 'unix' ? { socketPath } : {}) });
      asked.end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      return { body: await text(response), reused: asked.reusedSocket };
    };
    expect(await ask('/one')).toEqual({ body: 'answer to /one', reused: false });
    expect(await ask('/two')).toEqual({ body: 'answer to /two', reused: true });
    agent.destroy();
  });

  it('turns a connection into another one', async () => {
    const headers = { 'X-Method': ['a', 'b'] };
    const stream = await upgrade(endpoints[kind], { method: 'POST', path: '/grpc', headers }, 'h2c');
    stream.end('rest');
    expect(await text(stream)).toBe('first rest');
    const { headers: seen } = requests.findLast(({ url }) => url === '/grpc')!;
    const sent = seen.flatMap((name, index) =>
      index % 2 === 0 && /^(x-method|upgrade)$/i.test(name) ? [seen[index + 1]] : [],
    );
    // What is sent several times is so received: some servers take a folded header for one value.
    expect(sent).toEqual(['h2c', 'a', 'b']);
  });

  it('may refuse to', async () => {
    const refused = await upgrade(endpoints[kind], { method: 'POST', path: '/refused' }, 'tcp', '{}').catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(NotUpgraded);
    expect((refused as Error).message).toBe('answered with HTTP 404');
    expect(await text((refused as NotUpgraded).response)).toBe('no');
  });
});

describe('a connection by ssh', () => {
  it('that ends while it is idle is followed by another one', async () => {
    const agent = agentFor(endpoints.ssh);
    const ask = async () => {
      const asked = request({ agent, path: '/idle' });
      asked.end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      await text(response);
      return asked.reusedSocket;
    };
    await ask();
    await expect.poll(() => idle(agent)).toHaveLength(1);
    const [first] = idle(agent);
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await new Promise((resolve) => first?.once('close', resolve));
    expect(await ask()).toBe(false);
    agent.destroy();
  });

  const idle = (agent: Agent) => Object.values(agent.freeSockets).flat() as unknown as CommandDuplex[];
});

describe('an engine that does not answer', () => {
  it('is given up after the time that a request has', async () => {
    const silent = createNetServer();
    silent.listen(join(folder, 'silent.sock'));
    await once(silent, 'listening');
    const endpoint = { kind: 'unix', socketPath: join(folder, 'silent.sock') } as const;
    const asked = requestTo(endpoint, { method: 'GET', path: '/', withinMs: 20 });
    asked.end();
    const [error] = (await once(asked, 'error')) as [unknown];
    expect(error).toMatchObject({ error: { code: 'ENGINE_UNREACHABLE', retry: 'backoff' } });
    silent.close();
  });

  it('by ssh fails in the words of ssh', async () => {
    const endpoint = { ...endpoints.ssh, ssh: { env: { PATH: '/nowhere' } } } as EngineEndpoint;
    await expect(upgrade(endpoint, { method: 'POST', path: '/grpc' }, 'h2c')).rejects.toMatchObject({
      error: { code: 'ENGINE_UNREACHABLE', words: 'there is no command ssh on the PATH' },
    });
  });
});

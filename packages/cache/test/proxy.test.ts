// Which proxy an address is reached through, and that it is: a real one, for both ways of asking.
import { createServer, request as ask } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createDownloader, openCache, type DownloadAccess } from '../src/index.ts';
import { proxyFor } from '../src/download/proxy.ts';
import { listening, serve } from './server.ts';
import { failureOf, never, temporaryDir } from './tools.ts';

const variables = {
  https_proxy: 'http://secure:1',
  HTTP_PROXY: 'plain:2',
  NO_PROXY: 'inner.example.com, .corp.example.com,other.example.com:8443',
};

describe('the proxy for an address', () => {
  it.each([
    ['https://example.com/', 'http://secure:1'],
    ['http://example.com/', 'http://plain:2'],
    ['https://inner.example.com/', null],
    ['https://a.inner.example.com/', null],
    ['https://notinner.example.com/', 'http://secure:1'],
    ['https://corp.example.com/', null],
    ['https://x.corp.example.com/', null],
    ['https://other.example.com:8443/', null],
    ['https://other.example.com/', 'http://secure:1'],
    ['http://127.0.0.1:8080/', null],
    ['http://localhost/', null],
  ])('%s: %s', (url, proxy) => {
    expect(proxyFor(new URL(url), { env: variables })).toBe(proxy);
  });

  it('is the declared one before that of a variable, and none where everything is excluded', () => {
    const url = new URL('https://example.com/');
    expect(proxyFor(url, { env: variables, proxy: { https: 'http://mine:3' } })).toBe('http://mine:3');
    expect(proxyFor(url, { env: variables, proxy: { no: 'example.com' } })).toBeNull();
    expect(proxyFor(url, { env: { ...variables, no_proxy: '*' } })).toBeNull();
    expect(proxyFor(url, { env: { ALL_PROXY: 'http://all:4' } })).toBe('http://all:4');
    expect(proxyFor(url, { env: { https_proxy: '', HTTPS_PROXY: 'http://upper:5' } })).toBeNull();
    expect(proxyFor(url, { env: {} })).toBeNull();
  });
});

/** A proxy that leads every host to one port of this machine, and notes what it was asked. `status`: how it refuses. */
async function startProxy(port: number, status?: number) {
  const asked: { what: string; login: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ what: `${request.method} ${request.url}`, login: request.headers['proxy-authorization'] });
    if (status !== undefined) return void response.writeHead(status).end();
    const { pathname } = new URL(request.url ?? '');
    ask({ port, path: pathname }, (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 0))).end();
  });
  server.on('connect', (request, socket) => {
    asked.push({ what: `CONNECT ${request.url}`, login: request.headers['proxy-authorization'] });
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    const far = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    for (const [one, other] of [
      [far, socket],
      [socket, far],
    ] as const)
      one.pipe(other).on('error', () => one.destroy());
  });
  return { asked, ...(await listening(server)) };
}

function downloads(access: Partial<DownloadAccess>) {
  const folder = temporaryDir();
  const cache = openCache(folder.dir);
  const made = createDownloader(cache, { env: {}, ca: null, login: async () => null, ...access });
  return {
    document: async (url: string) => made.document(url, { maxBytes: 100, signal: never }),
    async [Symbol.asyncDispose]() {
      await made.close();
      await cache.close();
      folder[Symbol.dispose]();
    },
  };
}

describe('a request through a proxy', () => {
  it('in the clear names its host, and the login of the proxy goes to nobody else', async () => {
    await using server = await serve((_request, response) => response.end('index'));
    await using proxy = await startProxy(server.port);
    const address = `http://me:pw@127.0.0.1:${proxy.port}`;
    await using one = downloads({ env: { http_proxy: address } });
    expect(Buffer.from((await one.document('http://index.example.com/simple/')) ?? []).toString()).toBe('index');
    const login = `Basic ${Buffer.from('me:pw').toString('base64')}`;
    expect(proxy.asked).toEqual([{ what: 'GET http://index.example.com/simple/', login }]);
    expect(server.asked[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  it.each([
    ['https://index.example.com/', 'CONNECT index.example.com:443'],
    ['http://index.example.com/', 'GET http://index.example.com/'],
  ])('that the proxy refuses is refused: %s', async (url, what) => {
    await using proxy = await startProxy(1, 407);
    await using one = downloads({
      proxy: { http: `http://127.0.0.1:${proxy.port}`, https: `http://127.0.0.1:${proxy.port}` },
    });
    expect(await failureOf(one.document(url))).toBe(`DOWNLOAD_REFUSED: ${url}: the proxy refuses it: 407`);
    expect(proxy.asked.map((one_) => one_.what)).toEqual([what]);
  });
});

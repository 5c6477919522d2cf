// Fetching over TLS from a server whose authority is a company's own, directly and through a proxy. Certificates are made by openssl.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDownloader, openCache, type DownloadAccess } from '../src/index.ts';
import { listening, serve } from './server.ts';
import { failureOf, never, temporaryDir } from './tools.ts';

const folder = temporaryDir();
afterAll(() => folder[Symbol.dispose]());
const file = (name: string): string => join(folder.parent, name);

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: folder.parent, stdio: ['ignore', 'ignore', 'pipe'] });
}

const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
openssl('req', '-x509', ...key, '-subj', '/CN=Company', '-keyout', 'ca.key', '-out', 'ca.pem');
openssl('req', ...key.slice(0, 3), '-subj', '/CN=index', '-keyout', 'own.key', '-out', 'own.csr');
writeFileSync(file('ext'), 'subjectAltName=DNS:index.example.com,IP:127.0.0.1');
const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext'];
openssl('x509', '-req', '-in', 'own.csr', ...signed, '-out', 'own.pem');

const start = async () =>
  serve(
    (_request, response) => response.end('index'),
    (listener) => createServer({ key: readFileSync(file('own.key')), cert: readFileSync(file('own.pem')) }, listener),
  );

async function fetchFrom(url: string, access: Partial<DownloadAccess>): Promise<string> {
  using own = temporaryDir();
  const cache = openCache(own.dir);
  const downloads = createDownloader(cache, { env: {}, ca: null, login: async () => null, ...access });
  try {
    return Buffer.from((await downloads.document(url, { maxBytes: 100, signal: never })) ?? []).toString();
  } finally {
    await downloads.close();
    await cache.close();
  }
}

describe('an authority of a company', () => {
  it('is trusted when it is named: as such, or by the variables', async () => {
    await using server = await start();
    const url = `https://127.0.0.1:${server.port}/`;
    expect(await fetchFrom(url, { ca: readFileSync(file('ca.pem')) })).toBe('index');
    expect(await fetchFrom(url, { env: { SSL_CERT_FILE: file('ca.pem') } })).toBe('index');
    expect(await fetchFrom(url, { env: { NODE_EXTRA_CA_CERTS: file('ca.pem') } })).toBe('index');
  });

  it('is not trusted otherwise, and the failure says what to do at once', async () => {
    await using server = await start();
    const url = `https://127.0.0.1:${server.port}/`;
    expect(await failureOf(fetchFrom(url, {}))).toMatch(
      /^DOWNLOAD_FAILED: https:.*certificate.*; if it is the certificate of a company, name its authority with `ca`/,
    );
  });

  it('that cannot be read is named', async () => {
    const env = { SSL_CERT_FILE: file('nothing.pem') };
    expect(await failureOf(fetchFrom('https://127.0.0.1:1/', { env }))).toMatch(
      /SSL_CERT_FILE, .*nothing\.pem, cannot be used/,
    );
    const ca = Buffer.from('-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n');
    expect(await failureOf(fetchFrom('https://127.0.0.1:1/', { ca }))).toContain(
      'the certificates of the CA bundle cannot be used',
    );
  });
});

describe('a proxy', () => {
  it('sees nothing but the name of the host', async () => {
    await using server = await start();
    const asked: string[] = [];
    const proxy = createHttp();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      const far = connect(server.port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      for (const [one, other] of [
        [far, socket],
        [socket, far],
      ] as const)
        one.pipe(other).on('error', () => one.destroy());
    });
    await using listens = await listening(proxy);
    const access = { ca: readFileSync(file('ca.pem')), env: { HTTPS_PROXY: listens.url } };
    expect(await fetchFrom('https://index.example.com/simple/', access)).toBe('index');
    expect(asked).toEqual(['index.example.com:443']);
  });
});

describe('a redirect', () => {
  it('out of TLS is not followed', async () => {
    await using server = await serve(
      (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      (listener) => createServer({ key: readFileSync(file('own.key')), cert: readFileSync(file('own.pem')) }, listener),
    );
    const words = await failureOf(fetchFrom(`https://127.0.0.1:${server.port}/`, { ca: readFileSync(file('ca.pem')) }));
    expect(words).toContain('it redirects to 127.0.0.1:1 without TLS');
  });
});

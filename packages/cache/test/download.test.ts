// Fetching from real servers: breaks, refusals, wrong bytes, redirects, logins, limits.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCache, type Cache, type DownloadAccess, type Downloader } from '../src/index.ts';
import { createDownloader } from '../src/download/downloader.ts';
import { breakAfter, sendFile, serve } from './server.ts';
import { bytesOf, digestOf, failureOf, never, put, temporaryDir, textOf } from './tools.ts';

interface Rig extends AsyncDisposable {
  readonly cache: Cache;
  readonly parent: string;
  readonly downloads: Downloader;
  /** How long it would have waited, in milliseconds. */
  readonly pauses: number[];
}

function rig(access: Partial<DownloadAccess> = {}): Rig {
  const folder = temporaryDir();
  const cache = openCache(folder.dir);
  const pauses: number[] = [];
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  const downloads = createDownloader(cache, { env: {}, ca: null, login: async () => null, ...access }, { pause });
  return {
    cache,
    parent: folder.parent,
    downloads,
    pauses,
    async [Symbol.asyncDispose]() {
      await downloads.close();
      await cache.close();
      folder[Symbol.dispose]();
    },
  };
}

const BODY = randomBytes(300_000);
const WHEEL = { digest: digestOf(BODY), size: BODY.byteLength, name: 'wheel' };

describe('a file', () => {
  it('is fetched once, whoever asks, and then never again', async () => {
    await using r = rig();
    await using server = await serve((request, response) => sendFile(request, response, BODY));
    const what = { ...WHEEL, url: `${server.url}/wheel` };
    const seen: number[] = [];
    await Promise.all(Array.from({ length: 5 }, async () => r.downloads.blob(what, never, (done) => seen.push(done))));
    await r.downloads.blob(what, never);
    expect(server.asked).toMatchObject([{ path: '/wheel', headers: { 'accept-encoding': 'identity' } }]);
    expect(seen.at(-1)).toBe(BODY.byteLength);
    expect(await bytesOf(r.cache.read(WHEEL.digest))).toEqual(BODY);
  });

  it('that the cache has is not asked for', async () => {
    await using r = rig();
    await put(r.cache, BODY);
    await r.downloads.blob({ ...WHEEL, url: 'http://127.0.0.1:1/nobody' }, never);
  });

  it('goes on where the connection broke, of the same version', async () => {
    await using r = rig();
    await using server = await serve((request, response, i) => {
      if (i === 0) breakAfter(response, BODY, 100_000);
      else sendFile(request, response, BODY);
    });
    await r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never);
    const [, second] = server.asked;
    expect(second?.headers['if-range']).toBe('"1"');
    expect(second?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(await bytesOf(r.cache.read(WHEEL.digest))).toEqual(BODY);
  });

  it('starts again when it is another version meanwhile', async () => {
    await using r = rig();
    await using server = await serve((request, response, i) => {
      if (i === 0) breakAfter(response, randomBytes(300_000), 100_000, '"old"');
      else sendFile(request, response, BODY, '"new"');
    });
    await r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never);
    expect(await bytesOf(r.cache.read(WHEEL.digest))).toEqual(BODY);
  });

  it('is fetched whole when the pieces of a server without versions do not fit together', async () => {
    await using r = rig();
    await using server = await serve((request, response, i) => {
      const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
      if (i === 0) {
        response.writeHead(200, { 'content-length': BODY.byteLength });
        response.write(randomBytes(100_000), () => response.socket?.destroy());
      } else if (start === undefined) response.end(BODY);
      else
        response.writeHead(206, { 'content-range': `bytes ${start}-299999/300000` }).end(BODY.subarray(Number(start)));
    });
    await r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never);
    expect(server.asked.map(({ headers }) => headers.range !== undefined)).toEqual([false, true, false]);
    expect(await bytesOf(r.cache.read(WHEEL.digest))).toEqual(BODY);
  });

  it('starts again when the server has no such part, or sends another one', async () => {
    await using r = rig();
    await using server = await serve((request, response, i) => {
      if (i === 0 || i === 2) breakAfter(response, BODY, 50_000);
      else if (i === 1) response.writeHead(416).end();
      else if (i === 3) response.writeHead(206, { 'content-range': 'bytes 7-299999/300000' }).end(BODY.subarray(7));
      else sendFile(request, response, BODY);
    });
    await r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never);
    expect(server.asked).toHaveLength(5);
    expect(await bytesOf(r.cache.read(WHEEL.digest))).toEqual(BODY);
  });

  it('goes on for as long as each try brings something', async () => {
    await using r = rig();
    await using server = await serve((request, response) => {
      const [, start = '0'] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
      const at = Number(start);
      const status = at === 0 ? 200 : 206;
      response.writeHead(status, {
        'content-range': `bytes ${at}-299999/300000`,
        etag: '"1"',
        'content-length': 300_000 - at,
      });
      response.write(BODY.subarray(at, at + 30_000), () => response.socket?.destroy());
    });
    await r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never);
    expect(await bytesOf(r.cache.read(WHEEL.digest))).toEqual(BODY);
  });

  it('of wrong bytes is not kept', async () => {
    await using r = rig();
    await using server = await serve((_request, response) => response.end('evil'));
    const url = `http://me:secret@127.0.0.1:${server.port}/wheel?token=secret`;
    const words = await failureOf(r.downloads.blob({ url, digest: digestOf('good'), name: 'x.whl' }, never));
    expect(words).toBe(
      `BLOB_MISMATCH: http://127.0.0.1:${server.port}/wheel?… is not x.whl as it is expected: the content is that of ${digestOf('evil')}, not of ${digestOf('good')}`,
    );
    expect(await r.cache.has(digestOf('evil'))).toBeNull();
    expect(server.asked).toHaveLength(1);
  });

  it('that is larger or smaller than it should be ends early', async () => {
    await using r = rig();
    await using server = await serve((request, response) => {
      if (request.url === '/told') sendFile(request, response, BODY);
      else if (request.url === '/endless') {
        const more = (): void => void response.write(BODY, more);
        more();
      } else response.end(BODY.subarray(0, 10));
    });
    const ask = async (path: string, size: number) =>
      failureOf(r.downloads.blob({ ...WHEEL, size, url: server.url + path }, never));
    expect(await ask('/told', 1000)).toContain('BLOB_MISMATCH');
    expect(await ask('/told', 1000)).toContain('300000 bytes where 1000 were expected');
    expect(await ask('/endless', BODY.byteLength)).toContain('more than the 300000 bytes that were expected');
    expect(await ask('/short', 20)).toContain('10 bytes where 20 were expected');
  });

  it('that ends too soon without saying its length is tried again, and then given up', async () => {
    await using r = rig();
    await using server = await serve((_request, response) => {
      response.write(BODY.subarray(0, 100));
      response.end();
    });
    const words = await failureOf(r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never));
    expect(words).toBe(`DOWNLOAD_FAILED: ${server.url}/wheel: it ended after 100 of 300000 bytes`);
    expect(server.asked).toHaveLength(5);
  });
});

describe('a server that is busy', () => {
  it('is asked again when it says, else after pauses that grow', async () => {
    await using r = rig();
    await using server = await serve((request, response, i) => {
      if (i === 0) response.writeHead(429, { 'retry-after': '7' }).end();
      else if (i === 1) response.writeHead(503).end();
      else if (i === 2) response.socket?.destroy();
      else sendFile(request, response, BODY);
    });
    await r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never);
    expect(r.pauses).toHaveLength(3);
    expect(r.pauses[0]).toBe(7000);
    expect(r.pauses[1]).toBeLessThanOrEqual(1000);
    expect(r.pauses[2]).toBeGreaterThanOrEqual(1000);
  });

  it('is given up after some tries, or when it wants to be left alone for long', async () => {
    await using r = rig();
    await using server = await serve((request, response) => {
      response.writeHead(503, request.url === '/long' ? { 'retry-after': '86400' } : {}).end('not now');
    });
    const ask = async (path: string) => failureOf(r.downloads.blob({ ...WHEEL, url: server.url + path }, never));
    expect(await ask('/wheel')).toBe(`DOWNLOAD_FAILED: ${server.url}/wheel: 503 Service Unavailable`);
    expect(server.asked).toHaveLength(5);
    expect(await ask('/long')).toContain('503');
    expect(server.asked).toHaveLength(6);
  });

  it('that is not there is said to be', async () => {
    await using r = rig();
    const { url } = await (async () => {
      await using gone = await serve(() => {});
      return { url: gone.url };
    })();
    expect(await failureOf(r.downloads.blob({ ...WHEEL, url: `${url}/wheel` }, never))).toMatch(
      /^DOWNLOAD_FAILED: .*ECONNREFUSED/,
    );
    expect(r.pauses).toHaveLength(4);
  });

  it('is left when nobody waits any more', async () => {
    await using r = rig();
    const controller = new AbortController();
    let wasClosed: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => (wasClosed = resolve));
    await using server = await serve((_request, response) => {
      response.on('close', () => wasClosed?.());
      response.writeHead(200);
      response.write('x', () => controller.abort(new Error('enough')));
    });
    await expect(r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, controller.signal)).rejects.toThrow(
      'enough',
    );
    await closed;
    expect(r.pauses).toEqual([]);
  });

  it('is asked for eight files at once at most', async () => {
    await using r = rig();
    let now = 0;
    let most = 0;
    const held: (() => void)[] = [];
    await using server = await serve((request, response) => {
      now++;
      most = Math.max(most, now);
      held.push(() => {
        now--;
        response.end(request.url);
      });
      // Nobody else comes before one of these has gone.
      if (held.length >= 8 || server.asked.length > 32) for (const go of held.splice(0)) go();
    });
    const all = Array.from({ length: 40 }, (_, i) => `/${i}`);
    await Promise.all(
      all.map(async (path) => r.downloads.blob({ url: server.url + path, digest: digestOf(path), name: path }, never)),
    );
    expect(most).toBe(8);
  });
});

describe('a refusal', () => {
  it.each([
    [401, '401 Unauthorized: no login for it is known'],
    [403, '403 Forbidden: no login for it is known'],
    [404, '404 Not Found'],
    [451, '451 Unavailable For Legal Reasons'],
  ])('%i is final', async (status, words) => {
    await using r = rig();
    await using server = await serve((_request, response) => response.writeHead(status).end('no'));
    const url = `${server.url}/wheel`;
    expect(await failureOf(r.downloads.blob({ ...WHEEL, url }, never))).toBe(`DOWNLOAD_REFUSED: ${url}: ${words}`);
    expect(server.asked).toHaveLength(1);
  });

  it.each(['ftp://example.com/x', 'data:,x', 'x.whl', 'javascript:alert(1)'])('of %s needs no network', async (url) => {
    await using r = rig();
    expect(await failureOf(r.downloads.blob({ ...WHEEL, url }, never))).toContain('DOWNLOAD_REFUSED');
    expect(await failureOf(r.downloads.document(url, { maxBytes: 1, signal: never }))).toContain('DOWNLOAD_REFUSED');
  });
});

describe('a login', () => {
  const login = async () => ({ username: 'me', password: 'pw:1' });
  const basic = `Basic ${Buffer.from('me:pw:1').toString('base64')}`;

  it('goes to the origin that it is for, also where that redirects within itself', async () => {
    await using r = rig({ login });
    await using server = await serve((request, response) => {
      if (request.url === '/a/wheel') response.writeHead(302, { location: '../b/wheel' }).end();
      else sendFile(request, response, BODY);
    });
    await r.downloads.blob({ ...WHEEL, url: `${server.url}/a/wheel` }, never);
    expect(server.asked).toMatchObject([
      { path: '/a/wheel', headers: { authorization: basic } },
      { path: '/b/wheel', headers: { authorization: basic } },
    ]);
  });

  it('does not go over a redirect to another origin, not even back by way of one', async () => {
    await using r = rig({ login });
    await using other = await serve((request, response) => sendFile(request, response, BODY));
    await using server = await serve((_request, response) => {
      response.writeHead(307, { location: `http://you:too@127.0.0.1:${other.port}/wheel` }).end();
    });
    await r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never);
    expect(server.asked[0]?.headers.authorization).toBe(basic);
    expect(other.asked.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('that is refused is not in the words', async () => {
    await using r = rig({ login });
    await using server = await serve((_request, response) => response.writeHead(401).end());
    const words = await failureOf(r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never));
    expect(words).toBe(`DOWNLOAD_REFUSED: ${server.url}/wheel: 401 Unauthorized: the login for it is not accepted`);
  });
});

describe('redirects', () => {
  it.each([
    ['in a circle', '/wheel', 'more than 10 redirects'],
    ['to a file of this machine', 'file:///etc/passwd', 'it redirects to what is no address of a file'],
  ])('%s end', async (_name, location, words) => {
    await using r = rig();
    await using server = await serve((_request, response) => response.writeHead(302, { location }).end());
    expect(await failureOf(r.downloads.blob({ ...WHEEL, url: `${server.url}/wheel` }, never))).toContain(words);
  });
});

describe('a document', () => {
  it('is read whole, with the headers that are asked for', async () => {
    await using r = rig();
    await using server = await serve((_request, response, i) => {
      if (i === 0) response.writeHead(503).end();
      else response.end('index');
    });
    const headers = { accept: 'application/vnd.pypi.simple.v1+json' };
    const bytes = await r.downloads.document(`${server.url}/simple/`, { maxBytes: 5, signal: never, headers });
    expect(Buffer.from(bytes ?? []).toString()).toBe('index');
    expect(server.asked[1]?.headers).toMatchObject(headers);
  });

  it('that is not there is null; one that is too large, or refused, is a failure', async () => {
    await using r = rig();
    await using server = await serve((request, response) => {
      response.writeHead(Number(request.url?.slice(1))).end('123456');
    });
    const ask = async (status: number) =>
      r.downloads.document(`${server.url}/${status}`, { maxBytes: 5, signal: never });
    expect(await ask(404)).toBeNull();
    expect(await ask(410)).toBeNull();
    expect(await failureOf(ask(200))).toContain('it has more than 5 bytes');
    expect(await failureOf(ask(403))).toContain('DOWNLOAD_REFUSED');
  });
});

describe('a file of this machine', () => {
  it('is taken as it is, or not at all', async () => {
    await using r = rig();
    const path = join(r.parent, 'x y.whl');
    writeFileSync(path, BODY);
    const url = pathToFileURL(path).href;
    await r.downloads.blob({ ...WHEEL, url }, never);
    expect(await bytesOf(r.cache.read(WHEEL.digest))).toEqual(BODY);
    expect(await failureOf(r.downloads.blob({ ...WHEEL, digest: digestOf('else'), url }, never))).toContain(
      'BLOB_MISMATCH',
    );
    const other = { ...WHEEL, digest: digestOf('else') };
    expect(await failureOf(r.downloads.blob({ ...other, size: 3, url }, never))).toContain('300000 bytes where 3 were');
    expect(await failureOf(r.downloads.blob({ ...other, url: `${url}.gone` }, never))).toMatch(
      /DOWNLOAD_REFUSED: .*ENOENT/,
    );
    expect(await failureOf(r.downloads.blob({ ...other, url: pathToFileURL(r.parent).href }, never))).toContain(
      'it is no file',
    );
    expect(await failureOf(r.downloads.blob({ ...other, url: 'file://elsewhere/x' }, never))).toContain(
      'DOWNLOAD_REFUSED',
    );
  });

  it('can be a document', async () => {
    await using r = rig();
    const path = join(r.parent, 'index');
    writeFileSync(path, 'index');
    const ask = async (url: string, maxBytes: number) => r.downloads.document(url, { maxBytes, signal: never });
    expect(Buffer.from((await ask(pathToFileURL(path).href, 5)) ?? []).toString()).toBe('index');
    expect(await ask(`${pathToFileURL(path).href}.gone`, 5)).toBeNull();
    expect(await failureOf(ask(pathToFileURL(path).href, 4))).toContain('it has more than 4 bytes');
    expect(await textOf(r.cache.read(await put(r.cache, 'index')))).toBe('index');
  });
});

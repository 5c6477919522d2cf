/** What builds are supplied by: with whose login, over which network, and how much it was. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCache } from '@rebake/cache';
import { digestOfBytes } from '@rebake/image';
import type { BuildAccess } from '@rebake/sdk';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createSupplies, type Supplies } from '../src/supply.ts';
import { context, temporaryFolder } from './kit.ts';

const folder = temporaryFolder();
const bytes = Buffer.from('a wheel');
const file = { digest: digestOfBytes(bytes), size: bytes.byteLength, name: 'a.whl' };
const asked: (string | undefined)[] = [];
const LOGIN = `Basic ${Buffer.from('me:secret').toString('base64')}`;
const server = createServer((request: IncomingMessage, answer) => {
  asked.push(request.headers.authorization);
  if (request.headers.authorization === LOGIN) answer.end(bytes);
  else answer.writeHead(401, { 'www-authenticate': 'Basic' }).end();
});
let index: string;
let caches = 0;
let cache: ReturnType<typeof openCache>;
let supplies: Supplies;

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  index = `127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
});
beforeEach(async () => {
  asked.length = 0;
  await supplies?.close();
  cache = openCache(join(folder, `cache-${(caches += 1)}`));
  supplies = createSupplies(cache, { HOME: folder, PATH: process.env['PATH'] });
});
afterAll(async () => {
  await supplies.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const { signal } = new AbortController();
const url = () => `http://${index}/a.whl`;

function withConf(): BuildAccess {
  const path = join(folder, 'pip.conf');
  writeFileSync(path, `[global]\nindex-url = http://me:secret@${index}\n`);
  return { network: 'default', secrets: { 'pip-conf': { file: path } } };
}

it('logs in as the secret of the declaration says, and tells how much came', async () => {
  const ctx = context();
  const supply = await supplies.of(withConf(), ctx);
  await supply.download.blob({ ...file, url: url() }, signal);
  expect(asked.at(-1)).toBe(LOGIN);
  expect(supply.summary()).toBe('downloaded 7 B');
  expect(ctx.seen).toEqual([{ type: 'bytes', done: 7 }]);
});

it('says that nothing came where the cache had it', async () => {
  await (await supplies.of(withConf(), context())).download.blob({ ...file, url: url() }, signal);
  const supply = await supplies.of(withConf(), context());
  await supply.download.blob({ ...file, url: url() }, signal);
  expect(supply.summary()).toBe('nothing had to be downloaded');
});

it('is nobody without a login', async () => {
  const supply = await supplies.of({ network: 'default', secrets: {} }, context());
  await expect(supply.download.blob({ ...file, url: url() }, signal)).rejects.toMatchObject({
    error: { code: 'DOWNLOAD_REFUSED' },
  });
});

it('asks nobody where the build has no network, and takes what the cache has', async () => {
  const offline: BuildAccess = { ...withConf(), network: 'none' };
  const supply = await supplies.of(offline, context());
  await expect(supply.download.blob({ ...file, url: url() }, signal)).rejects.toMatchObject({
    error: { code: 'DOWNLOAD_REFUSED' },
  });
  await expect(supply.download.document(url(), { maxBytes: 10, signal })).rejects.toMatchObject({
    error: { code: 'DOWNLOAD_REFUSED' },
  });
  expect(asked).toEqual([]);
  await (await supplies.of(withConf(), context())).download.blob({ ...file, url: url() }, signal);
  await supply.download.blob({ ...file, url: url() }, signal);
  expect([supply.env['UV_OFFLINE'], supply.env['PIP_NO_INDEX']]).toEqual(['1', '1']);
});

it('hands the proxies of the declaration to tools', async () => {
  const proxy = { https: 'http://proxy.example.com:3128', no: 'localhost' };
  const { env } = await supplies.of({ network: 'default', secrets: {}, proxy }, context());
  expect([env['HTTPS_PROXY'], env['https_proxy'], env['NO_PROXY'], env['HTTP_PROXY']]).toEqual([
    proxy.https,
    proxy.https,
    proxy.no,
    undefined,
  ]);
});

/** Which uv is taken, and what is said when there is none. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findUv, readPipSettings, type Uv } from '../src/index.ts';
import { pinnedWheel, thisMachine } from '../src/uv/pinned.ts';
import { locking } from './locking.ts';
import { place } from './places.ts';

const home = place({ 'empty/x': '' });
afterAll(() => home[Symbol.dispose]());

/** A program that says it is uv of a version. */
function uv(folder: string, version: string): string {
  return home.write(`${folder}/uv`, `#!/bin/sh\necho "uv ${version} (somewhere)"\n`, 0o755);
}

async function find(env: Readonly<Record<string, string>>): Promise<Uv> {
  const whole = { HOME: home.dir, PIP_CONFIG_FILE: '/dev/null', PATH: home.path('empty'), ...env };
  await using own = locking(home.path('cache'), whole);
  const pip = await readPipSettings({ env: whole, home: home.dir, first: null });
  return await findUv({ ...own, env: whole, signal: new AbortController().signal, log: () => undefined, pip });
}

const missing = (words: string): object => ({
  error: { code: 'LOCK_TOOL_MISSING', retry: 'never', words: expect.stringContaining(words) as string },
});

/** An index that has uv's wheel by name, or says that it has not. */
let index: string;
const server = createServer((request, response) => {
  const name = pinnedWheel(thisMachine())?.name ?? '';
  if (request.url === '/full/uv/') response.end(`<a href="/files/${name}">${name}</a>`);
  else if (request.url === `/files/${name}`) response.end('something else');
  else if (request.url === '/broken/uv/') response.writeHead(403).end();
  else response.writeHead(404).end();
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  index = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('uv', () => {
  it('is the one that is named, else the one on PATH', async () => {
    const [own, other] = [uv('own', '0.9.1'), uv('path', '1.0.0')];
    expect(await find({ REBAKE_UV: own, PATH: home.path('path') })).toEqual({ path: own, version: '0.9.1' });
    expect(await find({ PATH: home.path('path') })).toEqual({ path: 'uv', version: '1.0.0' });
    expect(other).toBe(home.path('path/uv'));
  });

  it('that is named and is none, or too old, is not replaced by another', async () => {
    const old = uv('old', '0.4.30');
    await expect(find({ REBAKE_UV: old, PIP_INDEX_URL: `${index}/full` })).rejects.toMatchObject(
      missing('names uv 0.4.30, and 0.8.0'),
    );
    await expect(find({ REBAKE_UV: '/nowhere/uv' })).rejects.toMatchObject(
      missing('names /nowhere/uv, which does not say that it is uv'),
    );
  });

  it('that is too old on PATH is as good as none: it is looked for on the indexes', async () => {
    uv('old', '0.4.30');
    const old = { PATH: home.path('old') };
    await expect(find({ ...old, PIP_INDEX_URL: `${index}/empty` })).rejects.toMatchObject(
      missing('none of your indexes has it'),
    );
    await expect(
      find({ ...old, PIP_INDEX_URL: `${index.replace('//', '//me:secret@')}/broken` }),
    ).rejects.toMatchObject(missing('403'));
    await expect(
      find({ ...old, PIP_INDEX_URL: `${index.replace('//', '//me:secret@')}/broken` }),
    ).rejects.not.toMatchObject(missing('secret'));
    await expect(find({ ...old, PIP_NO_INDEX: '1' })).rejects.toMatchObject(
      missing('no index is configured: set `PIP_INDEX_URL`'),
    );
  });

  it('that is another than it has to be is not taken', async () => {
    await expect(find({ PIP_INDEX_URL: `${index}/full` })).rejects.toMatchObject({ error: { code: 'BLOB_MISMATCH' } });
    await expect(find({ PIP_INDEX_URL: `${index}/empty`, PIP_EXTRA_INDEX_URL: `${index}/full` })).rejects.toMatchObject(
      {
        error: { code: 'BLOB_MISMATCH' },
      },
    );
  });
});

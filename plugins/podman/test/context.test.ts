/** The context as a tar: the same files give the same bytes, and one that may not be built ends without its Dockerfile. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOfBytes } from '@rebake/image';
import type { ContextFile, RenderedDockerfile } from '@rebake/image';
import { unpackTar } from 'modern-tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendContext } from '../src/context.ts';
import type { SentContext } from '../src/context.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rebake-podman-'));
});

afterEach(() => rmSync(root, { recursive: true }));

const text = (path: string, exec = false): ContextFile => ({ path, text: path, digest: digestOfBytes(path), exec });

function file(path: string, contents: string | Buffer): ContextFile {
  const source = join(root, path);
  writeFileSync(source, contents);
  return { path, source, digest: digestOfBytes(contents), exec: false };
}

function rendered(...files: ContextFile[]): RenderedDockerfile {
  return { dockerfile: 'FROM x\n', dockerignore: '', files };
}

async function all({ body }: SentContext): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function entries(context: SentContext) {
  return (await unpackTar(await all(context), { strict: true })).map(({ header, data }) => ({
    name: header.name,
    mode: header.mode,
    text: data === undefined ? null : Buffer.from(data).toString(),
    rest: `${header.uid}:${header.gid} ${header.mtime?.toISOString()}`,
  }));
}

describe('a context', () => {
  it('holds folders before what is in them, files, secrets, and the Dockerfile last', async () => {
    const files = [text('.dockerignore'), text('a b/ü é'), text('deep/er/run.sh', true), file('on-disk', 'bytes')];
    const context = sendContext(rendered(...files), [{ id: 'ca', bytes: Buffer.from('sekrit') }]);
    expect(context.secrets).toEqual(['id=ca,src=.rebake.secret-0']);
    const found = await entries(context);
    expect(found.map(({ name, mode, text: body }) => [name, mode?.toString(8), body])).toEqual([
      ['a b/', '755', null],
      ['deep/', '755', null],
      ['deep/er/', '755', null],
      ['.dockerignore', '644', '.dockerignore'],
      ['a b/ü é', '644', 'a b/ü é'],
      ['deep/er/run.sh', '755', 'deep/er/run.sh'],
      ['on-disk', '644', 'bytes'],
      ['.rebake.secret-0', '600', 'sekrit'],
      [context.dockerfile, '600', 'FROM x\n'],
    ]);
    expect(new Set(found.map(({ rest }) => rest))).toEqual(new Set(['0:0 1980-01-02T00:00:00.000Z']));
    expect(context.fault()).toBeUndefined();
    expect(context.giveUp()).toBe(true);
  });

  it('is the same bytes whenever it is sent', async () => {
    const make = () =>
      sendContext(rendered(text(`${'long/'.repeat(60)}name`), file('x', Buffer.alloc(300_000, 7))), []);
    const digest = async () =>
      createHash('sha256')
        .update(await all(make()))
        .digest('hex');
    expect(await digest()).toBe(await digest());
  });

  it('finds names that no file has', async () => {
    const context = sendContext(rendered(text('.rebake.dockerfile'), text('.rebake.secret-0')), [
      { id: 'a', bytes: new Uint8Array() },
    ]);
    expect([context.dockerfile, ...context.secrets]).toEqual(['.rebake.dockerfile_', 'id=a,src=.rebake.secret-0_']);
    expect((await entries(context)).at(-1)).toMatchObject({ name: '.rebake.dockerfile_', text: 'FROM x\n' });
  });
});

describe('a context that may not be built', () => {
  it.each([
    ['other', 'as planneD'],
    ['longer', 'as planned, and more'],
    ['shorter', ''],
  ])('because a file moved (%s) ends soon, whole, and without secrets and Dockerfile', async (_how, now) => {
    const moved = file('moved.txt', 'as planned');
    writeFileSync(join(root, 'moved.txt'), now);
    const context = sendContext(rendered(text('first'), moved, text('never')), [{ id: 'a', bytes: Buffer.from('s') }]);
    expect((await entries(context)).map(({ name }) => name)).toEqual(['first', 'moved.txt']);
    expect(context.fault()).toMatchObject({ error: { code: 'INPUT_MOVED' } });
    expect(context.giveUp()).toBe(false);
  });

  it('because a file is gone says so', async () => {
    const gone = file('gone.txt', 'x');
    rmSync(join(root, 'gone.txt'));
    const context = sendContext(rendered(gone), []);
    expect((await entries(context)).map(({ name }) => name)).toEqual(['gone.txt']);
    expect(context.fault()).toMatchObject({ error: { code: 'INPUT_MOVED' } });
  });

  it('because nobody wants it any more is filled up to its end', async () => {
    const context = sendContext(rendered(file('big', Buffer.alloc(30_000_000, 1)), text('never')), []);
    let bytes = 0;
    for await (const chunk of context.body) {
      if (bytes === 0) expect(context.giveUp()).toBe(false);
      bytes += chunk.length;
    }
    expect(bytes).toBeGreaterThan(30_000_000);
    expect(bytes).toBeLessThan(30_010_000);
    expect(context.fault()).toBeUndefined();
  });

  it('is let go of when its reader stops', async () => {
    const context = sendContext(rendered(file('big', Buffer.alloc(30_000_000, 1))), []);
    for await (const _chunk of context.body) break;
    expect(context.fault()).toBeUndefined();
  });
});

/** A layout as the other side of a build sees it: read in parts, written, gone on with, and written by several at once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { digestOfBytes, openLayout } from '@rebake/image';
import type { TestContext } from 'vitest';
import { describe, expect, it } from 'vitest';
import { serveContent } from '../src/content-service.ts';
import {
  AbortRequestSchema,
  InfoRequestSchema,
  InfoResponseSchema,
  ListStatusesRequestSchema,
  ListStatusesResponseSchema,
  ReadContentRequestSchema,
  ReadContentResponseSchema,
  StatusRequestSchema,
  StatusResponseSchema,
  WriteAction,
  WriteContentRequestSchema,
  WriteContentResponseSchema,
} from '../src/generated/content_pb.ts';
import { GrpcCode } from '../src/status.ts';
import { conversation, pair } from './pair.ts';

const SERVICE = '/containerd.services.content.v1.Content';
const INFO = { path: `${SERVICE}/Info`, request: InfoRequestSchema, answer: InfoResponseSchema } as const;
const READ = { path: `${SERVICE}/Read`, request: ReadContentRequestSchema, answer: ReadContentResponseSchema } as const;
const STATUS = { path: `${SERVICE}/Status`, request: StatusRequestSchema, answer: StatusResponseSchema } as const;
const LIST = {
  path: `${SERVICE}/ListStatuses`,
  request: ListStatusesRequestSchema,
  answer: ListStatusesResponseSchema,
} as const;
const WRITE = {
  path: `${SERVICE}/Write`,
  request: WriteContentRequestSchema,
  answer: WriteContentResponseSchema,
} as const;
const ABORT = { path: `${SERVICE}/Abort`, request: AbortRequestSchema, answer: EmptySchema } as const;

const { STAT, WRITE: APPEND, COMMIT } = WriteAction;
const EXPORT = { 'buildkit-attachable-store-id': 'export' };
const BLOB = Buffer.from('0123456789');
const DIGEST = digestOfBytes(BLOB);

/** A served layout, and who talks to it: of the store for reading, or of the one for writing. */
async function served(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'rebake-buildkit-client-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  const layout = openLayout(join(folder, 'layout'));
  const handlers = Object.fromEntries(serveContent({ sources: { images: layout }, target: layout }));
  const { channel, faults } = await pair(context, handlers);
  const reading = (id = 'oci:images') => ({ 'buildkit-attachable-store-id': id });
  const stored = () => layout.write({ digest: DIGEST }, chunks(BLOB));
  return { channel, faults, layout, reading, stored };
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const rejected = (code: number) => expect.objectContaining({ name: 'GrpcError', code }) as Error;

describe('reading', () => {
  it('gives sizes, and bytes in the ranges that are asked for', async (context) => {
    const { channel, reading, stored } = await served(context);
    await stored();
    const info = await conversation(channel, INFO, reading());
    expect((await info.ask({ digest: DIGEST }))?.info).toMatchObject({ digest: DIGEST, size: 10n });
    const ranges = [
      [0n, 0n, '0123456789'],
      [3n, 4n, '3456'],
      [8n, 100n, '89'],
      [10n, 5n, ''],
    ] as const;
    for (const [offset, size, text] of ranges) {
      const read = await conversation(channel, READ, reading());
      read.say({ digest: DIGEST, offset, size });
      const answers = await read.rest();
      expect(Buffer.concat(answers.map(({ data }) => data)).toString()).toBe(text);
    }
  });

  it('says no to what is not there, to what is none, and to stores that nobody offered', async (context) => {
    const { channel, reading, stored } = await served(context);
    await stored();
    const asking = async (digest: string, headers: Record<string, string>) =>
      (await conversation(channel, INFO, headers)).ask({ digest });
    const missing = digestOfBytes('nothing');
    await expect(asking(missing, reading())).rejects.toEqual(rejected(GrpcCode.notFound));
    await expect(asking('sha256:../../etc/passwd', reading())).rejects.toEqual(rejected(GrpcCode.invalidArgument));
    await expect(asking(DIGEST, reading('oci:other'))).rejects.toEqual(rejected(GrpcCode.notFound));
    await expect(asking(DIGEST, {})).rejects.toEqual(rejected(GrpcCode.invalidArgument));
    const read = await conversation(channel, READ, reading());
    await expect(read.ask({ digest: DIGEST, offset: 11n })).rejects.toEqual(rejected(GrpcCode.outOfRange));
  });
});

describe('writing', () => {
  it('goes message by message, and ends with the blob', async (context) => {
    const { channel, layout } = await served(context);
    const write = await conversation(channel, WRITE, EXPORT);
    expect(await write.ask({ action: STAT, ref: 'layer-1', total: 10n, expected: DIGEST })).toMatchObject({
      offset: 0n,
    });
    expect(await write.ask({ action: APPEND, data: BLOB.subarray(0, 4) })).toMatchObject({ offset: 4n });
    expect(await write.ask({ action: APPEND, offset: 4n, data: BLOB.subarray(4) })).toMatchObject({ offset: 10n });
    expect(await write.ask({ action: COMMIT, offset: 10n, total: 10n, expected: DIGEST })).toMatchObject({
      action: COMMIT,
      offset: 10n,
      digest: DIGEST,
    });
    expect(await write.rest()).toEqual([]);
    expect(await layout.has(DIGEST)).toBe(10);
    expect(layout.writes()).toEqual([]);
  });

  it('is refused for a blob that is there, before a byte of it is sent', async (context) => {
    const { channel, layout, stored } = await served(context);
    await stored();
    const write = await conversation(channel, WRITE, EXPORT);
    await expect(write.ask({ action: STAT, ref: 'layer-1', expected: DIGEST })).rejects.toEqual(
      rejected(GrpcCode.alreadyExists),
    );
    expect(layout.writes()).toEqual([]);
  });

  it('goes on where a call ended that was left', async (context) => {
    const { channel, layout } = await served(context);
    const left = await conversation(channel, WRITE, EXPORT);
    await left.ask({ action: STAT, ref: 'layer-1' });
    await left.ask({ action: APPEND, data: BLOB.subarray(0, 6) });
    await left.leave();
    await expect.poll(() => layout.writes().map(({ isOpen }) => isOpen)).toEqual([false]);
    const status = await conversation(channel, STATUS, EXPORT);
    expect((await status.ask({ ref: 'layer-1' }))?.status).toMatchObject({ ref: 'layer-1', offset: 6n });
    const list = await conversation(channel, LIST, EXPORT);
    expect((await list.ask({}))?.statuses).toMatchObject([{ ref: 'layer-1', offset: 6n }]);

    const next = await conversation(channel, WRITE, EXPORT);
    expect(await next.ask({ action: STAT, ref: 'layer-1' })).toMatchObject({ offset: 6n });
    await next.ask({ action: APPEND, offset: 6n, data: BLOB.subarray(6) });
    expect(await next.ask({ action: COMMIT, offset: 10n, expected: DIGEST })).toMatchObject({ digest: DIGEST });
  });

  it('begins again at offset 0, and nowhere else than where it is', async (context) => {
    const { channel, layout } = await served(context);
    const write = await conversation(channel, WRITE, EXPORT);
    await write.ask({ action: STAT, ref: 'layer-1' });
    await write.ask({ action: APPEND, data: Buffer.from('wrong') });
    expect(await write.ask({ action: APPEND, offset: 0n, data: BLOB })).toMatchObject({ offset: 10n });
    await expect(write.ask({ action: APPEND, offset: 3n, data: BLOB })).rejects.toEqual(rejected(GrpcCode.outOfRange));
    expect(layout.writes()).toMatchObject([{ offset: 10 }]);
  });

  it('of other bytes than those that were promised stores nothing', async (context) => {
    const { channel, faults, layout } = await served(context);
    const write = await conversation(channel, WRITE, EXPORT);
    await write.ask({ action: STAT, ref: 'layer-1' });
    await write.ask({ action: APPEND, data: Buffer.from('other') });
    await expect(write.ask({ action: COMMIT, offset: 5n, expected: DIGEST })).rejects.toEqual(
      rejected(GrpcCode.failedPrecondition),
    );
    expect(await layout.has(DIGEST)).toBeNull();
    expect(faults).toEqual([]);
  });

  it('under a name that somebody writes under is to be tried again', async (context) => {
    const { channel } = await served(context);
    const first = await conversation(channel, WRITE, EXPORT);
    await first.ask({ action: STAT, ref: 'layer-1' });
    const second = await conversation(channel, WRITE, EXPORT);
    await expect(second.ask({ action: STAT, ref: 'layer-1' })).rejects.toEqual(rejected(GrpcCode.unavailable));
  });

  it('can be ended for good', async (context) => {
    const { channel, layout } = await served(context);
    const left = await conversation(channel, WRITE, EXPORT);
    await left.ask({ action: STAT, ref: 'layer-1' });
    await left.leave();
    await expect.poll(() => layout.writes().map(({ isOpen }) => isOpen)).toEqual([false]);
    await (await conversation(channel, ABORT, EXPORT)).ask({ ref: 'layer-1' });
    expect(layout.writes()).toEqual([]);
    const again = await conversation(channel, ABORT, EXPORT);
    await expect(again.ask({ ref: 'layer-1' })).rejects.toEqual(rejected(GrpcCode.notFound));
  });

  it('is for the target alone, and needs a name', async (context) => {
    const { channel, reading } = await served(context);
    const source = await conversation(channel, WRITE, reading());
    await expect(source.ask({ action: STAT, ref: 'layer-1' })).rejects.toEqual(rejected(GrpcCode.permissionDenied));
    const nameless = await conversation(channel, WRITE, EXPORT);
    await expect(nameless.ask({ action: STAT })).rejects.toEqual(rejected(GrpcCode.invalidArgument));
  });
});

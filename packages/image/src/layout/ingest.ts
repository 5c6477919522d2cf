/** The writes of this process: by a name that can be gone on with, or whole blobs at once. */
import { rm } from 'node:fs/promises';
import type { Blobs } from './blobs.ts';
import { inLayout, passing } from './errors.ts';
import type { Place } from './place.ts';
import type { BlobWriter, ExpectedBlob, WriteStatus } from './types.ts';
import { begin, takeWriter, type Begun } from './writer.ts';

export interface Ingest {
  write(expected: ExpectedBlob, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  beginWrite(ref: string): Promise<BlobWriter>;
  writes(): readonly WriteStatus[];
  abortWrite(ref: string): Promise<boolean>;
}

export function createIngest(place: Place, blobs: Blobs): Ingest {
  const begun = new Map<string, Begun>();

  async function openWriter(state: Begun): Promise<BlobWriter> {
    const { writer, opened } = takeWriter(place, state, () => {
      if (begun.get(state.ref) === state) begun.delete(state.ref);
    });
    await opened;
    return writer;
  }

  return {
    async beginWrite(ref) {
      const state = begun.get(ref) ?? begin(ref, place.temporary());
      if (state.writer !== null) throw passing('BLOB_BUSY', `${JSON.stringify(ref.slice(0, 200))} is being written`);
      begun.set(ref, state);
      return openWriter(state);
    },

    writes: () =>
      [...begun.values()].map(({ ref, offset, startedAt, updatedAt, writer }) => ({
        ref,
        offset,
        startedAt,
        updatedAt,
        isOpen: writer !== null,
      })),

    async abortWrite(ref) {
      const state = begun.get(ref);
      if (state === undefined) return false;
      begun.delete(ref);
      if (state.writer !== null) await state.writer.abort();
      else await inLayout(place.dir, async () => rm(state.path, { force: true }));
      return true;
    },

    async write(expected, bytes) {
      if (await blobs.claim([expected])) return;
      const writer = await openWriter(begin(`blob ${expected.digest}`, place.temporary()));
      try {
        for await (const chunk of bytes) {
          await writer.append(chunk);
          if (expected.size !== undefined && writer.offset > expected.size) break;
        }
        await writer.commit(expected);
      } catch (error) {
        await writer.abort();
        throw error;
      }
    },
  };
}

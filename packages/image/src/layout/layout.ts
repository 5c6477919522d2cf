/** Opens an image layout: puts its parts together, and turns what goes wrong in them into failures. */
import { resolve as absolute } from 'node:path';
import { MEDIA_TYPES } from '../oci/documents.ts';
import { createBlobs, missing } from './blobs.ts';
import { failure, inLayout } from './errors.ts';
import { missingPart, pointerOf, readImage } from './image.ts';
import { createIngest } from './ingest.ts';
import { linkBlob } from './link.ts';
import { checkName, readNames, writeName } from './names.ts';
import { createPlace } from './place.ts';
import { sweep } from './sweep.ts';
import type { Layout, LayoutOptions } from './types.ts';

const PATIENCE_MS = 60_000;

/**
 * Opens a directory as an OCI image layout. Nothing is read or made before the first call; the first one that writes makes the layout where
 * there is none. A directory that holds something else is refused with `LAYOUT_INVALID`.
 */
export function openLayout(dir: string, options: LayoutOptions = {}): Layout {
  const place = createPlace(absolute(dir), options.patienceMs ?? PATIENCE_MS);
  const blobs = createBlobs(place);
  const ingest = createIngest(place, blobs);

  const names = async () => inLayout(place.dir, async () => ((await place.exists()) ? readNames(place) : new Map()));

  /** Changes something with the lock, where there is a layout; else there is nothing to change. */
  async function change<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    return inLayout(place.dir, async () => {
      if (!(await place.exists())) return otherwise;
      await place.ready();
      return place.lock.use(work);
    });
  }

  return {
    dir: place.dir,
    id: async () => place.id(),

    async has(digest) {
      if (!(await blobs.claim([{ digest }]))) return null;
      return inLayout(place.dir, async () => (await blobs.facts(digest))?.size ?? null);
    },
    read: (digest, range) => blobs.read(digest, range),
    readDocument: async (digest, maxBytes) => blobs.readDocument(digest, maxBytes),

    write: async (expected, bytes) => ingest.write(expected, bytes),
    beginWrite: async (ref) => ingest.beginWrite(ref),
    link: async (expected, path) => linkBlob(place, blobs, expected, path),
    writes: () => ingest.writes(),
    abortWrite: async (ref) => ingest.abortWrite(ref),

    async name(name, target) {
      checkName(name);
      if (!Object.hasOwn(MEDIA_TYPES, target.mediaType)) {
        // A sweep looks into what it knows: the parts of anything else would not be in use.
        throw failure('LAYOUT_INVALID', `${place.dir}: ${JSON.stringify(target.mediaType)} names no image`);
      }
      await inLayout(place.dir, async () => {
        await place.ready();
        await place.lock.use(async () => {
          const absent = await missingPart(blobs, target);
          if (absent !== null) throw missing(place.dir, absent);
          await writeName(place, name, target);
        });
      });
    },

    resolve: async (name) => (await names()).get(name) ?? null,
    unname: async (name) => change(async () => writeName(place, name, null), false),
    names,

    async image(reference, platform) {
      const top = pointerOf(reference, await names());
      if (top === null) return null;
      return inLayout(place.dir, async () => readImage(blobs, top, `${place.dir}: ${reference}`, platform));
    },

    async sweep(how) {
      const { olderThanMs } = how;
      if (!(olderThanMs >= 0)) throw new RangeError(`an age of ${olderThanMs} ms`);
      return change(async () => sweep(place, blobs, how), { blobs: 0, temporaries: 0, bytes: 0 });
    },
  };
}

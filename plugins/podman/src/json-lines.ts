/** Answers that come bit by bit: JSON objects, one a line, of which every field is checked. */
import { isRecord, readRecords } from '@rebake/sdk/building';

/** What matters of a line, whatever it is about. */
export interface PodmanLine {
  /** Text for people: of the engine, or of what runs in a build. */
  readonly stream?: string;
  /** Why it failed; nothing useful comes after it. */
  readonly error?: string;
  /** Digest of a manifest, at the end of a push (Podman 4.6 and later). */
  readonly manifest?: string;
  /** Ids of images, at the end of a pull. */
  readonly images?: readonly string[];
}

/** A longer line is none of Podman's. */
const LONGEST = 4 * 1024 * 1024;

/** Reads lines to the end of the stream. Lines that are no objects are passed over. */
export async function* readJsonLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<PodmanLine, void> {
  for await (const { stream: text, error, errorDetail, manifestdigest, images } of readRecords(stream, LONGEST)) {
    const { message } = isRecord(errorDetail) ? errorDetail : {};
    const failed = isText(message) ? message : error;
    yield {
      ...(isText(text) ? { stream: text } : {}),
      ...(isText(failed) ? { error: failed } : {}),
      ...(isText(manifestdigest) ? { manifest: manifestdigest } : {}),
      ...(Array.isArray(images) ? { images: images.filter(isText) } : {}),
    };
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Answers that come bit by bit: JSON objects, one a line, of which every field is checked. */

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
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST) throw new Error('a line without end');
    for (const line of lines) yield* parse(line);
  }
  yield* parse(rest);
}

function parse(text: string): PodmanLine[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isRecord(value)) return [];
  const { stream, error, errorDetail, manifestdigest, images } = value;
  const { message } = isRecord(errorDetail) ? errorDetail : {};
  const failed = isText(message) ? message : error;
  return [
    {
      ...(isText(stream) ? { stream } : {}),
      ...(isText(failed) ? { error: failed } : {}),
      ...(isText(manifestdigest) ? { manifest: manifestdigest } : {}),
      ...(Array.isArray(images) ? { images: images.filter(isText) } : {}),
    },
  ];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

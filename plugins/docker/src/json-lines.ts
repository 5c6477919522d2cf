/** The progress of a pull or push: JSON objects, one a line, of which every field is checked. */

/** What matters of a line. */
export interface EngineLine {
  /** Layer, or tag, that it is about. */
  readonly id?: string;
  readonly status?: string;
  readonly current?: number;
  readonly total?: number;
  /** Why the transfer failed; nothing useful comes after it. */
  readonly error?: string;
  /** Said at the end of a push. */
  readonly digest?: string;
}

/** A longer line is no progress of Docker's. */
const LONGEST = 1024 * 1024;

/** Reads lines to the end of the stream. Lines that are no objects are passed over. */
export async function* readJsonLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<EngineLine, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST) throw new Error('a line of progress without end');
    for (const line of lines) yield* parse(line);
  }
  yield* parse(rest);
}

function parse(text: string): EngineLine[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isRecord(value)) return [];
  const { id, status, error, errorDetail, progressDetail, aux } = value;
  const { current, total } = isRecord(progressDetail) ? progressDetail : {};
  const { message } = isRecord(errorDetail) ? errorDetail : {};
  const { Digest: digest } = isRecord(aux) ? aux : {};
  const failed = typeof message === 'string' ? message : error;
  return [
    {
      ...(typeof id === 'string' ? { id } : {}),
      ...(typeof status === 'string' ? { status } : {}),
      ...(Number.isSafeInteger(current) ? { current: current as number } : {}),
      ...(Number.isSafeInteger(total) ? { total: total as number } : {}),
      ...(typeof failed === 'string' ? { error: failed } : {}),
      ...(typeof digest === 'string' ? { digest } : {}),
    },
  ];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

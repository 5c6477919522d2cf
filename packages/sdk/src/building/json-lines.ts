/** Answers of engines that come bit by bit: JSON objects, one a line. */

/** Whether a value of a JSON document is an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads objects to the end of the stream; lines that are none are passed over. Rejects at a line of more than `longest` characters, which is no engine's. */
export async function* readRecords(
  stream: AsyncIterable<Uint8Array>,
  longest: number,
): AsyncGenerator<Readonly<Record<string, unknown>>, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longest) throw new Error('a line of progress without end');
    for (const line of lines) yield* parse(line);
  }
  yield* parse(rest);
}

function parse(text: string): Readonly<Record<string, unknown>>[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  return isRecord(value) ? [value] : [];
}

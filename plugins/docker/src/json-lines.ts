/** The progress of a pull or push: JSON objects, one a line, of which every field is checked. */
import { isRecord, readRecords } from '@rebake/sdk/building';

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
  for await (const { id, status, error, errorDetail, progressDetail, aux } of readRecords(stream, LONGEST)) {
    const { current, total } = isRecord(progressDetail) ? progressDetail : {};
    const { message } = isRecord(errorDetail) ? errorDetail : {};
    const { Digest: digest } = isRecord(aux) ? aux : {};
    const failed = typeof message === 'string' ? message : error;
    yield {
      ...(typeof id === 'string' ? { id } : {}),
      ...(typeof status === 'string' ? { status } : {}),
      ...(Number.isSafeInteger(current) ? { current: current as number } : {}),
      ...(Number.isSafeInteger(total) ? { total: total as number } : {}),
      ...(typeof failed === 'string' ? { error: failed } : {}),
      ...(typeof digest === 'string' ? { digest } : {}),
    };
  }
}

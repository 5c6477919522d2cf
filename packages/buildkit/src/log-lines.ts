/** Bytes of a process as lines of text: characters cut in two are put together again, and nothing in them can drive a terminal. */
import { shownLine } from '@rebake/sdk/building';

/** A longer line is cut into pieces, so that a process without line ends cannot fill the memory. */
const LONGEST = 8_192;

/** One stream of a process. */
export class LogLines {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** Takes the next bytes and returns the lines that are whole by now. */
  push(bytes: Uint8Array): string[] {
    return this.#cut(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The rest, when nothing more comes. */
  end(): string[] {
    const lines = this.#cut(this.#decoder.decode());
    if (this.#rest !== '') lines.push(shownLine(this.#rest));
    this.#rest = '';
    return lines;
  }

  #cut(text: string): string[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    while (this.#rest.length > LONGEST) {
      lines.push(this.#rest.slice(0, LONGEST));
      this.#rest = this.#rest.slice(LONGEST);
    }
    return lines.map(shownLine);
  }
}

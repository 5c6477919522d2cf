/** Bytes of a process as lines of text: characters cut in two are put together again, and nothing in them can drive a terminal. */
import { stripVTControlCharacters } from 'node:util';

/** A longer line is cut into pieces, so that a process without line ends cannot fill the memory. */
const LONGEST = 8_192;

// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

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
    if (this.#rest !== '') lines.push(clean(this.#rest));
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
    return lines.map(clean);
  }
}

/** What a terminal would show of a line in the end: a carriage return starts it again, as progress bars do. */
function clean(line: string): string {
  const shown = line.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  return stripVTControlCharacters(shown).replaceAll(CONTROL, '');
}

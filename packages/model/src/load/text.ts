/** Reads the text of a config file: UTF-8 or a diagnostic, never a guess. */
import { readFileSync } from 'node:fs';
import type { Diagnostic } from '@rebake/sdk';
import { diagnostic } from '../diagnostic-codes.ts';

/** A text, and the byte order mark before it (empty where there is none), so that it can be written back. */
export interface ConfigText {
  readonly text: string;
  readonly mark: string;
}

const MARK = '\uFEFF';

/** Reads a config file. */
export function readConfigText(file: string): ConfigText | Diagnostic {
  const where = { file, line: 1, column: 1, path: '' };
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return diagnostic('CONFIG_UNREADABLE', `The declaration cannot be read (${code})`, where);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.startsWith(MARK) ? { text: text.slice(MARK.length), mark: MARK } : { text, mark: '' };
  } catch {
    return diagnostic('CONFIG_UNREADABLE', 'The declaration is no text in UTF-8', where);
  }
}

/** Files of a data directory: small ones only, and none that lies elsewhere by a link. */
import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { join, sep } from 'node:path';
import { BuildFailure } from '@rebake/image';
import type { Json, JsonObject } from './reading.ts';
import { isObject } from './settings.ts';

const MIB = 1024 * 1024;
/** Bytes of all files together: what is read stays in memory. */
const ALL = 256 * MIB;
/** Entries of one folder. */
const ENTRIES = 5000;

/** How large a file may be, in bytes. */
export const LIMITS = { small: MIB, settings: 32 * MIB } as const;

/** Reads below one folder. What cannot be read is put down in `missing`, and read as if it were not there. */
export class DataDirFiles {
  readonly #root: string;
  #left = ALL;
  readonly #missing: string[] = [];

  private constructor(root: string) {
    this.#root = root;
  }

  /** Rejects with a `BuildFailure` where there is no such folder. */
  static async open(dir: string): Promise<DataDirFiles> {
    try {
      const root = await realpath(dir);
      await readdir(root);
      return new DataDirFiles(root);
    } catch (error) {
      const words = `${quote(dir)} cannot be read as a data directory of DSS (${codeOf(error)})`;
      throw new BuildFailure({ code: 'DSS_DATA_DIR', retry: 'never', words }, { cause: error });
    }
  }

  /** One sentence for each thing that could not be read, in a fixed order. */
  get missing(): readonly string[] {
    return this.#missing.toSorted();
  }

  /** How many there are so far. */
  get missed(): number {
    return this.#missing.length;
  }

  /** Puts down what could not be read; `path` is relative. */
  miss(path: string, words: string): void {
    this.#missing.push(`${quote(path)} ${words}.`);
  }

  /** A file's text; null where there is none, or none that can be read. */
  async text(path: string, limit: number = LIMITS.small): Promise<string | null> {
    const real = await this.#inside(path);
    if (real === null) return null;
    try {
      // Never waits for a pipe's other end, and follows no link that has come since.
      const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        const facts = await file.stat();
        if (!facts.isFile()) return this.#none(path, 'is no file');
        if (facts.size > limit) return this.#none(path, `is larger than ${limit} bytes`);
        if (facts.size > this.#left) return this.#none(path, `was not read: ${ALL} bytes have been read before it`);
        this.#left -= facts.size;
        const bytes = Buffer.alloc(facts.size);
        // Of a file that grows meanwhile, what was there at first.
        let end = 0;
        while (end < bytes.length) {
          const { bytesRead } = await file.read(bytes, end, bytes.length - end, end);
          if (bytesRead === 0) break;
          end += bytesRead;
        }
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end));
      } finally {
        await file.close();
      }
    } catch (error) {
      return this.#none(path, error instanceof TypeError ? 'is not UTF-8' : `cannot be read (${codeOf(error)})`);
    }
  }

  /** A file's JSON; undefined where there is none, or none that can be read. */
  async json(path: string, limit: number = LIMITS.small): Promise<Json | undefined> {
    const text = await this.text(path, limit);
    if (text === null) return undefined;
    try {
      // JSON.parse gives nothing but JSON.
      return JSON.parse(text) as Json;
    } catch {
      // Its own message would quote the file, which may hold secrets.
      this.miss(path, 'is no JSON');
      return undefined;
    }
  }

  /** A file's JSON where it is an object. */
  async object(path: string, limit: number = LIMITS.small): Promise<JsonObject | null> {
    const found = await this.json(path, limit);
    if (found === undefined) return null;
    return isObject(found) ? found : this.#none(path, 'is no JSON object');
  }

  /** Names of the folders in a folder, and of the links, in a fixed order; none where there is no such folder. */
  async folders(path: string): Promise<readonly string[]> {
    return this.#names(path, (entry) => entry.isDirectory() || entry.isSymbolicLink());
  }

  /** Names of the files in a folder, and of the links, in a fixed order; none where there is no such folder. */
  async files(path: string): Promise<readonly string[]> {
    return this.#names(path, (entry) => entry.isFile() || entry.isSymbolicLink());
  }

  async #names(path: string, wanted: (entry: Dirent) => boolean): Promise<readonly string[]> {
    const real = await this.#inside(path);
    if (real === null) return [];
    try {
      const names = (await readdir(real, { withFileTypes: true })).filter(wanted).map(({ name }) => name);
      if (names.length > ENTRIES) this.miss(path, `has more than ${ENTRIES} entries: the others were not read`);
      return names.toSorted().slice(0, ENTRIES);
    } catch (error) {
      this.miss(path, `cannot be read (${codeOf(error)})`);
      return [];
    }
  }

  /** The true place of a path; null where there is nothing, or where a link leads out of the folder. */
  async #inside(path: string): Promise<string | null> {
    try {
      const real = await realpath(join(this.#root, path));
      return real.startsWith(this.#root === sep ? sep : this.#root + sep)
        ? real
        : this.#none(path, 'leads out of the data directory');
    } catch (error) {
      return codeOf(error) === 'ENOENT' ? null : this.#none(path, `cannot be read (${codeOf(error)})`);
    }
  }

  #none(path: string, words: string): null {
    this.miss(path, words);
    return null;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}

/** A name from outside, so that it cannot disturb a terminal, and is not endless. */
function quote(name: string): string {
  return JSON.stringify(name.length > 300 ? `${name.slice(0, 300)}…` : name);
}

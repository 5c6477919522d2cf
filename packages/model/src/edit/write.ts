/** Replaces a file of the user's as a whole or not at all. */
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

/** A text that stands beside its target until it takes its place. It keeps the target's extension and mode, so that it can be run. */
export interface Draft {
  readonly file: string;
  /** Puts it in the target's place. */
  commit(): void;
  /** Removes it, unless it was committed. */
  discard(): void;
}

/** Writes a draft beside a file; a link is followed, so that it stays one. Throws what the file system throws. */
export function writeDraft(target: string, text: string): Draft {
  const real = realpathSync.native(target);
  const file = join(dirname(real), `.rebake-edit-${process.pid}${extname(real)}`);
  const { mode } = statSync(real);
  rmSync(file, { force: true });
  const fd = openSync(file, 'wx', mode & 0o777);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return {
    file,
    commit: () => renameSync(file, real),
    discard: () => rmSync(file, { force: true }),
  };
}

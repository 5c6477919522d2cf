/** For whoever sends files to an engine: they are hashed once more on the way, so that what is built is what was planned. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { BuildFailure, type Digest, type FileSet } from '../types.ts';
import { digestFile } from './hash.ts';
import { FileProblem, fileProblem } from './problem.ts';

/** One file of a build context: bytes from a file of this machine, or a text that rendering made. `path` is relative, POSIX. */
export type ContextFile = { readonly path: string; readonly digest: Digest; readonly exec: boolean } & (
  | { readonly source: string }
  | { readonly text: string }
);

/** Time of every file of a context, in seconds, so that it says nothing about the machine: 2 January 1980, which zip archives can hold in every time zone. */
export const CONTEXT_FILE_TIME = 315_619_200;

/** The failure of a file that is not what was planned. */
function moved(path: string, cause?: unknown): BuildFailure {
  const words = `${path} changed since the plan was made; plan again`;
  return new BuildFailure({ code: 'INPUT_MOVED', retry: 'never', words }, { cause });
}

/**
 * The bytes of a context file, in chunks. After the last one it rejects with `INPUT_MOVED` if they were not those of the digest: whoever
 * has sent them already must then give up what they were sent for.
 */
export async function* readContextFile(file: ContextFile): AsyncGenerator<Uint8Array, void, undefined> {
  if ('text' in file) {
    yield Buffer.from(file.text);
    return;
  }
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file.source)) {
      const bytes = chunk as Buffer;
      hash.update(bytes);
      yield bytes;
    }
  } catch (error) {
    const problem = fileProblem(error, file.source);
    throw problem instanceof FileProblem ? moved(file.source, problem) : problem;
  }
  if (`sha256:${hash.digest('hex')}` !== file.digest) throw moved(file.source);
}

/** Hashes all files of a set again; rejects with `INPUT_MOVED` at the first that differs or is gone. */
export async function verifyFileSet(set: FileSet): Promise<void> {
  for (const { path, digest, from = path } of set.files) {
    const source = join(set.root, from);
    let now: Digest;
    try {
      now = await digestFile(source);
    } catch (error) {
      throw error instanceof FileProblem ? moved(source, error) : error;
    }
    if (now !== digest) throw moved(source);
  }
}

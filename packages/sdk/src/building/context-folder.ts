/** A rendered Dockerfile with its context as a folder, for builders that drive a command. */
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CONTEXT_FILE_TIME, readContextFile } from '@rebake/image';
import type { RenderedDockerfile } from '@rebake/image';

/** Where a context was written. */
export interface ContextFolder {
  /** The Dockerfile; it lies outside of the context, so that no COPY catches it. */
  readonly dockerfile: string;
  /** Names files of the context that do not count: none, whatever a `.dockerignore` among them says. */
  readonly ignoreFile: string;
  readonly context: string;
}

/** Writes a Dockerfile and its context below `folder`. Rejects with `INPUT_MOVED` where a file is not what was planned. */
export async function writeContext(rendered: RenderedDockerfile, folder: string): Promise<ContextFolder> {
  const context = join(folder, 'context');
  const dockerfile = join(folder, 'Dockerfile');
  const ignoreFile = join(folder, 'Dockerfile.dockerignore');
  await mkdir(context);
  await writeFile(dockerfile, rendered.dockerfile);
  await writeFile(ignoreFile, rendered.dockerignore);
  const folders = new Set([context]);
  for (const file of rendered.files) {
    const path = join(context, file.path);
    for (let above = dirname(path); !folders.has(above); above = dirname(above)) folders.add(above);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(readContextFile(file), createWriteStream(path, { flags: 'wx' }));
    await chmod(path, file.exec ? 0o755 : 0o644);
    await utimes(path, CONTEXT_FILE_TIME, CONTEXT_FILE_TIME);
  }
  for (const path of folders) {
    await chmod(path, 0o755);
    await utimes(path, CONTEXT_FILE_TIME, CONTEXT_FILE_TIME);
  }
  return { dockerfile, ignoreFile, context };
}

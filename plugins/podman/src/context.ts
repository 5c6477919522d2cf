/**
 * The context of a build as a tar, packed while it is sent. Podman cleans up after a request that came to its end, and (before 5.1) not after one
 * that broke off: so a context that may not be built is sent to its end all the same, and ends without the Dockerfile.
 */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CONTEXT_FILE_TIME, readContextFile } from '@rebake/image';
import type { ContextFile, RenderedDockerfile } from '@rebake/image';
import { createTarPacker } from 'modern-tar';
import type { TarHeader } from 'modern-tar';

const FILE_TIME = new Date(CONTEXT_FILE_TIME * 1_000);

/** A file for the build alone: Podman takes it out of the context before anything is copied. */
export interface SentSecret {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A context that is being sent. */
export interface SentContext {
  /** Of the Dockerfile, in the context; to be excluded from it, so that no COPY catches it. */
  readonly dockerfile: string;
  /** What the parameter `secrets` says: where each is in the context. */
  readonly secrets: readonly string[];
  /** The tar; can be read once. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the tar soon, and without the Dockerfile, if that has not been sent. Returns whether it has. */
  giveUp(): boolean;
  /** Why it was ended so: a file that is not what was planned. */
  fault(): unknown;
}

const ZEROS = new Uint8Array(64 * 1024);

/** Sets a context up; reads nothing yet. */
export function sendContext(rendered: RenderedDockerfile, secrets: readonly SentSecret[]): SentContext {
  const taken = new Set(rendered.files.map(({ path }) => path));
  const free = (name: string): string => (taken.has(name) ? free(`${name}_`) : name);
  const dockerfile = free('.rebake.dockerfile');
  const sent = secrets.map(({ id, bytes }, index) => ({ id, bytes, path: free(`.rebake.secret-${index}`) }));
  let state: 'open' | 'given up' | 'complete' = 'open';
  let fault: unknown;

  async function* chunks(file: ContextFile): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of readContextFile(file)) {
        if (state !== 'open') return;
        yield chunk;
      }
    } catch (error) {
      state = 'given up';
      fault = error;
    }
  }

  async function fill({ controller }: ReturnType<typeof createTarPacker>): Promise<void> {
    for (const folder of foldersOf(rendered.files)) {
      await addEntry(controller, { name: `${folder}/`, type: 'directory', size: 0, mode: 0o755 }, []);
    }
    for (const file of rendered.files) {
      const size = 'text' in file ? Buffer.byteLength(file.text) : await sizeOf(file.source);
      await addEntry(controller, { name: file.path, size, mode: file.exec ? 0o755 : 0o644 }, chunks(file));
      if (state !== 'open') break;
    }
    // Late, so that little is sent after them: a request that breaks off leaves behind what came of it.
    for (const { path, bytes } of state === 'open' ? sent : [])
      await addEntry(controller, { name: path, size: bytes.length, mode: 0o600 }, [bytes]);
    if (state === 'open') {
      state = 'complete';
      const text = Buffer.from(rendered.dockerfile);
      await addEntry(controller, { name: dockerfile, size: text.length, mode: 0o600 }, [text]);
    }
    controller.finalize();
  }

  return {
    dockerfile,
    secrets: sent.map(({ id, path }) => `id=${id},src=${path}`),
    body: {
      async *[Symbol.asyncIterator]() {
        const packer = createTarPacker();
        // Its failures are the stream's.
        fill(packer).catch((error: unknown) => packer.controller.error(error as Error));
        yield* packer.readable;
      },
    },
    giveUp() {
      if (state === 'open') state = 'given up';
      return state === 'complete';
    },
    fault: () => fault,
  };
}

type Controller = ReturnType<typeof createTarPacker>['controller'];

/** Adds an entry of exactly the size that its header says: what is too long is cut off, what is too short ends in zeros. */
async function addEntry(
  controller: Controller,
  header: TarHeader,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const { name, size } = header;
  // Names in other letters have a place of their own in the format; in the usual one, their encoding is anybody's guess.
  const pax = /^[\x20-\x7e]*$/.test(name) ? {} : { pax: { path: name } };
  const writer = controller
    .add({ ...header, ...pax, uid: 0, gid: 0, uname: '', gname: '', mtime: FILE_TIME })
    .getWriter();
  let left = size;
  for await (const chunk of body) {
    const part = chunk.subarray(0, left);
    if (part.length > 0) await writer.write(part);
    left -= part.length;
  }
  for (; left > 0; left -= ZEROS.length) await writer.write(ZEROS.subarray(0, left));
  await writer.close();
}

/** Size of a file, or 0: reading it will say what is wrong with it. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

/** Parents before what is in them. */
function foldersOf(files: readonly ContextFile[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const { path } of files) {
    const above: string[] = [];
    for (let folder = dirname(path); folder !== '.' && !folders.has(folder); folder = dirname(folder))
      above.push(folder);
    for (const folder of above.toReversed()) folders.add(folder);
  }
  return folders;
}

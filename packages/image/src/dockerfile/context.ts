/** The build context that goes with a Dockerfile: files of the user where their COPY lines expect them, all others below `.rebake/`. */
import { join } from 'node:path';
import { compareBytes } from '../canonical.ts';
import { digestOf, digestOfBytes } from '../digest.ts';
import type { ContextFile } from '../files/send.ts';
import type { Digest, FileEntry, FileSet } from '../types.ts';
import { invalid } from './quote.ts';

/** Folder of the context that is the renderer's own. */
const OWN = '.rebake';
/** Digits of a digest that tell folders of one context, and of one engine's cache, apart. */
const DIGITS = 16;

/** Collects the files of a context while a Dockerfile is rendered. */
export interface Context {
  /** Files of a user's own instructions, at their own paths. */
  addAtOwnPaths(files: FileSet): void;
  /**
   * Files of a step in a folder of their own, which is named after the step and by their contents; returns it. So another content is another
   * instruction: Podman and Buildah (1.28) know a RUN again by its text alone, whatever is in the folders that are mounted into it.
   */
  add(step: string, parts: { readonly texts?: Readonly<Record<string, string>>; readonly files?: FileSet }): string;
  /** One file of a step under a name of our choice, in a folder as of {@link Context.add}; returns its path. */
  addAs(step: string, name: string, root: string, file: FileEntry): string;
  /** All files, sorted by the bytes of their paths. */
  files(): readonly ContextFile[];
}

export function createContext(): Context {
  const found = new Map<string, ContextFile>();

  function add(file: ContextFile): void {
    checkPath(file.path);
    const before = found.get(file.path);
    if (before !== undefined && (before.digest !== file.digest || before.exec !== file.exec)) {
      throw invalid('the file', file.path, 'is there twice in the build context, with different contents');
    }
    if (before === undefined) found.set(file.path, file);
  }

  return {
    addAtOwnPaths({ root, files }) {
      for (const { path, digest, exec, from = path } of files) {
        if (path === OWN || path.startsWith(`${OWN}/`)) throw invalid('the file', path, 'is where rebake puts its own');
        add({ path, digest, exec, source: join(root, from) });
      }
    },
    add(step, { texts = {}, files: set }) {
      const contents: ContextFile[] = Object.entries(texts).map(([path, text]) => ({
        path,
        digest: digestOfBytes(text),
        exec: false,
        text,
      }));
      for (const { path, digest, exec } of set?.files ?? [])
        contents.push({ path, digest, exec, source: join(set?.root ?? '', path) });
      const folder = folderOf(
        step,
        contents.map(({ path, digest, exec }) => [path, digest, exec]),
      );
      for (const file of contents) add({ ...file, path: `${folder}/${file.path}` });
      return folder;
    },
    addAs(step, name, root, { path, digest, exec }) {
      const folder = folderOf(step, [[name, digest, exec]]);
      add({ path: `${folder}/${name}`, digest, exec, source: join(root, path) });
      return `${folder}/${name}`;
    },
    files: () => [...found.values()].toSorted((a, b) => compareBytes(a.path, b.path)),
  };
}

function folderOf(step: string, contents: readonly (readonly [path: string, digest: Digest, exec: boolean])[]): string {
  const name = digestOf(contents.toSorted(([one], [other]) => compareBytes(one, other)));
  return `${OWN}/${step}-${name.slice('sha256:'.length, 'sha256:'.length + DIGITS)}`;
}

/** Paths come from file sets, which anybody can write down: none may leave the context. */
export function checkPath(path: string): void {
  const isBad = path.includes('\0') || path.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (isBad) throw invalid('the path', path, 'is not a relative path that a build context can have');
}

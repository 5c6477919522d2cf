/** The build context that goes with a Dockerfile: files of the user where their COPY lines expect them, all others below `.rebake/`. */
import { join } from 'node:path';
import { compareBytes } from '../canonical.ts';
import { digestOfBytes } from '../digest.ts';
import type { ContextFile } from '../files/send.ts';
import type { FileSet } from '../types.ts';
import { invalid } from './quote.ts';

/** Folder of the context that is the renderer's own. */
const OWN = '.rebake';

/** Collects the files of a context while a Dockerfile is rendered. */
export interface Context {
  /** Files of a user's own instructions, at their own paths. */
  addAtOwnPaths(files: FileSet): void;
  /** Files of a step below its own folder; returns the folder. */
  addBelow(folder: string, files: FileSet): string;
  /** One file of a step under a name of our choice; returns its path. */
  addAs(folder: string, name: string, files: FileSet): string;
  /** A text of the renderer's own; returns its folder. */
  addText(folder: string, name: string, text: string): string;
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
      for (const { path, digest, exec } of files) {
        if (path === OWN || path.startsWith(`${OWN}/`)) throw invalid('the file', path, 'is where rebake puts its own');
        add({ path, digest, exec, source: join(root, path) });
      }
    },
    addBelow(folder, { root, files }) {
      for (const { path, digest, exec } of files) {
        add({ path: `${OWN}/${folder}/${path}`, digest, exec, source: join(root, path) });
      }
      return `${OWN}/${folder}`;
    },
    addAs(folder, name, { root, files }) {
      const [file, ...more] = files;
      if (file === undefined || more.length > 0)
        throw invalid('the file set of', folder, 'does not hold exactly one file');
      add({ path: `${OWN}/${folder}/${name}`, digest: file.digest, exec: file.exec, source: join(root, file.path) });
      return `${OWN}/${folder}/${name}`;
    },
    addText(folder, name, text) {
      add({ path: `${OWN}/${folder}/${name}`, digest: digestOfBytes(text), exec: false, text });
      return `${OWN}/${folder}`;
    },
    files: () => [...found.values()].toSorted((a, b) => compareBytes(a.path, b.path)),
  };
}

/** Paths come from file sets, which anybody can write down: none may leave the context. */
function checkPath(path: string): void {
  const isBad = path.includes('\0') || path.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (isBad) throw invalid('the path', path, 'is not a relative path that a build context can have');
}

/** Paths in archives: what they may be, and that no two entries of one archive contradict each other. */

/** As Linux has it, in bytes. */
const MAX_PATH = 4095;
const MAX_NAME = 255;
const STRANGE_PART = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** A path of an archive, relative and without detours; or what is wrong with it. `''` is the root. */
export function cleanPath(raw: string): { readonly path: string } | { readonly wrong: string } {
  if (raw.startsWith('/')) return { wrong: 'an absolute path' };
  let path = raw;
  while (path.startsWith('./')) path = path.slice(2).replace(/^\/+/, '');
  if (path.endsWith('/')) path = path.replace(/\/+$/, '');
  if (path === '.') path = '';
  if (path === '') return raw === '' ? { wrong: 'an entry without a name' } : { path };
  if (STRANGE_PART.test(path)) {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) return { wrong: 'a path with ..' };
    path = parts.join('/');
  }
  const wrong = wrongText(path);
  return wrong === null ? { path } : { wrong };
}

/** What is wrong with a path that should be in its final form, such as one of a {@link TreeEntry}; null: nothing. */
export function wrongPath(path: string): string | null {
  if (path.startsWith('/')) return 'an absolute path';
  if (STRANGE_PART.test(path)) return 'a path with empty parts, . or ..';
  return wrongText(path);
}

function wrongText(path: string): string | null {
  if (path.includes('\0') || path.includes('\n')) return 'a path with a line break or a NUL';
  if (!path.isWellFormed()) return 'a path that is not Unicode';
  // No character has more than three bytes a code unit.
  if (path.length * 3 > MAX_PATH && Buffer.byteLength(path) > MAX_PATH) return `a path of more than ${MAX_PATH} bytes`;
  if (path.length * 3 > MAX_NAME && path.split('/').some((part) => Buffer.byteLength(part) > MAX_NAME)) {
    return `a name of more than ${MAX_NAME} bytes`;
  }
  return null;
}

type Kind = 'folder' | 'implied' | 'file' | 'other';

export interface Tree {
  /**
   * Adds an entry; says what is wrong with it after the ones before: it stands there twice, it is below what is no folder (such as a symbolic
   * link that would lead a write elsewhere), or it is a hard link to what is no file. Null: nothing.
   */
  add(path: string, type: string, target: string): string | null;
}

/** `links`: whether hard links have to lead to files of the same archive, or may lead to files below it. */
export function createTree(links: 'within' | 'anywhere'): Tree {
  const kinds = new Map<string, Kind>();

  function folders(path: string): string | null {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      const kind = kinds.get(parent);
      if (kind === 'folder' || kind === 'implied') return null;
      if (kind !== undefined) return `it is below ${JSON.stringify(parent)}, which is no folder`;
      kinds.set(parent, 'implied');
    }
    return null;
  }

  return {
    add(path, type, target) {
      const before = kinds.get(path);
      if (type === 'directory') {
        if (before !== undefined && before !== 'folder' && before !== 'implied') return 'it stands there twice';
        kinds.set(path, 'folder');
        return before === undefined ? folders(path) : null;
      }
      if (before !== undefined) return 'it stands there twice';
      if (type === 'hardlink') {
        const kind = kinds.get(target);
        const isFine = links === 'anywhere' ? kind !== 'folder' && kind !== 'implied' : kind === 'file';
        if (!isFine) return `a hard link to ${JSON.stringify(target)}, which is no file before it`;
      }
      kinds.set(path, type === 'file' || type === 'hardlink' ? 'file' : 'other');
      return folders(path);
    },
  };
}

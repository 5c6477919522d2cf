/** The typed exception of everything that reads files: what is wrong with which path. Callers turn it into diagnostics. */

/**
 * What can be wrong with a file of the user:
 * - `FILE_MISSING`: nothing is there (also a symbolic link that leads nowhere);
 * - `FILE_UNREADABLE`: the operating system refuses;
 * - `FILE_KIND`: a socket, a device, a pipe, or a directory where a file has to be (or the other way round);
 * - `FILE_NOT_TEXT`: a text was asked for, and the bytes are not UTF-8;
 * - `FILE_CHANGED`: the file kept changing while it was hashed;
 * - `PATH_ESCAPES_ROOT`: a symbolic link or `..` leads out of the root;
 * - `PATH_LOOP`: symbolic links go round in a circle;
 * - `PATH_NAME`: a name that cannot be carried to an engine (not UTF-8, or two names that are one in NFC).
 */
export type FileProblemCode =
  | 'FILE_MISSING'
  | 'FILE_UNREADABLE'
  | 'FILE_KIND'
  | 'FILE_NOT_TEXT'
  | 'FILE_CHANGED'
  | 'PATH_ESCAPES_ROOT'
  | 'PATH_LOOP'
  | 'PATH_NAME';

const WORDS: Record<FileProblemCode, string> = {
  FILE_MISSING: 'no such file or directory',
  FILE_UNREADABLE: 'cannot be read',
  FILE_KIND: 'is of the wrong kind (a regular file or a directory is needed)',
  FILE_NOT_TEXT: 'is not UTF-8 text',
  FILE_CHANGED: 'kept changing while it was read',
  PATH_ESCAPES_ROOT: 'leads out of its root directory',
  PATH_LOOP: 'symbolic links lead back to a directory above',
  PATH_NAME: 'has a name that cannot be carried into an image',
};

/** Thrown by the functions that read files. `path` is absolute. */
export class FileProblem extends Error {
  readonly code: FileProblemCode;
  readonly path: string;
  constructor(code: FileProblemCode, path: string, options?: ErrorOptions) {
    super(`${path}: ${WORDS[code]}`, options);
    this.name = 'FileProblem';
    this.code = code;
    this.path = path;
  }
}

/** What a failed system call means; what is no error of the file system is a bug and goes on as it is. */
export function fileProblem(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new FileProblem('FILE_MISSING', path, { cause: error });
    case 'ELOOP':
      return new FileProblem('PATH_LOOP', path, { cause: error });
    case 'EISDIR':
    case 'ENXIO':
      return new FileProblem('FILE_KIND', path, { cause: error });
    case 'EACCES':
    case 'EPERM':
    case 'EIO':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENAMETOOLONG':
      return new FileProblem('FILE_UNREADABLE', path, { cause: error });
    default:
      return error;
  }
}

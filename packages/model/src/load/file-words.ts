/** What the problems of the file hasher are called in diagnostics of a declaration. */
import type { FileProblemCode } from '@rebake/image';
import type { DiagnosticCode } from '../diagnostic-codes.ts';

/** Which diagnostic each problem with a file is. */
export const FILE_CODES: Record<FileProblemCode, DiagnosticCode> = {
  FILE_MISSING: 'FILE_MISSING',
  FILE_UNREADABLE: 'FILE_UNREADABLE',
  FILE_KIND: 'FILE_WRONG_KIND',
  FILE_NOT_TEXT: 'FILE_UNREADABLE',
  FILE_CHANGED: 'FILE_UNREADABLE',
  PATH_ESCAPES_ROOT: 'PATH_ESCAPES_ROOT',
  PATH_LOOP: 'FILE_UNREADABLE',
  PATH_NAME: 'FILE_UNREADABLE',
};

/** What each problem is, after the name of the file. */
export const FILE_WORDS: Record<FileProblemCode, string> = {
  FILE_MISSING: 'does not exist, or is a link that leads nowhere',
  FILE_UNREADABLE: 'cannot be read',
  FILE_KIND: 'is neither a file nor a folder',
  FILE_NOT_TEXT: 'is no text in UTF-8',
  FILE_CHANGED: 'kept changing while it was read',
  PATH_ESCAPES_ROOT: 'is a link that leads out of its folder',
  PATH_LOOP: 'is a link that leads back to a folder above',
  PATH_NAME: 'has a name that cannot be carried into an image',
};

/** What the machine refuses: a state that cannot be used, a disk that is full, a folder that may not be written. No bug, so no stack trace. */
import { BuildFailure, type Diagnostic } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';

/** Codes of system calls on files that a user can mend. */
const FILE_CODES: ReadonlySet<string> = new Set([
  'EACCES',
  'EDQUOT',
  'EEXIST',
  'EIO',
  'EISDIR',
  'EMFILE',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'EPERM',
  'EROFS',
  // What SQLite says of a disk that is full, or of a file system without locks.
  'ERR_SQLITE_ERROR',
]);

/** A refusal that is told already: with its code, and its place in the declaration. */
export class Refused extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(({ message }) => message).join('; '));
    this.diagnostics = diagnostics;
  }
}

/** What a refusal has to say; null for everything else, which is a bug. */
export function refusalDiagnostics(error: unknown): readonly Diagnostic[] | null {
  if (error instanceof Refused) return error.diagnostics;
  const diagnostic = refusalDiagnostic(error);
  return diagnostic === null ? null : [diagnostic];
}

/** The diagnostic for such an error; null for everything else, which is a bug. */
export function refusalDiagnostic(error: unknown): Diagnostic | null {
  if (error instanceof BuildFailure) {
    const { code, words } = error.error;
    return { code, severity: 'error', message: words, where: null, help: 'Mend it, then run the same command again.' };
  }
  if (!(error instanceof Error)) return null;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || !FILE_CODES.has(code)) return null;
  return libraryDiagnostic('FILES_REFUSED', error.message);
}

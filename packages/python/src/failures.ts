/** Failures of this package. None of them passes by itself. */
import { BuildFailure } from '@rebake/image';

export type PythonFailureCode =
  | 'WHEEL_INVALID'
  | 'WHEEL_MISSING'
  | 'SDIST_FAILED'
  | 'SDIST_COMPILES'
  | 'INTERPRETER_MISSING'
  | 'BYTECODE_UNAVAILABLE';

export function failure(code: PythonFailureCode, words: string, cause?: unknown): BuildFailure {
  return new BuildFailure({ code, retry: 'never', words }, cause === undefined ? undefined : { cause });
}

/** The words of what was thrown. */
export function wordsOf(thrown: unknown): string {
  if (thrown instanceof BuildFailure) return thrown.error.words;
  return thrown instanceof Error ? thrown.message : String(thrown);
}

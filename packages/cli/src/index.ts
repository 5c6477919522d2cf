/** The program as a value: for the launcher, for tests and for the generated reference. */
export { EXIT, EXIT_MEANS, type ExitCode } from './exit.ts';
export type { Io } from './io.ts';
export { program, run } from './program.ts';

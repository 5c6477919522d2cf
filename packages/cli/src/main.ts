/** Runs the program on the arguments, streams and signals of this process. */
import { processIo } from './process-io.ts';
import { run } from './program.ts';

/**
 * Runs once. A function, not code of the module: a bundled chunk that is loaded later imports what it shares with this module, and would wait for
 * ever for a module that waits for it.
 */
export async function main(): Promise<void> {
  const streams = processIo();
  try {
    process.exitCode = await run(process.argv.slice(2), streams.io);
  } finally {
    streams.close();
  }
}

/** Runs the program on the arguments, streams and signals of this process. */
import { processIo } from './process-io.ts';
import { run } from './program.ts';

const { io, close } = processIo();
try {
  process.exitCode = await run(process.argv.slice(2), io);
} finally {
  close();
}

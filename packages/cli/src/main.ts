// The command line: builds the program and runs it on the arguments of this process.
import { program } from './index.ts';

await program().parseAsync();

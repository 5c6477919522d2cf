/** `rebake plugin new NAME` */
import { relative, resolve } from 'node:path';
import { Command } from 'commander';
import { newPlugin } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { reportDiagnostics, type GlobalFlags } from './shared.ts';

/** The command, given where its exit code goes. */
export function pluginCommand(io: Io, exit: (code: ExitCode) => void): Command {
  const root = new Command('plugin').description('plugins: builders of your own');
  root
    .command('new')
    .description('make the package of a new builder, with tests that pass')
    .argument('<name>', 'name of the package, such as rebake-builder-acme or @acme/rebake-builder')
    .option('--dir <folder>', 'where to make it (default: the name without its scope)')
    .action(async (name: string, flags: { readonly dir?: string }, command: Command) => {
      const cwd = resolve(io.cwd, command.optsWithGlobals<GlobalFlags>().chdir ?? '.');
      const made = await newPlugin({ cwd, name, ...(flags.dir === undefined ? {} : { folder: flags.dir }) });
      if (made.diagnostics.length > 0) {
        reportDiagnostics(made.diagnostics, io, 'people');
        return exit(EXIT.failed);
      }
      const folder = relative(io.cwd, made.folder) || '.';
      io.out(`Made ${made.files.length} files in ${folder}:\n${made.files.map((file) => `  ${file}\n`).join('')}`);
      io.out(`\nNext:  cd ${folder} && npm install && npm test\n`);
      io.out(`Then name a step in \`probe\` (src/builder.ts): the tests ask for what it says it can.\n`);
      return exit(EXIT.done);
    });
  return root;
}

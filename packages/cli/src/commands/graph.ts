/** `rebake graph` */
import { Command, Option } from 'commander';
import { graph } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { projectOptions, reportDiagnostics } from './shared.ts';

/** The command, given where its exit code goes. */
export function graphCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return new Command('graph')
    .description('print the build graph of the declaration')
    .addOption(
      new Option('--format <format>', 'json, or mermaid for a picture').choices(['json', 'mermaid']).default('json'),
    )
    .action(async (flags: { format: 'json' | 'mermaid' }, command: Command) => {
      const result = await graph({ ...projectOptions(command, io), format: flags.format });
      if (result.text === null) {
        reportDiagnostics(result.diagnostics, io, 'people');
        return exit(EXIT.failed);
      }
      io.out(result.text);
      return exit(EXIT.done);
    });
}

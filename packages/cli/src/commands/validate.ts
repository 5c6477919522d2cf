/** `rebake validate` */
import { Command } from 'commander';
import { validate } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { diagnosticsCount } from '../render/diagnostics.ts';
import { projectOptions, reportDiagnostics } from './shared.ts';

/** The command, given where its exit code goes. */
export function validateCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return new Command('validate')
    .description('say everything that is wrong with the declaration')
    .option('--json', 'diagnostics as JSON')
    .action(async (flags: { json?: true }, command: Command) => {
      const { ok, diagnostics } = await validate(projectOptions(command, io));
      reportDiagnostics(diagnostics, io, flags.json === true ? 'json' : 'people');
      if (flags.json !== true)
        io.out(
          `${ok ? 'The declaration is valid' : 'The declaration is not valid'}: ${diagnosticsCount(diagnostics)}.\n`,
        );
      exit(ok ? EXIT.done : EXIT.failed);
    });
}

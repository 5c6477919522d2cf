/** `rebake import dss` */
import { Command } from 'commander';
import { importDss } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { importJson, importText } from '../render/import.ts';
import { projectOptions, reportDiagnostics } from './shared.ts';

interface Flags {
  readonly dataDir: string;
  readonly name: string;
  readonly out?: string;
  readonly update?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** The command, given where its exit code goes. */
export function importCommand(io: Io, exit: (code: ExitCode) => void): Command {
  const root = new Command('import').description('write what an instance of DSS has as a declaration');
  root
    .command('dss')
    .description('import the data directory of an instance, or compare it with the declaration that is there')
    .requiredOption('--data-dir <dir>', 'data directory of the instance, or a copy of it')
    .option('--name <name>', 'what the instance is called in files', 'dss')
    .option('--out <file>', 'config file to write (default: that of --file, or rebake.yaml)')
    .option('--update', 'let fields that nobody edited by hand take the values of the instance')
    .option('--dry-run', 'write nothing')
    .option('--json', 'what came of it as JSON')
    .action(async (flags: Flags, command: Command) => {
      const options = projectOptions(command, io);
      const result = await importDss({
        ...options,
        dataDir: flags.dataDir,
        name: flags.name,
        out: flags.out ?? options.config ?? 'rebake.yaml',
        update: flags.update === true,
        dryRun: flags.dryRun === true,
      });
      if (result.diagnostics.length > 0) {
        reportDiagnostics(result.diagnostics, io, flags.json === true ? 'json' : 'people');
        return exit(EXIT.failed);
      }
      const told = { update: flags.update === true, dry: flags.dryRun === true };
      io.out(flags.json === true ? importJson(result) : importText(result, told));
      return exit(EXIT.done);
    });
  return root;
}

/** `rebake matrix` */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { libraryDiagnostic, matrix, WORKLOADS } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { matrixCsv, matrixJson } from '../render/matrix-files.ts';
import { matrixHtml } from '../render/matrix-html.ts';
import { matrixText } from '../render/matrix.ts';
import { moment } from '../render/style.ts';
import { projectOptions, reportDiagnostics, withRefresh } from './shared.ts';

interface Flags {
  readonly workload?: string;
  readonly refresh: boolean;
  readonly json?: true;
  readonly csv?: true;
  readonly html?: string;
}

/** The command, given where its exit code goes. */
export function matrixCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return withRefresh(new Command('matrix'))
    .description('show how things stand for every code env on every container config, and why')
    .addOption(new Option('--workload <kind>', 'only what can do this kind of work').choices(WORKLOADS))
    .option('--json', 'the matrix as JSON')
    .option('--csv', 'one line a cell, for spreadsheets')
    .option('--html <file>', 'write a web page that needs nothing else')
    .action(async (flags: Flags, command: Command) => {
      const options = projectOptions(command, io);
      const { matrix: made, diagnostics } = await matrix({
        ...options,
        refresh: flags.refresh ? 'all' : 'none',
        ...(flags.workload === undefined ? {} : { workload: flags.workload }),
      });
      if (made === null) {
        reportDiagnostics(diagnostics, io, flags.json === true ? 'json' : 'people');
        return exit(EXIT.failed);
      }
      if (flags.html !== undefined) {
        const file = resolve(options.cwd, flags.html);
        const now = new Date((io.given?.now ?? Date.now)()).toISOString();
        try {
          writeFileSync(file, matrixHtml(made, moment(now)));
        } catch (error) {
          const words = `${flags.html} cannot be written: ${(error as Error).message}`;
          reportDiagnostics([libraryDiagnostic('FILES_REFUSED', words)], io, 'people');
          return exit(EXIT.failed);
        }
        io.out(`Written: ${flags.html}\n`);
      } else if (flags.json === true) io.out(matrixJson(made));
      else io.out(flags.csv === true ? matrixCsv(made) : matrixText(made, io));
      if (flags.json !== true && flags.csv !== true) reportDiagnostics(diagnostics, io, 'people');
      return exit(EXIT.done);
    });
}

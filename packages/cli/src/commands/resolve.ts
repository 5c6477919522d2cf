/** `rebake resolve`: the image that a run uses. */
import { Command } from 'commander';
import { resolve, WORKLOADS, type ResolveResult } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { diagnosticsText } from '../render/diagnostics.ts';
import { projectOptions, withRefresh } from './shared.ts';

interface Flags {
  readonly env?: string;
  readonly config: string;
  readonly workload: string;
  readonly refresh: boolean;
  readonly json?: true;
}

const CODES: Readonly<Record<ResolveResult['status'], ExitCode>> = {
  found: EXIT.done,
  invalid: EXIT.failed,
  'not-built': EXIT.notBuilt,
  stale: EXIT.outOfDate,
  'not-selected': EXIT.notSelected,
  incompatible: EXIT.incompatible,
  'no-jupyter': EXIT.noJupyter,
  'wrong-language': EXIT.wrongLanguage,
};

/** The command, given where its exit code goes. */
export function resolveCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return withRefresh(new Command('resolve'))
    .description('print the reference of the image that a run uses, with its digest')
    .option('--env <name>', 'code env; without it, the base that the config names')
    .requiredOption('--config <name>', 'container config')
    .option('--workload <kind>', `what runs: ${WORKLOADS.join(', ')}`, 'python-recipe')
    .option('--json', 'the answer as JSON')
    .action(async (flags: Flags, command: Command) => {
      const result = await resolve({
        ...projectOptions(command, io),
        codeEnv: flags.env ?? null,
        containerConfig: flags.config,
        workload: flags.workload,
        refresh: flags.refresh ? 'all' : 'none',
      });
      if (flags.json === true) io.out(`${JSON.stringify(result)}\n`);
      else {
        if (result.reference !== null) io.out(`${result.reference}\n`);
        if (result.diagnostics.length > 0) io.err(diagnosticsText(result.diagnostics, io));
      }
      exit(CODES[result.status]);
    });
}

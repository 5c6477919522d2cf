/** `rebake upgrade VERSION` */
import { Command } from 'commander';
import { plan, simulateUpgrade, upgrade } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { planText } from '../render/plan.ts';
import { simulateText } from '../render/simulate.ts';
import { projectOptions, reportDiagnostics, withRefresh } from './shared.ts';

interface Flags {
  readonly kit?: string;
  readonly release?: string;
  readonly refresh: boolean;
  readonly simulate?: true;
  readonly json?: true;
  readonly detailedExitcode?: true;
}

/** The command, given where its exit code goes. */
export function upgradeCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return withRefresh(new Command('upgrade'))
    .description('set the DSS version in the config file, and show what that makes stale')
    .argument('<version>', 'the new DSS version, such as 14.1.2')
    .option('--kit <dir>', 'the kit of the new version, relative to the config file')
    .option('--release <name>', 'which release, where the config has several')
    .option('--simulate', 'change nothing: say what would go stale, what disappears, and which code envs break')
    .option('--json', 'what --simulate finds, as JSON')
    .option('--detailed-exitcode', 'with --simulate, exit with 2 when a code env breaks or may break')
    .action(async (version: string, flags: Flags, command: Command) => {
      const options = projectOptions(command, io);
      if (flags.simulate === true) return exit(await simulate(version, flags, options, io));
      const { kit, release } = flags;
      const edited = await upgrade({
        ...options,
        version,
        ...(kit === undefined ? {} : { kit }),
        ...(release === undefined ? {} : { release }),
      });
      if (edited.diagnostics.some(({ severity }) => severity === 'error')) {
        reportDiagnostics(edited.diagnostics, io, 'people');
        return exit(EXIT.failed);
      }
      io.out(edited.changed ? `${edited.diff}\n` : `The declaration says ${version} already.\n\n`);
      const { planned, diagnostics } = await plan({ ...options, refresh: flags.refresh ? 'all' : 'none' });
      if (planned !== null) io.out(planText(planned, io));
      reportDiagnostics(diagnostics, io, 'people');
      return exit(diagnostics.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.done);
    });
}

async function simulate(
  version: string,
  { release, json, detailedExitcode }: Flags,
  options: ReturnType<typeof projectOptions>,
  io: Io,
): Promise<ExitCode> {
  const { simulated, diagnostics } = await simulateUpgrade({
    ...options,
    version,
    ...(release === undefined ? {} : { release }),
  });
  if (simulated === null) {
    reportDiagnostics(diagnostics, io, json === true ? 'json' : 'people');
    return EXIT.failed;
  }
  io.out(json === true ? `${JSON.stringify(simulated)}\n` : simulateText(simulated, io));
  if (json !== true) reportDiagnostics(diagnostics, io, 'people');
  return detailedExitcode === true && simulated.breaks.length > 0 ? EXIT.changes : EXIT.done;
}

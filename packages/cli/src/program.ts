/** The program: every command with its flags. Commands load the library when they run, so that `--help` stays instant. */
import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit.ts';
import type { Io } from './io.ts';
import { VERSION } from './version.ts';
import { applyCommand } from './commands/apply.ts';
import { exportCommand } from './commands/export.ts';
import { graphCommand } from './commands/graph.ts';
import { importCommand } from './commands/import.ts';
import { lockCommand } from './commands/lock.ts';
import { matrixCommand } from './commands/matrix.ts';
import { planCommand } from './commands/plan.ts';
import { pluginCommand } from './commands/plugin.ts';
import { pruneCommand } from './commands/prune.ts';
import { resolveCommand } from './commands/resolve.ts';
import { showCommand } from './commands/show.ts';
import { stateCommand } from './commands/state.ts';
import { upgradeCommand } from './commands/upgrade.ts';
import { validateCommand } from './commands/validate.ts';
import { whyCommand } from './commands/why.ts';

/** Width of help that goes to no terminal. */
const HELP_COLUMNS = 80;

/** The whole command line as a value, for running it and for the generated reference. */
export function program(io: Io, exit: (code: ExitCode) => void): Command {
  const root = new Command('rebake')
    .description('Plans and applies the least work to keep the images of a Dataiku DSS fleet up to date.')
    .version(VERSION)
    .option('-f, --file <path>', 'config file (default: rebake.config.ts or rebake.yaml, here or above)')
    .option('-C, --chdir <dir>', 'work as if started in this folder')
    .showSuggestionAfterError()
    .showHelpAfterError('(rebake --help lists the commands)');
  const commands = [
    validateCommand,
    importCommand,
    lockCommand,
    planCommand,
    applyCommand,
    whyCommand,
    upgradeCommand,
    resolveCommand,
    matrixCommand,
    exportCommand,
    showCommand,
    stateCommand,
    graphCommand,
    pruneCommand,
    pluginCommand,
  ];
  for (const make of commands) root.addCommand(make(io, exit));
  const columns = io.terminal?.columns ?? HELP_COLUMNS;
  const output = {
    writeOut: (text: string) => io.out(text),
    writeErr: (text: string) => io.err(text),
    getOutHelpWidth: () => columns,
    getErrHelpWidth: () => columns,
    getOutHasColors: () => io.colors,
    getErrHasColors: () => io.colors,
  };
  for (const command of everyCommand(root)) command.exitOverride().configureOutput(output);
  return root;
}

/** Runs a command line and gives its exit code. Throws only for bugs. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const root = program(io, (value) => {
    code = value;
  });
  try {
    await root.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.failed;
    if (io.signal.aborted && isAbort(error, io.signal)) return EXIT.interrupted;
    throw error;
  }
  return io.signal.aborted && code === EXIT.done ? EXIT.interrupted : code;
}

/** Whether an error only says that the signal was aborted: its reason, or what Node makes of it. */
function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error instanceof Error && error.name === 'AbortError');
}

function everyCommand(root: Command): readonly Command[] {
  return [root, ...root.commands.flatMap(everyCommand)];
}

/** `rebake state list` and `rebake state rm NODE…` */
import { Command } from 'commander';
import { stateList, stateRemove } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { lockedDiagnostic } from './refusals.ts';
import { projectOptions, reportDiagnostics } from './shared.ts';

/** The command with its two parts, given where the exit code goes. */
export function stateCommand(io: Io, exit: (code: ExitCode) => void): Command {
  const list = new Command('list')
    .description('the nodes in the state, one id a line')
    .option('--json', 'entries as JSON')
    .action(async (flags: { json?: true }, command: Command) => {
      const result = await stateList(projectOptions(command, io));
      if (result.entries === null) {
        reportDiagnostics(result.diagnostics, io, flags.json === true ? 'json' : 'people');
        return exit(EXIT.failed);
      }
      if (flags.json === true)
        io.out(`${JSON.stringify({ formatVersion: 1, entries: Object.fromEntries(result.entries) })}\n`);
      else for (const id of result.entries.keys()) io.out(`${id}\n`);
      return exit(EXIT.done);
    });
  const remove = new Command('rm')
    .description('forget nodes: the next plan takes them for never built, and adopts what is there')
    .argument('<node...>', 'ids as `rebake state list` prints them')
    .action(async (nodes: readonly string[], _flags: unknown, command: Command) => {
      const result = await stateRemove({ ...projectOptions(command, io), nodes });
      switch (result.status) {
        case 'invalid':
          reportDiagnostics(result.diagnostics, io, 'people');
          return exit(EXIT.failed);
        case 'locked':
          reportDiagnostics([lockedDiagnostic(result.holder)], io, 'people');
          return exit(EXIT.locked);
        case 'removed':
          for (const id of result.removed) io.out(`forgot ${id}\n`);
          return exit(EXIT.done);
        default:
          return result satisfies never;
      }
    });
  return new Command('state').description('look into the state, or mend it').addCommand(list).addCommand(remove);
}

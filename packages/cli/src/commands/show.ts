/** `rebake show [NODE]` */
import { Command } from 'commander';
import { show } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { nodeText, overviewText } from '../render/show.ts';
import { projectOptions, reportDiagnostics } from './shared.ts';

/** The command, given where its exit code goes. */
export function showCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return new Command('show')
    .description('list the nodes with what the state knows of them, or show one in full')
    .argument('[node]', 'a node, by id or short name')
    .option('--json', 'the same as JSON')
    .action(async (node: string | undefined, flags: { json?: true }, command: Command) => {
      const result = await show({ ...projectOptions(command, io), ...(node === undefined ? {} : { node }) });
      if (result.nodes === null) {
        reportDiagnostics(result.diagnostics, io, flags.json === true ? 'json' : 'people');
        return exit(EXIT.failed);
      }
      const [only] = result.nodes;
      if (flags.json === true) io.out(`${JSON.stringify({ formatVersion: 1, nodes: result.nodes })}\n`);
      else io.out(node === undefined || only === undefined ? overviewText(result.nodes, io) : nodeText(only, io));
      return exit(EXIT.done);
    });
}

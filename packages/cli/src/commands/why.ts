/** `rebake why NODE` */
import { Command } from 'commander';
import { explanationJson, why } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { whyText } from '../render/why.ts';
import { projectOptions, reportDiagnostics, withRefresh } from './shared.ts';

/** The command, given where its exit code goes. */
export function whyCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return withRefresh(new Command('why'))
    .description('explain why a node is fresh or stale, and what the last run did to it')
    .argument('<node>', 'a node, by id or short name')
    .option('--json', 'the explanation as JSON')
    .action(async (node: string, flags: { json?: true; refresh: boolean }, command: Command) => {
      const result = await why({ ...projectOptions(command, io), node, refresh: flags.refresh ? 'all' : 'none' });
      if (result.explanation === null) {
        reportDiagnostics(result.diagnostics, io, flags.json === true ? 'json' : 'people');
        return exit(EXIT.failed);
      }
      io.out(
        flags.json === true
          ? `${JSON.stringify(explanationJson(result.explanation))}\n`
          : whyText(result.explanation, io),
      );
      return exit(EXIT.done);
    });
}

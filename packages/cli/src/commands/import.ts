/** `rebake import dss` */
import { Command } from 'commander';
import { importDss, type ImportFrom } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { importJson, importText } from '../render/import.ts';
import { projectOptions, reportDiagnostics } from './shared.ts';

interface Flags {
  readonly dataDir?: string;
  readonly url?: string;
  readonly apiKeyFile?: string;
  readonly ca?: string;
  readonly dssVersion?: string;
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
    .description('import an instance, or compare it with the declaration that is there')
    .option('--data-dir <dir>', 'data directory of the instance, or a copy of it')
    .option('--url <url>', 'address of the instance, instead of a data directory; nothing is changed there')
    .option('--api-key-file <file>', 'with --url: file with the API key of an administrator')
    .option('--ca <file>', 'with --url: PEM file with the CA of the instance')
    .option('--dss-version <version>', 'with --url: its version of DSS, which the API does not say')
    .option('--name <name>', 'what the instance is called in files', 'dss')
    .option('--out <file>', 'config file to write (default: that of --file, or rebake.yaml)')
    .option('--update', 'let fields that nobody edited by hand take the values of the instance')
    .option('--dry-run', 'write nothing')
    .option('--json', 'what came of it as JSON')
    .action(async (flags: Flags, command: Command) => {
      const options = projectOptions(command, io);
      const from = fromOf(flags, io);
      if (typeof from === 'string') return command.error(`error: ${from}`);
      const result = await importDss({
        ...options,
        from,
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

/** Where to read, or what is wrong with the flags. */
function fromOf({ dataDir, url, apiKeyFile, ca, dssVersion }: Flags, io: Io): ImportFrom | string {
  if (dataDir !== undefined)
    return url === undefined ? { dataDir } : "options '--data-dir' and '--url' exclude each other";
  if (url === undefined) return "option '--data-dir <dir>' or '--url <url>' is needed";
  if (apiKeyFile === undefined) return "option '--api-key-file <file>' is needed with '--url'";
  if (dssVersion === undefined) return "option '--dss-version <version>' is needed with '--url'";
  return {
    url,
    apiKeyFile,
    version: dssVersion,
    ...(ca === undefined ? {} : { caFile: ca }),
    onCall: ({ method, path, status }) => io.err(`${method} ${path} ${status ?? 'no answer'}\n`),
  };
}

/** `rebake prune` */
import { Command, InvalidArgumentError } from 'commander';
import { libraryDiagnostic, prune, type PruneReport, type PruneResult } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { pruneText } from '../render/prune.ts';
import { lockedDiagnostic } from './refusals.ts';
import { projectOptions, reportDiagnostics } from './shared.ts';

interface Flags {
  readonly dryRun?: true;
  readonly olderThan: number;
  readonly maxSize?: number;
  readonly all?: true;
  readonly autoApprove?: true;
  readonly json?: true;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** An image that nobody names any more may be one that another branch of the declaration names. */
const GRACE = DAY;

const TIMES: Readonly<Record<string, number>> = { m: 60_000, h: HOUR, d: DAY, w: 7 * DAY };
const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** The command, given where its exit code goes. */
export function pruneCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return new Command('prune')
    .description('free the disk of what nobody uses: of the cache, and of images that are no longer declared')
    .option('--dry-run', 'only say what would go')
    .option('--older-than <age>', 'what of the cache was used within this time stays: 12h, 30d, 8w', parseAge, 30 * DAY)
    .option('--max-size <size>', 'how much of the cache stays at most: 500MB, 20GB', parseSize)
    .option('--all', 'everything that no running rebake uses, however young')
    .option('--auto-approve', 'do not ask first')
    .option('--json', 'what goes, or has gone, as JSON')
    .action(async (flags: Flags, command: Command) => {
      exit(await run(flags, command, io));
    });
}

async function run(flags: Flags, command: Command, io: Io): Promise<ExitCode> {
  const format = flags.json === true ? 'json' : 'people';
  let nobody = false;
  const result = await prune({
    ...projectOptions(command, io),
    olderThanMs: flags.all === true ? 0 : flags.olderThan,
    maxBytes: flags.maxSize ?? null,
    graceMs: flags.all === true ? 0 : GRACE,
    dryRun: flags.dryRun === true,
    confirm: async (report) => {
      if (flags.autoApprove === true) return true;
      if (io.ask === null || format === 'json') {
        nobody = true;
        return false;
      }
      io.out(pruneText(report, 'would', io));
      return (await io.ask('Remove this? Only "yes" is a yes: ')).trim() === 'yes';
    },
  });
  return tell(result, { format, nobody, io });
}

function tell(
  result: PruneResult,
  { format, nobody, io }: { format: 'people' | 'json'; nobody: boolean; io: Io },
): ExitCode {
  if (result.status === 'invalid') {
    reportDiagnostics(result.diagnostics, io, format);
    return EXIT.failed;
  }
  if (result.status === 'locked') {
    reportDiagnostics([lockedDiagnostic(result.holder)], io, format);
    return EXIT.locked;
  }
  if (nobody) {
    const words = 'nobody here can approve what is to be removed';
    const help = 'Look with `--dry-run`, then run with `--auto-approve`.';
    reportDiagnostics([libraryDiagnostic('CONFIRMATION_NEEDED', words, { help })], io, format);
    return EXIT.failed;
  }
  const { status, report, diagnostics } = result;
  if (format === 'json') {
    io.out(`${JSON.stringify({ formatVersion: 1, status, ...report, diagnostics })}\n`);
  } else {
    if (diagnostics.length > 0) reportDiagnostics(diagnostics, io, 'people');
    io.out(textOf(status, report, io));
  }
  return status === 'declined' ? EXIT.failed : EXIT.done;
}

function textOf(status: 'nothing' | 'planned' | 'declined' | 'pruned', report: PruneReport, io: Io): string {
  switch (status) {
    case 'nothing':
      return `Nothing to remove.\n${pruneText(report, 'kept', io)}`;
    case 'declined':
      return 'Nothing was removed.\n';
    case 'planned':
      return pruneText(report, 'would', io);
    case 'pruned':
      return pruneText(report, 'has', io);
    default:
      return status satisfies never;
  }
}

function parseAge(value: string): number {
  const [, number, unit = ''] = /^(\d+)([a-z])$/.exec(value) ?? [];
  const ms = TIMES[unit];
  if (number === undefined || ms === undefined) throw new InvalidArgumentError('It is no time such as 12h, 30d or 8w.');
  return Number(number) * ms;
}

function parseSize(value: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(value) ?? [];
  const bytes = SIZES[unit];
  if (number === undefined || bytes === undefined)
    throw new InvalidArgumentError('It is no size such as 500MB or 20GB.');
  return Math.round(Number(number) * bytes);
}

/** `rebake apply` */
import { Command, InvalidArgumentError } from 'commander';
import {
  apply,
  DEFAULT_PARALLELISM,
  libraryDiagnostic,
  shortNames,
  type ApplyResult,
  type BrakeSettings,
  type PlanResult,
} from '@rebake/rebake';
import type { Event, NodeId } from '@rebake/sdk';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { planText } from '../render/plan.ts';
import {
  finishedText,
  jsonReporter,
  liveReporter,
  plainReporter,
  type PeopleOptions,
  type Reporter,
} from '../render/progress.ts';
import { runText } from '../render/run.ts';
import { painter } from '../render/style.ts';
import { lockFirst } from './lock.ts';
import { lockedDiagnostic, staleDiagnostics } from './refusals.ts';
import { planOptions, projectOptions, reportDiagnostics, withNodes, withRefresh, type PlanFlags } from './shared.ts';

interface Flags extends PlanFlags {
  readonly autoApprove?: true;
  readonly json?: true;
  readonly verbose?: true;
  readonly lock?: true;
  readonly parallelism: number;
  readonly maxFailures?: number;
  readonly deadline?: number;
  readonly wave?: number;
}

/** How often the live block's clocks are redrawn, in milliseconds. */
const TICK = 200;

/** The command, given where its exit code goes. */
export function applyCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return withRefresh(withNodes(new Command('apply')))
    .description('carry out a plan: a saved one, or the one made now')
    .argument('[file]', 'a plan saved with `rebake plan --out FILE`')
    .option('--lock', 'lock first what is missing or outdated, as `rebake lock` does; not with a saved plan')
    .option('--auto-approve', 'do not ask first')
    .option('--parallelism <n>', 'actions at a time', parseCount, DEFAULT_PARALLELISM)
    .option('--max-failures <n>', 'start nothing more once so many nodes have failed', parseCount)
    .option('--deadline <time>', 'start nothing more after this time: 90s, 45m, 6h', parseTime)
    .option('--wave <n>', 'build so many env images first, and the rest only if none of them fails', parseCount)
    .option('--verbose', 'a line for each unchanged node too')
    .option('--json', 'events as NDJSON (docs/reference/event.schema.json)')
    .action(async (file: string | undefined, flags: Flags, command: Command) => {
      if (flags.lock === true) {
        if (file !== undefined) command.error("error: option '--lock' cannot be used with a saved plan");
        const { goesOn, code } = await lockFirst(
          projectOptions(command, io),
          io,
          flags.json === true ? 'json' : 'people',
        );
        if (!goesOn) return exit(code);
      }
      exit(await run(file, flags, command, io));
    });
}

async function run(file: string | undefined, flags: Flags, command: Command, io: Io): Promise<ExitCode> {
  let names: ReadonlyMap<NodeId, string> = new Map();
  let work: ReadonlySet<NodeId> = new Set();
  let refused = false;
  const format = flags.json === true ? 'json' : 'people';
  const reporter = reporterFor(flags, io, { name: (id) => names.get(id) ?? id, isWork: (id) => work.has(id) });
  const events: Event[] = [];
  const timer = setInterval(() => reporter.tick(), TICK);
  timer.unref();
  try {
    const result = await apply({
      ...projectOptions(command, io),
      ...planOptions(flags),
      parallelism: flags.parallelism,
      brakes: brakesOf(flags, io.given?.now ?? Date.now),
      ...(file === undefined ? {} : { planFile: file }),
      onPlan: ({ actions }) => {
        names = shortNames(actions.map(({ node }) => node));
        work = new Set(actions.filter(({ atMost }) => atMost !== 'keep').map(({ node }) => node));
      },
      confirm: async (planned) => {
        const answer = await confirm(planned, flags, io);
        refused = answer === 'nobody';
        return answer === 'yes' ? 'yes' : 'no';
      },
      emit: (event) => {
        if (event.type !== 'node-progress') events.push(event);
        reporter.event(event);
      },
    });
    reporter.close();
    return report(result, { events, names, refused, format, io });
  } finally {
    clearInterval(timer);
    reporter.close();
  }
}

async function confirm(result: PlanResult, flags: Flags, io: Io): Promise<'yes' | 'no' | 'nobody'> {
  if (result.planned !== null && flags.json !== true) io.out(`${planText(result.planned, io)}\n`);
  if (flags.json !== true && result.diagnostics.length > 0) reportDiagnostics(result.diagnostics, io, 'people');
  if (flags.autoApprove === true) return 'yes';
  if (io.ask === null || flags.json === true) return 'nobody';
  const answer = await io.ask('Carry this out? Only "yes" is a yes: ');
  return answer.trim() === 'yes' ? 'yes' : 'no';
}

function reporterFor(flags: Flags, io: Io, nodes: Pick<PeopleOptions, 'name' | 'isWork'>): Reporter {
  if (flags.json === true) return jsonReporter(io);
  const options = { io, ...nodes, now: io.given?.now ?? Date.now, verbose: flags.verbose === true };
  return io.terminal === null ? plainReporter(options) : liveReporter({ ...options, columns: io.terminal.columns });
}

interface Context {
  readonly events: readonly Event[];
  readonly names: ReadonlyMap<NodeId, string>;
  readonly refused: boolean;
  readonly format: 'people' | 'json';
  readonly io: Io;
}

function report(result: ApplyResult, context: Context): ExitCode {
  const { io, format } = context;
  switch (result.status) {
    case 'invalid':
      reportDiagnostics(result.diagnostics, io, format);
      return EXIT.failed;
    case 'nothing':
      if (format === 'people') io.out('Nothing to do.\n');
      return EXIT.done;
    case 'declined':
      if (context.refused)
        reportDiagnostics([libraryDiagnostic('CONFIRMATION_NEEDED', 'nobody here can approve this plan')], io, format);
      else io.out('Nothing was changed.\n');
      return EXIT.failed;
    case 'stale':
      reportDiagnostics(staleDiagnostics(result), io, format);
      return EXIT.stale;
    case 'locked':
      reportDiagnostics([lockedDiagnostic(result.holder)], io, format);
      return EXIT.locked;
    case 'ran': {
      const { summary } = result;
      if (format === 'people') {
        const paint = painter(io.colors);
        const finished = context.events.findLast((event) => event.type === 'run-finished');
        io.out(`\n${runText(context.events, context.names, { paint, cwd: io.cwd })}`);
        if (finished?.type === 'run-finished') io.out(finishedText(finished, paint));
      }
      if (summary.interrupted) return EXIT.interrupted;
      return summary.counts.failed + summary.counts.skipped + summary.counts.cancelled > 0 ? EXIT.failed : EXIT.done;
    }
    default:
      return result satisfies never;
  }
}

function brakesOf({ maxFailures, deadline, wave }: Flags, now: () => number): BrakeSettings {
  return {
    ...(maxFailures === undefined ? {} : { maxFailures }),
    ...(deadline === undefined ? {} : { deadlineAt: now() + deadline }),
    ...(wave === undefined ? {} : { wave }),
  };
}

function parseCount(value: string): number {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1 || n > 1024)
    throw new InvalidArgumentError('It is no whole number from 1 to 1024.');
  return n;
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** `90s`, `45m`, `6h` in milliseconds. */
function parseTime(value: string): number {
  const [, digits = '', unit = ''] = /^([1-9]\d{0,5})([smh])$/.exec(value) ?? [];
  const ms = UNITS[unit];
  if (ms === undefined) throw new InvalidArgumentError('Write a time such as 90s, 45m or 6h.');
  return Number(digits) * ms;
}

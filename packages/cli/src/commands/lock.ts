/** `rebake lock` */
import { Command } from 'commander';
import { lock, type LockOptions, type LockReport, type LockResult } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { changesList, lockLine, lockSummary } from '../render/lock.ts';
import { painter } from '../render/style.ts';
import { collect, projectOptions, reportDiagnostics } from './shared.ts';

interface Flags {
  readonly upgrade?: true;
  readonly upgradePackage: readonly string[];
  readonly check?: true;
  readonly json?: true;
}

/** Width of the column of names before any is known. */
const NAME_WIDTH = 16;

/** The command, given where its exit code goes. */
export function lockCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return new Command('lock')
    .description('resolve packages into locks beside the config')
    .argument('[env...]', 'code envs and base images; without any: everything that has packages')
    .option('--upgrade', 'take the newest versions that fit')
    .option('--upgrade-package <name>', 'take the newest version of this package (repeatable)', collect, [])
    .option('--check', 'only say what is missing or outdated; contacts nothing, writes nothing')
    .option('--json', 'the outcome as JSON')
    .action(async (names: readonly string[], flags: Flags, command: Command) => {
      const mode = flags.check === true ? 'check' : 'write';
      const project = projectOptions(command, io);
      const options = { ...project, names, mode, upgrade: upgradeOf(flags) } as const;
      if (flags.json === true) {
        const result = await lock(options);
        io.out(`${lockJson(result, project.cwd)}\n`);
        return exit(exitOf(result));
      }
      const result = await lockForPeople(options, io, 'brief');
      io.out(lockSummary(result, mode));
      exit(exitOf(result));
    });
}

/** Locks and prints as it goes; the summary is the caller's. `whole`: every change of a package, too. */
export async function lockForPeople(options: LockOptions, io: Io, detail: 'brief' | 'whole'): Promise<LockResult> {
  const paint = painter(io.colors);
  const print = (report: LockReport): void => {
    const line = lockLine(report, NAME_WIDTH, paint);
    if (line !== '') io.out(detail === 'whole' ? `${line}${report.first ? '' : changesList(report, paint)}` : line);
  };
  const result = await lock({ ...options, onLock: print, onLog: (line) => io.err(`${paint('dim', line)}\n`) });
  if (result.diagnostics.length > 0) reportDiagnostics(result.diagnostics, io, 'people');
  return result;
}

/** What `plan --lock` and `apply --lock` do first. False: nothing is to follow, and the exit code is given. */
export async function lockFirst(
  options: LockOptions,
  io: Io,
  format: 'people' | 'json',
): Promise<{ readonly goesOn: boolean; readonly code: ExitCode }> {
  const result = format === 'json' ? await lock(options) : await lockForPeople(options, io, 'whole');
  if (result.interrupted) return { goesOn: false, code: EXIT.interrupted };
  if (format === 'people' && result.locks.some(({ outcome }) => outcome === 'written'))
    io.out(`${lockSummary(result, 'write')}\n`);
  if (result.ok) return { goesOn: true, code: EXIT.done };
  if (format === 'json') reportDiagnostics(result.diagnostics, io, 'json');
  return { goesOn: false, code: EXIT.failed };
}

function upgradeOf({ upgrade, upgradePackage }: Flags): NonNullable<LockOptions['upgrade']> {
  if (upgrade === true) return 'everything';
  return upgradePackage.length === 0 ? 'nothing' : upgradePackage;
}

function exitOf({ ok, interrupted }: LockResult): ExitCode {
  if (interrupted) return EXIT.interrupted;
  return ok ? EXIT.done : EXIT.failed;
}

function lockJson({ ok, diagnostics, locks }: LockResult, cwd: string): string {
  const shown = locks.map(({ of, name, kind, file, outcome, packages, changes, ms }) => ({
    of,
    name,
    kind,
    file: file.startsWith(`${cwd}/`) ? file.slice(cwd.length + 1) : file,
    outcome,
    packages,
    changes,
    ms,
  }));
  return JSON.stringify({ formatVersion: 1, ok, diagnostics, locks: shown });
}

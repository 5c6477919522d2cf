/** `rebake plan` */
import { Command } from 'commander';
import { plan, recallQuiet, savePlan, serializePlan, type Planned } from '@rebake/rebake';
import type { Diagnostic } from '@rebake/sdk';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { planText, quietText } from '../render/plan.ts';
import { hasChanges } from '../render/summary.ts';
import { lockFirst } from './lock.ts';
import { planOptions, projectOptions, reportDiagnostics, withNodes, withRefresh, type PlanFlags } from './shared.ts';

interface Flags extends PlanFlags {
  readonly out?: string;
  readonly json?: true;
  readonly detailedExitcode?: true;
  readonly lock?: true;
}

/** The command, given where its exit code goes. */
export function planCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return withRefresh(withNodes(new Command('plan')))
    .description('show what an apply would do, and why')
    .option('--lock', 'lock first what is missing or outdated, as `rebake lock` does')
    .option('--out <file>', 'save the plan; `rebake apply FILE` carries out at most that')
    .option('--json', 'the plan as canonical JSON (docs/reference/plan.schema.json)')
    .option('--detailed-exitcode', 'exit with 2 when there is something to do')
    .action(async (flags: Flags, command: Command) => {
      const project = projectOptions(command, io);
      const options = { ...project, ...planOptions(flags) };
      if (flags.lock === true) {
        const { goesOn, code } = await lockFirst(project, io, flags.json === true ? 'json' : 'people');
        if (!goesOn) return exit(code);
      }
      const quiet = flags.json === true || flags.out !== undefined ? null : recallQuiet(options);
      if (quiet !== null) {
        io.out(quietText(quiet, io));
        return exit(EXIT.done);
      }
      const { planned, diagnostics } = await plan(options);
      const shown = await report(planned, diagnostics, flags, io);
      if (planned === null || shown === EXIT.failed || flags.out === undefined) return exit(shown);
      const refused = await savePlan(planned.plan, flags.out, project.cwd);
      if (refused.length > 0) {
        reportDiagnostics(refused, io, 'people');
        return exit(EXIT.failed);
      }
      if (flags.json !== true) io.out(`\nSaved. Carry out exactly this with: rebake apply ${flags.out}\n`);
      return exit(shown);
    });
}

async function report(
  planned: Planned | null,
  diagnostics: readonly Diagnostic[],
  flags: Flags,
  io: Io,
): Promise<ExitCode> {
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  if (planned === null || (failed && flags.json === true)) {
    reportDiagnostics(diagnostics, io, flags.json === true ? 'json' : 'people');
    return EXIT.failed;
  }
  if (flags.json === true) io.out(await serializePlan(planned.plan));
  else io.out(planText(planned, io));
  if (diagnostics.length > 0) reportDiagnostics(diagnostics, io, 'people');
  if (failed) return EXIT.failed;
  return flags.detailedExitcode === true && hasChanges(planned.plan.actions) ? EXIT.changes : EXIT.done;
}

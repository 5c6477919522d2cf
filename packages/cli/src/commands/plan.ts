/** `rebake plan` */
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { plan, serializePlan, type PlanResult } from '@rebake/rebake';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { planText } from '../render/plan.ts';
import { hasChanges } from '../render/summary.ts';
import { planOptions, projectOptions, reportDiagnostics, withNodes, withRefresh, type PlanFlags } from './shared.ts';

interface Flags extends PlanFlags {
  readonly out?: string;
  readonly json?: true;
  readonly detailedExitcode?: true;
}

/** The command, given where its exit code goes. */
export function planCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return withRefresh(withNodes(new Command('plan')))
    .description('show what an apply would do, and why')
    .option('--out <file>', 'save the plan; `rebake apply FILE` carries out at most that')
    .option('--json', 'the plan as canonical JSON (docs/reference/plan.schema.json)')
    .option('--detailed-exitcode', 'exit with 2 when there is something to do')
    .action(async (flags: Flags, command: Command) => {
      const result = await plan({ ...projectOptions(command, io), ...planOptions(flags) });
      exit(await report(result, flags, io));
    });
}

async function report(result: PlanResult, flags: Flags, io: Io): Promise<ExitCode> {
  const { planned, diagnostics } = result;
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  if (planned === null || (failed && flags.json === true)) {
    reportDiagnostics(diagnostics, io, flags.json === true ? 'json' : 'people');
    return EXIT.failed;
  }
  if (flags.json === true) io.out(serializePlan(planned.plan));
  else io.out(planText(planned, io));
  if (diagnostics.length > 0) reportDiagnostics(diagnostics, io, 'people');
  if (failed) return EXIT.failed;
  if (flags.out !== undefined) {
    await writeFile(flags.out, serializePlan(planned.plan), { mode: 0o600 });
    if (flags.json !== true) io.out(`\nSaved. Carry out exactly this with: rebake apply ${flags.out}\n`);
  }
  return flags.detailedExitcode === true && hasChanges(planned.plan.actions) ? EXIT.changes : EXIT.done;
}

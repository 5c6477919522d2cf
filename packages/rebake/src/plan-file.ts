/** Plan files on the disk: saving a plan, and reading one that may come from anywhere. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parsePlan, serializePlan } from '@rebake/planner';
import type { Diagnostic, Plan } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { refusalDiagnostic } from './refusals.ts';

/** Saves a plan where `apply` can take it from; `file` is relative to `cwd`. What hinders is a diagnostic. */
export function savePlan(plan: Plan, file: string, cwd: string): readonly Diagnostic[] {
  try {
    writeFileSync(resolve(cwd, file), serializePlan(plan), { mode: 0o600 });
    return [];
  } catch (error) {
    const diagnostic = refusalDiagnostic(error);
    if (diagnostic === null) throw error;
    return [diagnostic];
  }
}

/** A plan from a file, or why there is none. */
export type ReadPlan =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Reads a plan file; `file` is relative to `cwd`. */
export async function readPlan(file: string, cwd: string): Promise<ReadPlan> {
  const unreadable = (why: string): ReadPlan => ({
    ok: false,
    diagnostics: [libraryDiagnostic('PLAN_FILE_UNREADABLE', `\`${file}\`: ${why}`)],
  });
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return unreadable(code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`);
  }
  const parsed = await parsePlan(text);
  return parsed.ok ? parsed : unreadable(parsed.error);
}

/** `validate`: every problem of a declaration at once. */
import type { Diagnostic } from '@rebake/sdk';
import { hasErrors, withProject, type ProjectOptions } from './project.ts';

/** What was found. */
export interface ValidateResult {
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the declaration and says all that is wrong with it. Contacts nothing. */
export async function validate(options: ProjectOptions): Promise<ValidateResult> {
  const result = (diagnostics: readonly Diagnostic[]): ValidateResult => ({ ok: !hasErrors(diagnostics), diagnostics });
  return withProject(options, result, async ({ declaration }) => result(declaration.diagnostics));
}

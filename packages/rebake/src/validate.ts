/** `validate`: every problem of a declaration at once. */
import type { Diagnostic } from '@rebake/sdk';
import { hasErrors, openProject, type ProjectOptions } from './project.ts';

/** What was found. */
export interface ValidateResult {
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the declaration and says all that is wrong with it. Contacts nothing. */
export async function validate(options: ProjectOptions): Promise<ValidateResult> {
  const project = await openProject(options);
  try {
    const { diagnostics } = project.declaration;
    return { ok: !hasErrors(diagnostics), diagnostics };
  } finally {
    await project.close();
  }
}

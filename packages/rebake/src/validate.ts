/** `validate`: every problem of a declaration at once. */
import { distinct } from '@rebake/model';
import { compareBytes, type Diagnostic } from '@rebake/sdk';
import { hasErrors, withProject, type Project, type ProjectOptions } from './project.ts';

/** What was found. */
export interface ValidateResult {
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the declaration and says all that is wrong with it, its plugins and their options among it. Contacts nothing but its sources. */
export async function validate(options: ProjectOptions): Promise<ValidateResult> {
  const result = (diagnostics: readonly Diagnostic[]): ValidateResult => ({ ok: !hasErrors(diagnostics), diagnostics });
  return withProject(options, result, async (project) => {
    const { declaration } = project;
    if (declaration.plugins() === null) return result(declaration.diagnostics);
    return result(byPlace([...declaration.diagnostics, ...(await pluginProblems(project))]));
  });
}

/** Of plugins, of builders and of the state. */
async function pluginProblems({ declaration: { builders, state }, plugins }: Project): Promise<readonly Diagnostic[]> {
  const loaded = await plugins();
  const found = await Promise.all([
    loaded.problems(),
    ...Object.entries(builders).map(([name, config]) => loaded.checkBuilder(name, config)),
    ...(state === null ? [] : [loaded.checkStore(state)]),
  ]);
  return found.flat();
}

/** Each once, by place: a plugin that cannot be loaded is said by all that need it. */
function byPlace(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return distinct(diagnostics).toSorted(
    (a, b) =>
      compareBytes(a.where?.file ?? '', b.where?.file ?? '') ||
      (a.where?.line ?? 0) - (b.where?.line ?? 0) ||
      (a.where?.column ?? 0) - (b.where?.column ?? 0),
  );
}

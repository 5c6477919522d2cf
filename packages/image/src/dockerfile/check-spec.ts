/** Whether the values of a spec are those that an image can have, for builders that render no Dockerfile of it: in the same words. */
import { BuildFailure, type FileSet, type ImageSpec, type Step } from '../types.ts';
import { checkPath } from './context.ts';
import {
  absolutePath,
  accountId,
  envName,
  envValue,
  execForm,
  invalid,
  linkName,
  matching,
  owner,
  pythonVersion,
  userName,
} from './quote.ts';
import { requirementLines } from './steps.ts';

const ESCAPE = '\\';

/**
 * Checks the config and the steps of a spec. Throws a `BuildFailure`: `SPEC_INVALID` for a value that no image can have, `STEP_UNSUPPORTED`
 * for a step that is not among `known` (`name@version`, as builders list them).
 */
export function checkSpec(spec: ImageSpec, known: readonly string[]): void {
  for (const step of spec.steps) {
    if (!known.some((one) => one.slice(0, one.lastIndexOf('@')) === step.step)) throw unsupported(step);
    checkStep(step);
  }
  for (const env of [spec.buildEnv ?? {}, spec.env])
    for (const [name, value] of Object.entries(env)) envValue(envName(name), value, ESCAPE);
  if (spec.user !== undefined) owner('the user', spec.user);
  if (spec.workdir !== undefined) absolutePath('the working directory', spec.workdir);
  if (spec.entrypoint !== undefined) execForm('the entrypoint', spec.entrypoint);
}

function checkStep(step: Step): void {
  switch (step.step) {
    case 'rootfs':
      if (step.files.files.length !== 1) throw invalid('the file set of', 'rootfs', 'does not hold exactly one file');
      return checkFiles(step.files);
    case 'layout':
      return checkFiles(step.files);
    case 'debian':
      matching('the suite', step.suite, /^[a-z0-9][a-z0-9.-]*$/);
      return;
    case 'user':
      accountId('the uid', step.uid);
      accountId('the gid', step.gid);
      userName(step.name);
      absolutePath('the home directory', step.home);
      return;
    case 'python-env':
      pythonVersion(step.interpreter);
      absolutePath('the prefix', step.prefix);
      if ('requirements' in step.packages) requirementLines(step.packages.requirements);
      return;
    case 'link':
      absolutePath('the working directory', step.folder);
      absolutePath('the target of a link', step.target);
      linkName(step.name);
      return;
    case 'copy':
      absolutePath('the target of copy', step.to);
      owner('the owner of copied files', step.owner);
      return checkFiles(step.files);
    case 'dockerfile':
    case 'fragment':
    case 'system-packages':
    case 'r-packages':
    case 'run':
    case 'delegate':
      throw unsupported(step);
    default:
      throw unsupported(step satisfies never);
  }
}

function checkFiles({ files }: FileSet): void {
  for (const { path } of files) checkPath(path);
}

function unsupported({ step }: { readonly step: string }): BuildFailure {
  const words = `this builder cannot carry out the step ${JSON.stringify(step)}`;
  return new BuildFailure({ code: 'STEP_UNSUPPORTED', retry: 'elsewhere', words });
}

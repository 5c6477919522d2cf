/** Where things are in DSS images: paths, variables and the entrypoint that DSS expects. Facts of DSS, from its image builder. */

/** Folder of everything that DSS puts into an image. */
export const HOME = '/opt/dataiku';
/** The builtin environment of a base. */
export const BUILTIN_ENV = `${HOME}/pyenv`;
/** The environment of a code env. */
export const CODE_ENV = `${HOME}/code-env`;
/** Resources directory of a code env. */
export const RESOURCES = `${CODE_ENV}/resources`;
/** Packages of an R code env. */
export const CODE_ENV_R = `${CODE_ENV}/R.lib`;
/** Python code of DSS. */
export const KIT_PYTHON = `${HOME}/python`;
/** Where a script that runs while building is seen: below a folder that is no part of any layer, so that not even a mount point stays. */
export const MOUNT = '/dev/rebake/script';

/** What DSS starts containers with. */
export const ENTRYPOINT: readonly string[] = [`${HOME}/bin/python`, '-m', 'dataiku.container.runner'];

/** Variables that both languages look at; emptied while code envs are built, so that nothing of DSS is seen by what is installed. */
export const KIT_PATHS: Readonly<Record<string, string>> = { PYTHONPATH: KIT_PYTHON, R_LIBS_USER: `${HOME}/R/R.lib` };
/** The same, emptied. */
export const NO_KIT_PATHS: Readonly<Record<string, string>> = { PYTHONPATH: '', R_LIBS_USER: '' };

/** Home folder of the user of containers. */
export function homeOf(user: string): string {
  return `/home/${user}`;
}

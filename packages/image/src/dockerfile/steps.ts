/** One function a step: the instructions that carry it out on top of what is there. All of them expect and leave root as the user. */
import type { Step } from '../types.ts';
import { lockedRequirements } from '../locks/requirements.ts';
import type { Context } from './context.ts';
import {
  absolutePath,
  accountId,
  envName,
  execForm,
  invalid,
  linkName,
  matching,
  mountPath,
  owner,
  pythonVersion,
  userName,
  word,
} from './quote.ts';
import { APT, BYTECODE, CRAN, DNF, MOUNT, PYTHON_ENV, R_PACKAGES, RUN, SECRET_MOUNTS, USER } from './scripts.ts';

type Of<Name extends Step['step']> = Extract<Step, { step: Name }>;

/** What a step is rendered with. */
export interface At {
  readonly context: Context;
  /** Escape character of the Dockerfile. */
  readonly escape: string;
}

type Secret = keyof typeof SECRET_MOUNTS;

/** `RUN` of a script in a folder of the context. */
function runScript(at: At, folder: string, secrets: readonly Secret[], argv: readonly string[]): string {
  const mounts = [bind(folder, MOUNT), ...secrets.map((id) => SECRET_MOUNTS[id])];
  return run(at, mounts, 'a step', ['/bin/sh', ...argv]);
}

function bind(folder: string, target: string): string {
  return `--mount=type=bind,source=${folder},target=${target}`;
}

function run({ escape }: At, mounts: readonly string[], what: string, argv: readonly string[]): string {
  return `RUN ${[...mounts, execForm(what, argv)].join(` ${escape}\n    `)}`;
}

// Names of packages: what apt and dnf take as a name, a version or an architecture, and never as an option, a pattern or a removal.
const DEBIAN_PACKAGE = /^[a-z0-9][a-z0-9.+-]*[a-z0-9.+](?::[a-z0-9-]+)?(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?$/;
const RHEL_PACKAGE = /^@?[A-Za-z0-9][A-Za-z0-9._+:~^-]*$/;
const R_PACKAGE = /^[A-Za-z](?:[A-Za-z0-9.]*[A-Za-z0-9])$/;

export function systemPackages(step: Of<'system-packages'>, at: At): string[] {
  const { context } = at;
  if (step.names.length === 0) return [];
  switch (step.family) {
    case 'debian':
      return [aptInstall('system-packages', step.names, at)];
    case 'rhel': {
      const names = step.names.map((name) => matching('the system package', name, RHEL_PACKAGE));
      const folder = context.add('system-packages', { texts: { 'dnf.sh': DNF } });
      return [runScript(at, folder, ['ca'], [`${MOUNT}/dnf.sh`, ...names])];
    }
    default:
      return step.family satisfies never;
  }
}

function aptInstall(step: string, packages: readonly string[], at: At): string {
  const names = packages.map((name) => matching('the system package', name, DEBIAN_PACKAGE));
  const folder = at.context.add(step, { texts: { 'apt.sh': APT } });
  return runScript(at, folder, ['ca', 'apt-conf'], [`${MOUNT}/apt.sh`, ...names]);
}

export function user(step: Of<'user'>, at: At): string[] {
  const { context } = at;
  const folder = context.add('user', { texts: { 'user.sh': USER } });
  const uid = accountId('the uid', step.uid);
  const gid = accountId('the gid', step.gid);
  const home = absolutePath('the home directory', step.home);
  return [runScript(at, folder, [], [`${MOUNT}/user.sh`, userName(step.name), uid, gid, home])];
}

export function pythonEnv(step: Of<'python-env'>, at: At): string[] {
  const interpreter = pythonVersion(step.interpreter);
  const { packages } = step;
  const requirements = lines(
    'the requirement',
    'locked' in packages ? lockedRequirements(packages.locked) : packages.requirements,
  );
  const folder = at.context.add('python-env', {
    texts: { 'python-env.sh': PYTHON_ENV, 'bytecode.py': BYTECODE, 'requirements.txt': requirements },
  });
  const prefix = absolutePath('the prefix', step.prefix);
  const argv = [`${MOUNT}/python-env.sh`, `python${interpreter}`, prefix, step.bytecode ? 'bytecode' : 'no-bytecode'];
  return [runScript(at, folder, ['ca', 'pip-conf'], argv)];
}

export function rPackages(step: Of<'r-packages'>, at: At): string[] {
  if (step.names.length === 0) return [];
  const names = step.names.map((name) => matching('the R package', name, R_PACKAGE));
  switch (step.from) {
    case 'debian':
      return [
        aptInstall(
          'r-packages',
          names.map((name) => `r-cran-${name.toLowerCase()}`),
          at,
        ),
      ];
    case 'cran': {
      const library = absolutePath('the R library', step.library);
      const texts = { 'r-packages.sh': R_PACKAGES, 'cran.R': CRAN, 'packages.txt': lines('the R package', names) };
      const folder = at.context.add('r-packages', { texts });
      return [runScript(at, folder, ['ca', 'r-profile'], [`${MOUNT}/r-packages.sh`, library])];
    }
    default:
      return step.from satisfies never;
  }
}

/** Contents of the set below `to`; an empty set makes an empty directory. */
export function copy(step: Of<'copy'>, at: At): string[] {
  const { context, escape } = at;
  const to = absolutePath('the target of copy', step.to);
  const account = owner('the owner of copied files', step.owner);
  if (step.files.files.length === 0) return [run(at, [], 'copy', ['mkdir', '-p', to])];
  const folder = context.add('copy', { files: step.files });
  const target = to.endsWith('/') ? to : `${to}/`;
  return [`COPY --chown=${account} ${execForm('copy', [`${folder}/`, word(target, escape)])}`];
}

/** As the command that makes it. */
export function link(step: Of<'link'>, at: At): string[] {
  const { folder, name, target } = step;
  const argv = ['ln', '-sfn', absolutePath('the target of a link', target), linkName(name)];
  const files = { root: '/', files: [] };
  return runStep({ step: 'run', files, mount: MOUNT, workdir: folder, argv, env: {} }, at);
}

export function runStep(step: Of<'run'>, at: At): string[] {
  const { context, escape } = at;
  const mounts = [
    bind(context.add('step', { texts: { 'run.sh': RUN } }), MOUNT),
    SECRET_MOUNTS.ca,
    SECRET_MOUNTS['pip-conf'],
  ];
  if (step.files.files.length > 0) {
    const target = mountPath('the mount point', step.mount).replace(/\/+$/, '');
    if (target === MOUNT) throw invalid('the mount point', target, 'is where rebake mounts its own');
    mounts.push(bind(context.add('run', { files: step.files }), target));
  }
  const env = Object.keys(step.env)
    .toSorted()
    .map((name) => `${envName(name)}=${step.env[name] ?? ''}`);
  const argv = ['/bin/sh', `${MOUNT}/run.sh`, ...(env.length > 0 ? ['env', ...env] : []), ...step.argv];
  if ((step.argv[0] ?? '') === '') throw invalid('a run step', '', 'has no command');
  if (env.length > 0 && step.argv[0]?.includes('=') === true)
    throw invalid('the command', step.argv[0], 'has a = in its name');
  return [
    `WORKDIR ${word(absolutePath('the working directory', step.workdir), escape)}`,
    run(at, mounts, 'a run step', argv),
  ];
}

/** Requirements of pip, checked to be a line each. */
export function requirementLines(requirements: readonly string[]): string {
  return lines('the requirement', requirements);
}

/** A file with one item a line. A line end of any kind, as Python and R know them, would make two items of one. */
function lines(what: string, items: readonly string[]): string {
  return items.map((item) => `${matching(what, item.replaceAll('\t', ' '), /^[^\p{Cc}\u2028\u2029]*$/u)}\n`).join('');
}

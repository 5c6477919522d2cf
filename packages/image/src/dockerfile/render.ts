/** Image specs as Dockerfiles that Docker's own BuildKit builds without a frontend from a registry: no `# syntax`, nothing newer than 20.10. */
import type { ContextFile } from '../files/send.ts';
import { BuildFailure, STEP_VERSIONS, type ImageSpec, type Step } from '../types.ts';
import { createContext } from './context.ts';
import { parseDockerfile } from './parse.ts';
import { absolutePath, comment, envName, envValue, execForm, invalid, owner, reference, word } from './quote.ts';
import { pinReferences, readDockerfile } from './references.ts';
import { copy, link, pythonEnv, rPackages, runStep, systemPackages, user, type At } from './steps.ts';

/**
 * Contents class of what is rendered here. It is raised with every change of a rendered byte, so that images of the old bytes are not taken
 * for those of the new; a test holds the two together.
 */
export const DOCKERFILE_CONTENTS = 'dockerfile@2';

/** Steps that a Dockerfile can carry out, as `name@version`. */
export const DOCKERFILE_STEPS: readonly string[] = Object.entries(STEP_VERSIONS)
  .filter(([name]) => name !== 'layout' && name !== 'debian' && name !== 'delegate')
  .map(([name, version]) => `${name}@${version}`);

/** A Dockerfile and the context to build it with. */
export interface RenderedDockerfile {
  readonly dockerfile: string;
  /** To be sent as `Dockerfile.dockerignore`: the files are chosen already, and a .dockerignore among them must not choose again. */
  readonly dockerignore: string;
  /**
   * The whole context, sorted. Modes: 0755 for `exec` files and directories, else 0644; uid and gid 0; no times. Send them by
   * `readContextFile`, which hashes again.
   */
  readonly files: readonly ContextFile[];
}

/** What an image is built from. */
export interface Ground {
  /** Reference for FROM: a candidate's name, or `host/repository@digest`. Null where the first step brings its own ground. */
  readonly parent: string | null;
  /** Pins for the references of a `dockerfile` step (and of COPY --from in fragments): reference as written, or expanded → pinned. */
  readonly froms: Readonly<Record<string, string>>;
}

/**
 * Renders a spec; the same input gives the same bytes. Throws a `BuildFailure` with `SPEC_INVALID` for values that no image can have, and
 * with `STEP_UNSUPPORTED` for steps that are not known here, or that only a builder of layers can carry out.
 *
 * Steps run as root; an image without `user` stays root if it has steps of its own. `run` steps make and enter their `workdir`; an image
 * without `workdir` that has such steps ends in `/`.
 */
export function renderDockerfile(spec: ImageSpec, base: Ground): RenderedDockerfile {
  const context = createContext();
  const [first] = spec.steps;
  const own = first?.step === 'rootfs' || first?.step === 'dockerfile' ? first : null;
  if ((own === null) === (base.parent === null)) {
    throw invalid(
      'the parent',
      base.parent ?? 'none',
      own === null ? 'is missing' : 'is there, and the first step brings its own ground',
    );
  }
  const ground = own === null ? [`FROM ${reference(base.parent ?? '')}`] : renderGround(own, base, context);
  const escape = own?.step === 'dockerfile' ? parseDockerfile(own.text).escape : '\\';
  const steps = spec.steps.map((step, index) => ({ step, index })).slice(own === null ? 0 : 1);

  const blocks: string[][] = [ground];
  const buildEnv = spec.buildEnv ?? {};
  const entry = [...(steps.length > 0 ? ['USER root'] : []), ...envLines(buildEnv, escape)];
  if (entry.length > 0) blocks.push(entry);
  for (const { step, index } of steps) {
    const lines = renderStep(step, { context, escape }, base);
    if (lines.length > 0) blocks.push([comment(`${index} ${shownName(step)}`), ...lines]);
  }
  const config = configLines(spec, buildEnv, escape);
  if (config.length > 0) blocks.push(config);
  return {
    dockerfile: `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`,
    dockerignore: '# The files were chosen before they were sent.\n',
    files: context.files(),
  };
}

function renderGround(
  step: Extract<Step, { step: 'rootfs' | 'dockerfile' }>,
  base: Ground,
  context: ReturnType<typeof createContext>,
): string[] {
  if (step.step === 'rootfs') {
    const [file, ...more] = step.files.files;
    if (file === undefined || more.length > 0)
      throw invalid('the file set of', 'rootfs', 'does not hold exactly one file');
    return ['FROM scratch', `ADD ${context.addAs('rootfs', 'rootfs.tar', step.files.root, file)} /`];
  }
  context.addAtOwnPaths(step.files);
  return [userText(step.text, 'the Dockerfile', base)];
}

function renderStep(step: Step, at: At, base: Ground): string[] {
  switch (step.step) {
    case 'rootfs':
    case 'dockerfile':
      throw invalid('the step', step.step, 'can only be the first one');
    case 'fragment': {
      const { keywords } = readDockerfile(step.text);
      if (keywords.includes('FROM')) throw invalid('the Dockerfile fragment', step.place, 'holds a FROM');
      at.context.addAtOwnPaths(step.files);
      if (keywords.length === 0) return [];
      const text = userText(step.text, `the Dockerfile fragment ${step.place}`, base);
      return keywords.includes('USER') ? [text, 'USER root'] : [text];
    }
    case 'system-packages':
      return systemPackages(step, at);
    case 'user':
      return user(step, at);
    case 'python-env':
      return pythonEnv(step, at);
    case 'r-packages':
      return rPackages(step, at);
    case 'link':
      return link(step, at);
    case 'copy':
      return copy(step, at);
    case 'run':
      return runStep(step, at);
    case 'layout':
    case 'debian':
    case 'delegate':
      throw unsupported(step);
    default:
      throw unsupported(step satisfies never);
  }
}

/** A link is made by a command, and rendered as one. */
function shownName(step: Step): string {
  if (step.step === 'fragment') return `fragment ${step.place}`;
  return step.step === 'link' ? 'run' : step.step;
}

/** A step of a newer kernel: left out, it would give an image that lacks what was planned. */
function unsupported({ step }: { readonly step: string }): BuildFailure {
  const words = `the step ${JSON.stringify(step)} cannot be carried out by a Dockerfile`;
  return new BuildFailure({ code: 'STEP_UNSUPPORTED', retry: 'elsewhere', words });
}

/**
 * A user's instructions as they are, with their references pinned, so that other lines can follow: a line that is continued into nothing ends
 * where Docker ends it at the end of a file.
 */
function userText(source: string, what: string, base: Ground): string {
  let text = source.replaceAll('\r\n', '\n');
  // Once more after each cut: what is left may be continued as well, by another escape character or over comments.
  for (let { open } = parseDockerfile(text); open !== 'no'; { open } = parseDockerfile(text)) {
    if (open === 'heredoc') throw invalid(what, text.slice(-40), 'ends within a heredoc');
    text = text.slice(0, open.continuedAt);
  }
  const pinned = pinReferences(text, (use) => {
    // A name in a Dockerfile may be that of a member which every object has.
    const name = [use.reference, use.written].find((one) => one !== null && Object.hasOwn(base.froms, one));
    const pin = name === undefined || name === null ? undefined : base.froms[name];
    if (pin === undefined) throw invalid(`${what}, line ${use.line}: the image`, use.written, 'is not pinned');
    return reference(pin);
  });
  return pinned.replace(/[ \t\n]+$/, '');
}

function envLines(env: Readonly<Record<string, string>>, escape: string): string[] {
  return Object.keys(env)
    .toSorted()
    .map((name) => `ENV ${envName(name)}=${envValue(name, env[name] ?? '', escape)}`);
}

function configLines(spec: ImageSpec, buildEnv: Readonly<Record<string, string>>, escape: string): string[] {
  const emptied = Object.fromEntries(Object.keys(buildEnv).map((name) => [name, '']));
  // What the build had set to empty already need not be emptied again.
  const final = Object.entries({ ...emptied, ...spec.env }).filter(([name, value]) => buildEnv[name] !== value);
  const lines = envLines(Object.fromEntries(final), escape);
  if (spec.user !== undefined) lines.push(`USER ${owner('the user', spec.user)}`);
  const hasRun = spec.steps.some(({ step }) => step === 'run' || step === 'link');
  const workdir = spec.workdir ?? (hasRun ? '/' : undefined);
  if (workdir !== undefined) lines.push(`WORKDIR ${word(absolutePath('the working directory', workdir), escape)}`);
  if (spec.entrypoint !== undefined) lines.push(`ENTRYPOINT ${execForm('the entrypoint', spec.entrypoint)}`);
  return lines;
}

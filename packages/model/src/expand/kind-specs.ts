/** Specs of images that plugins give, checked field by field: builders rely on the types. */
import { isDigest, STEP_VERSIONS, type FileSet, type ImageSpec, type Step } from '@rebake/sdk';
import { isAbsolute } from 'node:path';
import { isMapping } from '../load/source.ts';

/** What is wrong with a node, as the rest of a sentence about it. */
export class Wrong extends Error {}

type Check = (value: unknown) => boolean;

const LINE = /^[^\p{Cc}\u2028\u2029]{1,300}$/u;
const R_SOURCES = ['cran', 'debian'];
const FAMILIES = ['debian', 'rhel'];

/** One line of text that can be shown. */
export function isLine(value: unknown): value is string {
  return typeof value === 'string' && LINE.test(value);
}

/** A list of texts. */
export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

const isText: Check = (value) => typeof value === 'string';
const isCount: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
const isEnvironment: Check = (value) => isMapping(value) && Object.values(value).every(isText);
const isOptional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const oneOf =
  (texts: readonly unknown[]): Check =>
  (value) =>
    texts.includes(value);

const isPackages: Check = (value) =>
  isMapping(value) &&
  ('locked' in value
    ? isListOf(value['locked'], isLockedPackage) && isLine(value['glibc'])
    : isTexts(value['requirements']));

const isListOf = (value: unknown, check: Check): boolean => Array.isArray(value) && value.every(check);

const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const isFileName: Check = (value) => isLine(value) && !value.includes('/') && value !== '.' && value !== '..';

const isLockedFile: Check = (value) =>
  isMapping(value) &&
  isFileName(value['name']) &&
  isText(value['url']) &&
  orNull(isCount)(value['size']) &&
  isDigest(value['digest']);

const isLockedPackage: Check = (value) =>
  isMapping(value) &&
  isLine(value['name']) &&
  orNull(isLine)(value['version']) &&
  orNull(isText)(value['marker']) &&
  typeof value['direct'] === 'boolean' &&
  isListOf(value['wheels'], isLockedFile) &&
  orNull(isLockedFile)(value['sdist']);

const isLockedDeb: Check = (value) =>
  isMapping(value) &&
  ['name', 'version', 'architecture'].every((field) => isLine(value[field])) &&
  isPathInside(value['path']) &&
  isCount(value['size']) &&
  isDigest(value['digest']);

const isMirror: Check = (value) =>
  isMapping(value) &&
  isText(value['url']) &&
  ['security', 'keyring'].every((field) => isOptional(isText)(value[field]));

const isImagePlace: Check = (value) =>
  isMapping(value) && isLine(value['repository']) && ['registry', 'tag'].every((field) => orNull(isLine)(value[field]));

const isFileSet = (value: unknown): value is FileSet =>
  isMapping(value) &&
  typeof value['root'] === 'string' &&
  isAbsolute(value['root']) &&
  Array.isArray(value['files']) &&
  value['files'].every(
    (file) =>
      isMapping(file) && isPathInside(file['path']) && isDigest(file['digest']) && typeof file['exec'] === 'boolean',
  );

const isPathInside: Check = (value) =>
  typeof value === 'string' && value !== '' && !isAbsolute(value) && !value.split('/').includes('..');

type Fields<S extends Step['step']> = Record<Exclude<keyof Extract<Step, { step: S }>, 'step'>, Check>;

const STEPS: { readonly [S in Step['step']]: Fields<S> } = {
  rootfs: { files: isFileSet },
  layout: { files: isFileSet, name: orNull(isLine) },
  debian: { suite: isLine, packages: (value) => isListOf(value, isLockedDeb), mirror: orNull(isMirror) },
  dockerfile: { text: isText, files: isFileSet, froms: isTexts },
  fragment: { place: isLine, text: isText, files: isFileSet },
  'system-packages': { family: oneOf(FAMILIES), names: isTexts },
  user: { name: isLine, uid: isCount, gid: isCount, home: isLine },
  'python-env': { prefix: isLine, interpreter: isLine, packages: isPackages, bytecode: oneOf([true, false]) },
  'r-packages': { library: isLine, from: oneOf(R_SOURCES), names: isTexts },
  link: { folder: isLine, name: isFileName, target: isLine },
  copy: { files: isFileSet, to: isLine, owner: isLine },
  run: { files: isFileSet, mount: isLine, workdir: isLine, argv: isTexts, env: isEnvironment },
  delegate: { kind: isLine, request: isEnvironment, at: (value) => isListOf(value, isImagePlace) },
};

const CONFIG: Record<Exclude<keyof ImageSpec, 'steps'>, Check> = {
  env: isEnvironment,
  buildEnv: isOptional(isEnvironment),
  user: isOptional(isLine),
  workdir: isOptional(isLine),
  entrypoint: isOptional(isTexts),
};

/** A spec whose steps are known and whose fields are of their types. */
export function specOf(value: unknown): ImageSpec {
  if (!isMapping(value)) throw new Wrong('has no `spec`');
  const { steps } = value;
  if (!Array.isArray(steps)) throw new Wrong('has a `spec` without `steps`');
  for (const [index, step] of (steps as readonly unknown[]).entries()) checkStep(step, index);
  for (const [field, check] of Object.entries(CONFIG))
    if (!check(value[field])) throw new Wrong(`has a \`spec\` with a \`${field}\` that cannot be used`);
  return value as unknown as ImageSpec;
}

function checkStep(step: unknown, index: number): void {
  const name = isMapping(step) ? step['step'] : undefined;
  if (!isMapping(step) || typeof name !== 'string' || !Object.hasOwn(STEP_VERSIONS, name))
    throw new Wrong(`has a step that this rebake does not know: number ${index + 1}`);
  for (const [field, check] of Object.entries(STEPS[name as Step['step']] as Readonly<Record<string, Check>>))
    if (!check(step[field])) throw new Wrong(`has a step \`${name}\` with a \`${field}\` that cannot be used`);
  if ((name === 'rootfs' || name === 'dockerfile' || name === 'layout') && index > 0)
    throw new Wrong(`has a step \`${name}\` that is not the first`);
}

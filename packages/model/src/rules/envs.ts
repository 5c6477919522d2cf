/** Rules of code envs: each env, or each version of one, with all that its images need. */
import { posix } from 'node:path';
import type { EnvSummary, Loaded } from '../contract.ts';
import { listed } from '../names.ts';
import { defaultPythonsSentence } from '../releases.ts';
import type { CodeEnvConfig } from '../schema.ts';
import { builderFor } from './builders.ts';
import type { BuildersFacts } from './builders.ts';
import type { CodeEnvFacts, ConfigFacts, EnvContents, ResourcesFacts } from './facts.ts';
import { setAt } from './filesets.ts';
import { readFragments } from './fragments.ts';
import { noteIncompatible } from './incompatible.ts';
import { laterInContents, laterInEnv } from './later.ts';
import { readPackages } from './packages.ts';
import type { KeyPath, Problems } from './problems.ts';
import { selectConfigs, selectedNames } from './selection.ts';

/** What locks are called: PEP 751 says so for Python, rebake for Debian packages. */
const LOCK_NAMES = {
  python: { pattern: /^pylock(?:\.[^/.]+)?\.toml$/, words: '`pylock.toml` or `pylock.NAME.toml`' },
  r: { pattern: /^[^/]+\.lock\.json$/, words: '`NAME.lock.json`' },
} as const;

/** Code envs as understood: the sound ones, and a summary of every declared one. */
export interface EnvsFacts {
  readonly sound: readonly CodeEnvFacts[];
  readonly summaries: ReadonlyMap<string, EnvSummary>;
}

/** Reads all code envs, in the order of the declaration. */
export function readEnvs(
  loaded: Loaded,
  configs: ReadonlyMap<string, ConfigFacts>,
  builders: BuildersFacts,
  problems: Problems,
): EnvsFacts {
  const sound: CodeEnvFacts[] = [];
  const summaries = new Map<string, EnvSummary>();
  for (const [name, config] of Object.entries(loaded.config.codeEnvs)) {
    const path: KeyPath = ['codeEnvs', name];
    if (problems.removed.touches(path)) continue;
    const start = problems.mark();
    const versions = versionsOf(config, path, problems);
    const selected = selectConfigs(loaded, name, config, configs, path, problems);
    if (config.containerConfigs !== 'none') {
      noteIncompatible(name, config, versions, path, problems);
    }
    laterInEnv(config, path, problems);
    const builder = builderFor(config.builder, path, builders, problems);
    const refused = problems.firstErrorSince(start);
    for (const { version, contents, path: contentsPath } of versions) {
      const from = problems.mark();
      const id = version === null ? name : `${name}:${version}`;
      const facts = readContents(
        loaded,
        { id, name, version, config, contents, path, contentsPath, configs: selected, builder },
        problems,
      );
      const code = refused ?? problems.firstErrorSince(from);
      summaries.set(id, {
        name,
        language: config.language,
        jupyter: contents.jupyter,
        configs: selectedNames(loaded, config),
        refused: code,
      });
      if (code === null && selected.length > 0) sound.push(facts);
    }
  }
  return { sound, summaries };
}

interface Version {
  readonly version: string | null;
  readonly contents: EnvContents;
  readonly path: KeyPath;
}

function versionsOf(config: CodeEnvConfig, path: KeyPath, problems: Problems): Version[] {
  const versioned = config.deployment === 'automation-versioned';
  if (!versioned && config.versions === undefined) return [{ version: null, contents: config, path }];
  const declared = Object.entries(config.versions ?? {});
  if (versioned && declared.length === 0)
    problems.add(
      'ENV_VERSIONS',
      [...path, 'deployment'],
      'The code env is `automation-versioned`, but has no versions',
    );
  if (!versioned && config.versions !== undefined)
    problems.add(
      'ENV_VERSIONS',
      [...path, 'versions'],
      `Only \`automation-versioned\` code envs have versions, and this one is \`${config.deployment}\``,
    );
  if (!versioned || declared.length === 0) return [{ version: null, contents: config, path }];
  return declared.map(([version, contents]) => ({ version, contents, path: [...path, 'versions', version] }));
}

interface Reading extends Version {
  readonly id: string;
  readonly name: string;
  readonly config: CodeEnvConfig;
  readonly contentsPath: KeyPath;
  readonly configs: readonly ConfigFacts[];
  readonly builder: string;
}

function readContents(loaded: Loaded, env: Reading, problems: Problems): CodeEnvFacts {
  const { id, name, version, config, contents, path, contentsPath, configs, builder } = env;
  laterInContents(contents, contentsPath, problems);
  noteInterpreter(env, problems);
  noteLockName(env, problems);
  const { fragments: texts } = contents;
  const fragments = readFragments(
    loaded,
    [...contentsPath, 'fragments'],
    [
      ['at-start', 'atStart', texts.atStart],
      ['before-packages', 'beforePackages', texts.beforePackages],
      ['after-conda-packages', 'afterCondaPackages', texts.afterCondaPackages],
      ['after-packages', 'afterPackages', texts.afterPackages],
      ['at-end', 'atEnd', texts.atEnd],
    ],
    problems,
  );
  const packages = readPackages(loaded, contents.packages, [...contentsPath, 'packages'], config.language, problems);
  const resources = readResources(loaded, env, problems);
  const interpreter = config.language === 'python' ? (contents.interpreter ?? null) : null;
  return {
    id,
    name,
    version,
    language: config.language,
    jupyter: contents.jupyter,
    path,
    contentsPath,
    interpreter,
    packages,
    fragments,
    resources,
    lock: contents.lock ?? null,
    bytecode: contents.bytecode,
    configs,
    builder,
  };
}

/** `rebake lock` writes over what stands there: a file of requirements must not be taken for a lock. */
function noteLockName({ name, config, contents, contentsPath }: Reading, problems: Problems): void {
  const { lock } = contents;
  if (lock === undefined || LOCK_NAMES[config.language].pattern.test(posix.basename(lock))) return;
  problems.add(
    'BAD_LOCK_NAME',
    [...contentsPath, 'lock'],
    `The code env \`${name}\` names \`${lock}\` as its lock, and locks of ${config.language === 'r' ? 'R' : 'Python'} envs are called ${LOCK_NAMES[config.language].words}`,
  );
}

/** An interpreter has to be in each base, and one that the plugin of the env accepts. */
function noteInterpreter({ name, config, contents, contentsPath, configs }: Reading, problems: Problems): void {
  const at = [...contentsPath, 'interpreter'];
  const bases = [...new Set(configs.map((one) => one.base))];
  if (config.language === 'r') {
    const lacking = bases.filter((base) => !base.r);
    if (lacking.length > 0)
      problems.add(
        'INTERPRETER_MISSING',
        contentsPath,
        `The code env \`${name}\` needs R, which ${listed(lacking.map((base) => base.name))} ${lacking.length === 1 ? 'does' : 'do'} not have`,
        'Use a base image with R, and say so with `r: true` there.',
      );
    return;
  }
  const wanted = contents.interpreter;
  if (wanted === undefined || wanted === 'custom') return;
  if (
    config.acceptedInterpreters !== undefined &&
    config.acceptedInterpreters.length > 0 &&
    !config.acceptedInterpreters.includes(wanted)
  ) {
    problems.add(
      'INTERPRETER_NOT_ACCEPTED',
      at,
      `The code env \`${name}\` uses Python ${wanted}, but its plugin accepts ${listed(config.acceptedInterpreters)}`,
    );
    return;
  }
  const [lacking, ...others] = bases.filter((base) => !base.pythons.includes(wanted));
  if (lacking === undefined) return;
  const names = listed([lacking, ...others].map((base) => base.name));
  const has = others.length === 0 ? ` (it has ${listed(lacking.pythons)})` : '';
  problems.add(
    'INTERPRETER_MISSING',
    at,
    `The code env \`${name}\` needs Python ${wanted}, which ${names} ${others.length === 0 ? 'does' : 'do'} not have${has}`,
    `Choose another interpreter, or another base, or add \`"${wanted}"\` to \`python:\` of the base if it is in the image.${defaultPythonsSentence(lacking.release.version)}`,
  );
}

function readResources(
  loaded: Loaded,
  { name, config, contents, contentsPath }: Reading,
  problems: Problems,
): ResourcesFacts {
  const { resources } = contents;
  const path = [...contentsPath, 'resources'];
  if (resources === 'none') return null;
  if (config.language === 'r') {
    problems.add(
      'RESOURCES_NOT_AVAILABLE',
      path,
      `The code env \`${name}\` is an R env, and only Python envs have a resources directory`,
    );
    return null;
  }
  if (!contents.corePackages.install) {
    problems.add(
      'RESOURCES_NOT_AVAILABLE',
      path,
      `The code env \`${name}\` has resources, but does not install the core packages that they need`,
      'Set `corePackages.install` to true, or `resources` to `none`.',
    );
    return null;
  }
  if (resources.mode === 'copy') {
    const files = setAt(loaded, [...path, 'dir']);
    return files === null ? null : { mode: 'copy', files };
  }
  const files = setAt(loaded, [...path, 'script']);
  return files === null ? null : { mode: 'script', files, script: posix.basename(resources.script) };
}

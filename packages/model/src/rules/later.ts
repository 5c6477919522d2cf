/** Fields that are accepted today and acted on later: said for each that is used, as an error where nothing sensible could be built without it. */
import type { BaseImageConfig, CodeEnvConfig, Config, ContainerConfig } from '../schema.ts';
import type { EnvContents } from './facts.ts';
import type { KeyPath, Problems } from './problems.ts';

function later(path: KeyPath, problems: Problems): void {
  const name = `\`${String(path.at(-1))}\``;
  problems.add('NOT_ACTED_ON_YET', path, `${name} is accepted, but not acted on yet`);
}

function unsupported(path: KeyPath, what: string, problems: Problems): void {
  problems.add('NOT_SUPPORTED_YET', path, what);
}

/** Of a base image; `fromLayers`: it is on another base, and made of layers without an engine. */
export function laterInBase(config: BaseImageConfig, path: KeyPath, fromLayers: boolean, problems: Problems): void {
  if (config.type !== 'container-exec')
    problems.add(
      'NOT_ACTED_ON_YET',
      [...path, 'type'],
      `What DSS needs in a base of type \`${config.type}\` beyond its kit is not known to rebake: it has to be in \`from\`, and so has the entrypoint`,
    );
  for (const field of ['cuda', 'cudnn', 'cranMirror'] as const)
    if (config[field] !== undefined) later([...path, field], problems);
  for (const field of ['buildOptions', 'plugins', 'drivers'] as const)
    if (config[field].length > 0) later([...path, field], problems);
  // Without pip nothing takes away the versions that the base below has of the same packages.
  if (fromLayers && config.packages !== undefined)
    unsupported(
      [...path, 'packages'],
      'Packages cannot be added to the environment of another base without an engine yet',
      problems,
    );
}

/** Of a container config: what only DSS itself reads. */
export function laterInConfig(config: ContainerConfig, path: KeyPath, problems: Problems): void {
  if (config.usableBy !== 'all') later([...path, 'usableBy'], problems);
  if (config.workloadType !== undefined) later([...path, 'workloadType'], problems);
  if (Object.keys(config.properties).length > 0) later([...path, 'properties'], problems);
}

/** Of a code env as a whole. */
export function laterInEnv(config: CodeEnvConfig, path: KeyPath, problems: Problems): void {
  if (config.sparkConfigs !== 'none' && config.sparkConfigs.length > 0) later([...path, 'sparkConfigs'], problems);
}

/** Of what differs between versions of a code env. */
export function laterInContents(contents: EnvContents, path: KeyPath, problems: Problems): void {
  if (contents.conda !== undefined) unsupported([...path, 'conda'], 'Conda envs cannot be built yet', problems);
  if (contents.corePackages.set !== 'AUTO') later([...path, 'corePackages', 'set'], problems);
  if (contents.cacheBusting !== 'after-start-dockerfile') later([...path, 'cacheBusting'], problems);
  if (contents.runtimeAdditions.length > 0) later([...path, 'runtimeAdditions'], problems);
}

/** Of whole sections. */
export function laterInSections(config: Config, problems: Problems): void {
  for (const section of ['sparkConfigs', 'codeStudioTemplates', 'apiServices', 'instances'] as const) {
    for (const name of Object.keys(config[section])) later([section, name], problems);
  }
}

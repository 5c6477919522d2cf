/** Rules of container configs and registries: what is published where, under which tags. */
import { posix } from 'node:path';
import type { Platform, RegistryAccess } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import { insteadOf, isRepository, isTag, registryPlace, repositoryComponent } from '../names.ts';
import { RELEASE_VERSION } from '../schema-words.ts';
import type { ContainerConfig } from '../schema.ts';
import type { BaseFacts, ConfigFacts, RegistryFacts } from './facts.ts';
import { laterInConfig } from './later.ts';
import type { KeyPath, Problems } from './problems.ts';

/** Platform of images whose base and config name none. */
export const DEFAULT_PLATFORM: Platform = 'linux/amd64';

/** Registries that can be named; null for those with a diagnostic of their own. */
export function readRegistries(loaded: Loaded, problems: Problems): ReadonlyMap<string, RegistryFacts | null> {
  const found = new Map<string, RegistryFacts | null>();
  for (const [name, registry] of Object.entries(loaded.config.registries)) {
    const pull = registryPlace(registry.url);
    const push = registry.pushUrl === undefined ? pull : registryPlace(registry.pushUrl);
    if (pull === null)
      problems.add(
        'BAD_REFERENCE',
        ['registries', name, 'url'],
        `\`${registry.url}\` is no registry: its host needs a dot or a port, and its path the form of a repository`,
      );
    else if (push === null)
      problems.add(
        'BAD_REFERENCE',
        ['registries', name, 'pushUrl'],
        `\`${registry.pushUrl ?? ''}\` is no registry: its host needs a dot or a port, and its path the form of a repository`,
      );
    found.set(name, pull === null || push === null ? null : { name, pull, push });
  }
  return found;
}

/** How each host is reached; a host that several registries share is reached as the first of them says. */
export function readRegistryAccess(
  loaded: Loaded,
  registries: ReadonlyMap<string, RegistryFacts | null>,
): RegistryAccess[] {
  const byHost = new Map<string, RegistryAccess>();
  for (const facts of registries.values()) {
    if (facts === null) continue;
    const { ca, insecure, parallel } = loaded.config.registries[facts.name] ?? {};
    for (const { host } of [facts.push, facts.pull]) {
      if (byHost.has(host)) continue;
      byHost.set(host, {
        host,
        ...(ca !== undefined && { ca: posix.resolve(loaded.root, ca) }),
        ...(insecure !== undefined && { insecure }),
        ...(parallel !== undefined && { atOnce: parallel }),
      });
    }
  }
  return [...byHost.values()];
}

/** Sound container configs by name, in the order of the declaration. */
export function readConfigs(
  loaded: Loaded,
  bases: ReadonlyMap<string, BaseFacts>,
  registries: ReadonlyMap<string, RegistryFacts | null>,
  problems: Problems,
): ReadonlyMap<string, ConfigFacts> {
  const found = new Map<string, ConfigFacts>();
  for (const [name, config] of Object.entries(loaded.config.containerConfigs)) {
    const facts = readConfig(loaded, name, config, bases, registries, problems);
    if (facts !== null) found.set(name, facts);
  }
  return found;
}

function readConfig(
  loaded: Loaded,
  name: string,
  config: ContainerConfig,
  bases: ReadonlyMap<string, BaseFacts>,
  registries: ReadonlyMap<string, RegistryFacts | null>,
  problems: Problems,
): ConfigFacts | null {
  const path: KeyPath = ['containerConfigs', name];
  if (problems.removed.touches(path)) return null;
  const before = problems.errors;
  laterInConfig(config, path, problems);
  const registry = config.registry === undefined ? null : registries.get(config.registry);
  if (registry === undefined && !problems.removed.touches(['registries', config.registry ?? ''])) {
    problems.add(
      'UNKNOWN_REGISTRY',
      [...path, 'registry'],
      `There is no registry \`${config.registry}\``,
      insteadOf(config.registry ?? '', [...registries.keys()], 'registry'),
    );
  }
  const base = bases.get(config.base);
  if (base === undefined) {
    const names = Object.keys(loaded.config.baseImages);
    // A declared base that is not sound has its diagnostic.
    if (!names.includes(config.base) && !problems.removed.touches(['baseImages', config.base]))
      problems.add(
        'UNKNOWN_BASE',
        [...path, 'base'],
        `There is no base image \`${config.base}\``,
        insteadOf(config.base, names, 'base image'),
      );
    return null;
  }
  const platform = config.platform ?? base.platform ?? DEFAULT_PLATFORM;
  if (base.platform !== null && platform !== base.platform) {
    problems.add(
      'PLATFORM_MISMATCH',
      [...path, 'platform'],
      `\`${name}\` runs on ${platform}, but its base \`${base.name}\` is for ${base.platform}`,
    );
  }
  // What depends on the platform alone was not seen when the base was read.
  const unseen = base.dockerfile(platform)?.problems.find((one) => one.code !== 'DOCKERFILE_FRONTEND');
  if (unseen !== undefined) {
    problems.add(
      unseen.code,
      [...path, 'platform'],
      `On ${platform}, line ${unseen.line} of the Dockerfile of \`${base.name}\` cannot be built: ${unseen.message}`,
    );
  }
  const repository = interpolated(config.repository ?? repositoryComponent(base.name), base);
  const full = registry?.push.path ? `${registry.push.path}/${repository}` : repository;
  if (!isRepository(full))
    problems.add(
      'BAD_REFERENCE',
      [...path, config.repository === undefined ? 'base' : 'repository'],
      `\`${repository}\` is no repository path`,
    );
  const tags = config.tags.map((tag) => interpolated(tag, base));
  for (const [index, tag] of tags.entries()) {
    if (!isTag(tag))
      problems.add('BAD_TAG', [...path, 'tags', index], `\`${tag}\` is no tag, or one that rebake keeps for itself`);
  }
  if (problems.errors > before || registry === undefined || (registry === null && config.registry !== undefined))
    return null;
  return { name, config, path, base, platform, registry, repository, tags: [...new Set(tags)] };
}

/** Puts the version of a base's release where the declaration says so. */
export function interpolated(text: string, base: BaseFacts): string {
  return text.replaceAll(RELEASE_VERSION, base.release.version);
}

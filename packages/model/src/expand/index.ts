/** The declaration as a graph: a pure function of what was loaded. All rules run here too, so that every problem is told at once. */
import type { BuildAccess, External, Image, Node, NodeId, Platform } from '@rebake/sdk';
import type { Expansion, ImageFacts, Loaded } from '../contract.ts';
import { isRepository, isTag, repositoryComponent } from '../names.ts';
import { readBases } from '../rules/bases.ts';
import { proxyOf, readAccess, readBuilders } from '../rules/builders.ts';
import { DEFAULT_PLATFORM, interpolated, readConfigs, readRegistries, readRegistryAccess } from '../rules/configs.ts';
import { readEnvs } from '../rules/envs.ts';
import type { BaseFacts, CodeEnvFacts, ConfigFacts } from '../rules/facts.ts';
import { laterInSections } from '../rules/later.ts';
import { readLocks, type Locks } from '../rules/locks.ts';
import { Problems } from '../rules/problems.ts';
import { readPrePush } from '../rules/pre-push.ts';
import { readReleases } from '../rules/releases.ts';
import { RELEASE_VERSION } from '../schema-words.ts';
import { baseId, baseNode, externalId, externalsOf } from './base.ts';
import { EnvImages, envId } from './env.ts';
import { Publications } from './publications.ts';

/**
 * Expands a declaration. `removed` are the paths that loading took out of a faulty one: what only follows from that is not told again.
 * What has an error yields no nodes; the rest does. Linear in the size of the declaration and of the graph.
 */
export function expand(loaded: Loaded, removed: readonly string[] = []): Expansion {
  const problems = new Problems(loaded, removed);
  const { config } = loaded;
  const builders = readBuilders(config);
  const registries = readRegistries(loaded, problems);
  const releases = readReleases(loaded, problems);
  const bases = readBases(loaded, releases, builders, problems);
  const configs = readConfigs(loaded, bases, registries, problems);
  const prePush = readPrePush(loaded, registries, configs, problems);
  const envs = readEnvs(loaded, configs, builders, problems);
  noteBuiltinEnv(loaded, problems);
  laterInSections(config, problems);

  const platforms = platformsOf(bases, configs);
  const users = { bases: platforms, envs: envs.sound, configs: configs.values() };
  const locks = readLocks(loaded, users, builders, problems);

  const graph = new Graph(loaded, locks, problems);
  for (const one of configs.values()) graph.base(one.base, one.platform);
  for (const base of bases.values()) {
    for (const platform of platforms.get(base) ?? []) graph.base(base, platform);
    graph.handOver(base, problems);
  }
  const published = [...configs.values()].filter((one) => graph.hasBase(one.base, one.platform));
  for (const one of published) graph.publications.bind(baseId(one.base.name, one.platform), null, one);
  for (const one of published) graph.publications.ancestors(one);
  for (const env of envs.sound) graph.env(env);
  return {
    nodes: [...graph.nodes, ...graph.publications.nodes()],
    bindings: graph.publications.bindings,
    registries: readRegistryAccess(loaded, registries),
    builders: builders.byName,
    access: readAccess(loaded),
    proxies: graph.proxies,
    prePush,
    state: config.state === undefined ? null : { path: ['state'], ...config.state },
    envs:
      locks.refused.size === 0
        ? envs.summaries
        : new Map(
            [...envs.summaries].map(([id, one]) => [id, { ...one, refused: locks.refused.get(id) ?? one.refused }]),
          ),
    configs: Object.keys(config.containerConfigs),
    images: graph.images,
    locks: locks.lockables,
    diagnostics: problems.found,
  };
}

/** Platforms that each base is made for: those of the configs that need it, else its own. Parents first. */
function platformsOf(
  bases: ReadonlyMap<string, BaseFacts>,
  configs: ReadonlyMap<string, ConfigFacts>,
): ReadonlyMap<BaseFacts, ReadonlySet<Platform>> {
  const found = new Map<BaseFacts, Set<Platform>>([...bases.values()].map((base) => [base, new Set()]));
  const add = (base: BaseFacts, platform: Platform): void => {
    for (let at: BaseFacts | null = base; at !== null; at = at.parent) found.get(at)?.add(platform);
  };
  for (const { base, platform } of configs.values()) add(base, platform);
  for (const base of bases.values()) if (found.get(base)?.size === 0) add(base, base.platform ?? DEFAULT_PLATFORM);
  return found;
}

function noteBuiltinEnv(loaded: Loaded, problems: Problems): void {
  const packages = loaded.config.builtinEnv?.packages;
  if (packages === undefined || (Array.isArray(packages) && packages.length === 0)) return;
  problems.add(
    'BUILTIN_ENV_MODIFIED',
    ['builtinEnv', 'packages'],
    'Packages were added by hand to the builtin env of DSS, which images do not have',
  );
}

/** Images in the making: each once, parents first. */
class Graph {
  readonly nodes: Node[] = [];
  readonly images = new Map<NodeId, ImageFacts>();
  readonly publications: Publications;
  readonly proxies = new Map<NodeId, NonNullable<BuildAccess['proxy']>>();
  private readonly loaded: Loaded;
  private readonly locks: Locks;
  private readonly platforms = new Map<BaseFacts, Set<Platform>>();
  private readonly externals = new Set<NodeId>();

  constructor(loaded: Loaded, locks: Locks, problems: Problems) {
    this.loaded = loaded;
    this.locks = locks;
    this.publications = new Publications(loaded, problems);
  }

  /** Whether there is an image of a base: it has its locks, and so has what it is built on. */
  hasBase(base: BaseFacts, platform: Platform): boolean {
    return this.platforms.get(base)?.has(platform) === true;
  }

  /** Adds a base on a platform, and what it is built on, as far as they have their locks. */
  base(base: BaseFacts, platform: Platform): void {
    const chain: BaseFacts[] = [];
    for (let at: BaseFacts | null = base; at !== null && this.platforms.get(at)?.has(platform) !== true; at = at.parent)
      chain.push(at);
    for (const one of chain.toReversed()) {
      const pins = this.locks.ofBase(one, platform);
      if (!pins.sound) return;
      const platforms = this.platforms.get(one) ?? new Set();
      this.platforms.set(one, platforms.add(platform));
      for (const external of externalsOf(one, platform)) this.external(one, external.ref, external.platform);
      const proxy = proxyOf(one.config.proxy);
      if (proxy !== undefined) this.proxies.set(baseId(one.name, platform), proxy);
      this.image(baseNode(this.loaded, one, platform, pins), {
        type: 'base',
        name: one.name,
        release: one.release.version,
        platform,
      });
    }
  }

  /** The names that a base asks for in its engine, if it does. */
  handOver(base: BaseFacts, problems: Problems): void {
    const { config, path } = base;
    if (config.repository === undefined && config.tags.length === 0) return;
    const repository = interpolated(config.repository ?? repositoryComponent(base.name), base);
    const tags = (config.tags.length > 0 ? config.tags : [`dss-${RELEASE_VERSION}`]).map((tag) =>
      interpolated(tag, base),
    );
    if (!isRepository(repository))
      problems.add('BAD_REFERENCE', [...path, 'repository'], `\`${repository}\` is no repository path`);
    const bad = tags.find((tag) => !isTag(tag));
    if (bad !== undefined)
      problems.add('BAD_TAG', [...path, 'tags'], `\`${bad}\` is no tag, or one that rebake keeps for itself`);
    if (!isRepository(repository) || bad !== undefined) return;
    for (const platform of this.platforms.get(base) ?? []) this.publications.handOver(base, platform, repository, tags);
  }

  /** Adds the images of an env, one a base and platform, and binds them. */
  env(env: CodeEnvFacts): void {
    const images = new EnvImages(this.loaded, env);
    for (const config of env.configs) {
      const { base, platform } = config;
      const id = envId(env, base, platform);
      const pins = this.locks.ofEnv(env, base, platform);
      if (!pins.sound || !this.hasBase(base, platform)) continue;
      if (!this.images.has(id)) {
        this.image(images.node(base, platform, pins), {
          type: 'env',
          name: env.id,
          release: base.release.version,
          platform,
          language: env.language,
          jupyter: env.jupyter,
        });
      }
      this.publications.bind(id, env, config);
    }
  }

  private image(node: Image, facts: ImageFacts): void {
    this.images.set(node.id, facts);
    this.nodes.push(node);
  }

  private external(base: BaseFacts, ref: string, platform: Platform): void {
    const id = externalId(ref, platform);
    if (this.externals.has(id)) return;
    this.externals.add(id);
    const { loaded } = this;
    const node: External = {
      id,
      kind: 'external image',
      role: 'external',
      ref,
      platform,
      inputs: {},
      parents: [],
      get because() {
        return [loaded.locate([...base.path, 'from'])];
      },
    };
    this.nodes.push(node);
  }
}

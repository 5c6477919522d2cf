/** Publications: which image goes into which repository under which tags, and who collides with whom there. */
import { compareBytes, digestOfBytes } from '@rebake/sdk';
import type { NodeId, Platform, Publication, Where } from '@rebake/sdk';
import type { Binding, Loaded } from '../contract.ts';
import { repositoryComponent } from '../names.ts';
import type { BaseFacts, CodeEnvFacts, ConfigFacts } from '../rules/facts.ts';
import type { KeyPath, Problems } from '../rules/problems.ts';
import { baseId } from './base.ts';
import { Ledger } from './inputs.ts';

/** What asks for a publication. */
interface Demand {
  readonly image: NodeId;
  readonly env: CodeEnvFacts | null;
  readonly base: BaseFacts;
  readonly config: ConfigFacts | null;
  readonly registry: string | null;
  readonly repository: string;
  readonly tags: readonly string[];
  readonly at: KeyPath;
}

interface Draft {
  readonly first: Demand;
  readonly tags: string[];
  readonly places: KeyPath[];
}

/** Last component of a repository: what is in it. */
export function leafOf(env: CodeEnvFacts | null): string {
  if (env === null) return 'base';
  const version = env.version === null ? '' : `-${env.version}`;
  return repositoryComponent(`${env.language === 'r' ? 'renv' : 'pyenv'}-${env.name}${version}`);
}

/** Gathers publications and bindings. */
export class Publications {
  readonly bindings: Binding[] = [];
  private readonly loaded: Loaded;
  private readonly problems: Problems;
  private readonly drafts = new Map<NodeId, Draft>();
  private readonly told = new Set<string>();
  // Bases, by host.
  private readonly published = new Set<string>();

  constructor(loaded: Loaded, problems: Problems) {
    this.loaded = loaded;
    this.problems = problems;
  }

  /** Publishes an image for a config, and binds (env or none, config) to it. */
  bind(image: NodeId, env: CodeEnvFacts | null, config: ConfigFacts): void {
    const leaf = `${config.repository}/${leafOf(env)}`;
    const { registry, tags, base } = config;
    const repository = below(registry?.push.path, leaf);
    const id = this.demand({
      image,
      env,
      base,
      config,
      registry: registry?.push.host ?? null,
      repository,
      tags,
      at: config.path,
    });
    if (id === null) return;
    const pullName = registry === null ? repository : `${registry.pull.host}/${below(registry.pull.path, leaf)}`;
    this.bindings.push({
      env: env?.id ?? null,
      config: config.name,
      publication: id,
      image,
      pullName,
      tag: tags[0] ?? '',
    });
  }

  /** Publishes a base into the engine of its builder under the names that a DSS on the same engine looks for. */
  handOver(base: BaseFacts, platform: Platform, repository: string, tags: readonly string[]): void {
    this.demand({
      image: baseId(base.name, platform),
      env: null,
      base,
      config: null,
      registry: null,
      repository,
      tags,
      at: base.path,
    });
  }

  /**
   * Publishes, without a tag, what a published base is built on: a machine that has nothing adopts it from there.
   * To be called when all bases are bound.
   */
  ancestors(config: ConfigFacts): void {
    const { registry, platform } = config;
    if (registry === null) return;
    for (let base = config.base.parent; base !== null; base = base.parent) {
      const image = baseId(base.name, platform);
      if (this.published.has(`${registry.push.host} ${image}`)) continue;
      const repository = below(registry.push.path, `${repositoryComponent(base.name)}/${leafOf(null)}`);
      this.demand({
        image,
        env: null,
        base,
        config: null,
        registry: registry.push.host,
        repository,
        tags: [],
        at: config.path,
      });
    }
  }

  private demand(demand: Demand): NodeId | null {
    const { image, registry, repository, tags, at } = demand;
    const id = `publication/${registry ?? 'engine'}/${repository}` as NodeId;
    const draft = this.drafts.get(id);
    if (draft === undefined) {
      this.drafts.set(id, { first: demand, tags: [...tags], places: [at] });
      if (demand.env === null) this.published.add(`${registry ?? ''} ${image}`);
      return id;
    }
    if (draft.first.image !== image) {
      this.tellCollision(draft.first, demand);
      return null;
    }
    for (const tag of tags) if (!draft.tags.includes(tag)) draft.tags.push(tag);
    draft.places.push(at);
    return id;
  }

  private tellCollision(first: Demand, second: Demand): void {
    const place = `\`${second.repository}\` of ${second.registry === null ? 'the engine' : `\`${second.registry}\``}`;
    const tell = (
      code: 'NAME_COLLISION' | 'PUBLICATION_COLLISION',
      what: string,
      a: string,
      b: string,
      path: KeyPath,
    ): void => {
      // Two configs that collide do so with every env: one cause, one diagnostic.
      if (this.told.has(`${code} ${a} ${b}`)) return;
      this.told.add(`${code} ${a} ${b}`);
      this.problems.add(code, path, `The ${what} \`${a}\` and \`${b}\` both publish to ${place}`);
    };
    if (first.env?.id !== second.env?.id)
      tell(
        'NAME_COLLISION',
        'code envs',
        first.env?.id ?? '',
        second.env?.id ?? '',
        second.env?.contentsPath ?? second.at,
      );
    else if (
      first.base !== second.base &&
      second.config?.config.repository === undefined &&
      first.config?.config.repository === undefined
    ) {
      tell('NAME_COLLISION', 'base images', first.base.name, second.base.name, second.base.path);
    } else
      tell(
        'PUBLICATION_COLLISION',
        'container configs',
        first.config?.name ?? first.base.name,
        second.config?.name ?? second.base.name,
        second.at,
      );
  }

  /** All of them, in the order in which they were first asked for. */
  nodes(): Publication[] {
    const nodes: Publication[] = [];
    for (const [id, draft] of this.drafts) nodes.push(publicationNode(this.loaded, id, draft));
    return nodes;
  }
}

function below(path: string | undefined, leaf: string): string {
  return path === undefined || path === '' ? leaf : `${path}/${leaf}`;
}

function publicationNode(loaded: Loaded, id: NodeId, { first, tags, places }: Draft): Publication {
  const { image, registry, repository } = first;
  tags.sort(compareBytes);
  const ledger = new Ledger<'publication'>()
    .text('registry', registry ?? 'engine')
    .note('repository', { digest: digestOfBytes(repository), shown: repository });
  for (const tag of tags) ledger.text(`tags/${tag}`, tag);
  return {
    id,
    kind: 'publication',
    role: 'publication',
    registry,
    repository,
    tags,
    inputs: ledger.inputs(),
    parents: [image],
    get because(): Where[] {
      return places.map((path) => loaded.locate(path));
    },
  };
}

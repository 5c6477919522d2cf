/** Small worlds for tests of the planner: declare nodes, have everything built, then change what the test is about. */
import {
  digestOf,
  type BuildError,
  type Candidate,
  type Capabilities,
  type Digest,
  type Entry,
  type External,
  type Image,
  type Input,
  type Inputs,
  type Location,
  type Node,
  type NodeId,
  type Output,
  type Plan,
  type Publication,
  type Seen,
  type State,
  type Step,
  type Where,
  type Wish,
  type World,
} from '@rebake/sdk';
import { buildGraph, keyOf, plan, type Planned } from '../src/index.ts';

export const REGISTRY = 'registry.test:5000';
export const ENGINE = 'engine-1';
export const SOMEWHERE: Where = { file: 'rebake.yaml', line: 3, column: 5, path: 'codeEnvs.glm' };
export const NO_ANSWER: BuildError = { code: 'UNREACHABLE', retry: 'backoff', words: 'connection refused' };

export function id(text: string): NodeId {
  return text as NodeId;
}

const digests = new Map<string, Digest>();

export function digest(text: string): Digest {
  const known = digests.get(text) ?? digestOf(text);
  digests.set(text, known);
  return known;
}

export function input(text: string): Input {
  return { digest: digest(text), shown: text };
}

export function inputs(texts: Readonly<Record<string, string>>): Inputs {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, input(text)]));
}

interface Common {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly kind?: string;
}

export function external(name: string, more: Common & { readonly ref?: string } = {}): External {
  const { ref = `${name}:1`, kind = 'external image' } = more;
  return {
    role: 'external',
    id: id(name),
    kind,
    inputs: inputs(more.inputs ?? { ref }),
    parents: [],
    because: [SOMEWHERE],
    ref,
    platform: 'linux/amd64',
  };
}

export function image(
  name: string,
  parents: readonly string[] = [],
  more: Common & Partial<Pick<Image, 'builder' | 'platform'>> & { readonly steps?: readonly Step[] } = {},
): Image {
  const { builder = 'docker', platform = 'linux/amd64', kind = 'image', steps = [] } = more;
  return {
    role: 'image',
    id: id(name),
    kind,
    inputs: inputs(more.inputs ?? { text: '1' }),
    parents: parents.map(id),
    because: [SOMEWHERE],
    spec: { steps, env: {} },
    platform,
    builder,
  };
}

export function publication(
  name: string,
  of: string,
  more: Common & Partial<Pick<Publication, 'registry' | 'tags'>> = {},
): Publication {
  const { registry = REGISTRY, tags = ['latest'], kind = 'publication' } = more;
  return {
    role: 'publication',
    id: id(name),
    kind,
    inputs: inputs(more.inputs ?? { tags: tags.join() }),
    parents: [id(of)],
    because: [SOMEWHERE],
    registry,
    repository: name,
    tags,
  };
}

export const DOCKER: Capabilities = {
  engine: ENGINE,
  contents: 'dockerfile@1',
  steps: ['run@1', 'copy@1', 'delegate@1'],
  platforms: ['linux/amd64'],
  reproducible: false,
};

export function inEngine(name: string, engine: string = ENGINE): Location {
  return { engine, name };
}

export function inRegistry(repository: string): Location {
  return { registry: REGISTRY, repository, manifest: digest(`manifest of ${repository}`) };
}

/** Nodes with a past and a present. Everything can be replaced by a test. */
export class Scene {
  nodes: Node[];
  readonly entries = new Map<NodeId, Entry>();
  readonly outputs = new Map<NodeId, Seen<Output>>();
  readonly candidates = new Map<NodeId, Candidate>();
  readonly builders = new Map<string, Seen<Capabilities>>([['docker', { seen: 'yes', value: DOCKER }]]);
  readonly movedTags = new Map<NodeId, string>();
  lineage = 'lineage-1';
  refreshed = true;

  constructor(...nodes: Node[]) {
    this.nodes = nodes;
  }

  node(name: string): Node {
    const found = this.nodes.find((node) => node.id === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  /** Declares a node anew. */
  declare(node: Node): this {
    this.nodes = [...this.nodes.filter((other) => other.id !== node.id), node];
    return this;
  }

  undeclare(name: string): this {
    this.nodes = this.nodes.filter((node) => node.id !== name);
    return this;
  }

  /** The identity that `built` gives to a node. */
  identity(name: string): Digest {
    const node = this.node(name);
    return node.role === 'publication' ? this.identity(node.parents[0]!) : digest(`identity of ${name}`);
  }

  /** As after an apply in which everything succeeded: all nodes have fresh entries and are seen, images in the engine and in the registry. */
  built(): this {
    for (const node of buildGraph(this.nodes).order) {
      const identity = this.identity(node.id);
      const at = node.role === 'image' ? [inEngine(node.id), inRegistry(node.id)] : [inRegistry(node.id)];
      this.enter(node.id, identity);
      this.outputs.set(node.id, { seen: 'yes', value: { identity, at } });
    }
    return this;
  }

  /** Writes an entry of the node as it is declared now, made from the parents' present entries. */
  enter(name: string, identity: Digest, more: Partial<Entry> = {}): this {
    const node = this.node(name);
    const parents = node.parents.map((parent) => this.entries.get(parent)!.output.identity);
    const contents = this.contentsOf(name);
    this.entries.set(node.id, {
      version: (this.entries.get(node.id)?.version ?? 0) + 1,
      inputs: node.inputs,
      contents,
      parents: Object.fromEntries(node.parents.map((parent, at) => [parent, parents[at]!])),
      output: { identity, at: [] },
      key: node.role === 'image' ? keyOf(node, contents, parents) : null,
      at: '2026-01-01T00:00:00.000Z',
      run: 'run-1',
      plan: digest('plan-1'),
      ...more,
    });
    return this;
  }

  change(name: string, texts: Readonly<Record<string, string>>): this {
    return this.declare({ ...this.node(name), inputs: inputs(texts) });
  }

  see(name: string, ...at: Location[]): this {
    this.outputs.set(
      id(name),
      at.length === 0 ? { seen: 'no' } : { seen: 'yes', value: { identity: this.identity(name), at } },
    );
    return this;
  }

  seeOther(name: string, identity: Digest): this {
    this.outputs.set(id(name), { seen: 'yes', value: { identity, at: [inRegistry(name)] } });
    return this;
  }

  seeUnknown(name: string): this {
    this.outputs.set(id(name), { seen: 'unknown', why: NO_ANSWER });
    return this;
  }

  /** A candidate under the key that the node has with these identities of its parents. */
  candidate(name: string, identity: Digest, parents: readonly Digest[], ...at: Location[]): this {
    this.candidates.set(id(name), {
      key: keyOf(this.node(name), this.contentsOf(name), parents),
      output: { identity, at },
    });
    return this;
  }

  /** Somebody says to have made what is the candidate of a node. */
  claim(name: string): this {
    const found = this.candidates.get(id(name));
    if (found) this.candidates.set(id(name), { ...found, claim: { note: `somebody made ${name}`, unverified: [] } });
    return this;
  }

  builder(name: string, value: Partial<Capabilities>): this {
    this.builders.set(name, { seen: 'yes', value: { ...DOCKER, ...value } });
    return this;
  }

  contentsOf(name: string): string {
    const node = this.node(name);
    return node.role === 'image' ? this.capabilities(node.builder).contents : '';
  }

  capabilities(builder: string): Capabilities {
    const seen = this.builders.get(builder);
    if (seen?.seen !== 'yes') throw new Error(`builder ${builder} was not seen`);
    return seen.value;
  }

  copy(): Scene {
    const copy = new Scene(...this.nodes);
    for (const name of ['entries', 'outputs', 'candidates', 'builders', 'movedTags'] as const) {
      for (const [key, value] of this[name]) (copy[name] as Map<unknown, unknown>).set(key, value);
    }
    return copy;
  }

  state(): State {
    return { lineage: this.lineage, entries: this.entries, failures: new Map() };
  }

  world(): World {
    return {
      outputs: this.outputs,
      candidates: this.candidates,
      builders: this.builders,
      movedTags: this.movedTags,
      refreshed: this.refreshed,
    };
  }

  planned(wish: Partial<Wish> = {}): Planned {
    return plan(this.nodes, this.state(), this.world(), { force: [], ...wish });
  }

  /** What is not kept, one line a node: `build base/python if a, b: CODE a > b`. */
  lines(wish: Partial<Wish> = {}): readonly string[] {
    return lines(this.planned(wish).plan);
  }
}

export function lines(planned: Plan): readonly string[] {
  return planned.actions
    .filter(({ atMost }) => atMost !== 'keep')
    .map(({ atMost, node, ifChanged, reasons }) => {
      const condition = ifChanged.length === 0 ? '' : ` if ${ifChanged.join(', ')}`;
      const words = reasons.map(({ cause, path }) => `${cause.code} ${path.join(' > ')}`);
      return `${atMost} ${node}${condition}: ${words.join('; ')}`;
    });
}

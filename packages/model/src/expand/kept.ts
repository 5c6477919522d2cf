/**
 * An expansion as text, for the load cache: what a plan with nothing to do looks at. Steps and places are left out; who asks for one gets it
 * from the whole expansion, made then. Texts and inputs that come again in thousands of nodes stand there once.
 */
import type { Diagnostic, Digest, ImageSpec, Input, Inputs, Node, NodeId, Platform, Where } from '@rebake/sdk';
import type { Binding, BuilderConfig, EnvSummary, Expansion, ImageFacts } from '../contract.ts';
import { placed } from './inputs.ts';

/** Key, digest, text for people; the fourth says that it has a place. */
type KeptInput = readonly [key: string, digest: Digest, shown: string | null, placed: 0 | 1];

/** Id, kind, parents, record of inputs, and what a role has of its own. */
type KeptNode = readonly [
  id: string,
  kind: string,
  parents: readonly number[],
  inputs: number,
  particulars: Particulars,
];

type Particulars =
  | { readonly r: 'e'; readonly ref: string; readonly platform: Platform }
  | { readonly r: 'i'; readonly builder: string; readonly platform: Platform }
  | {
      readonly r: 'p';
      readonly registry: string | null;
      readonly repository: string;
      readonly tags: readonly string[];
    };

interface Kept {
  readonly inputs: readonly KeptInput[];
  readonly records: readonly (readonly number[])[];
  readonly nodes: readonly KeptNode[];
  readonly bindings: readonly Binding[];
  readonly registries: Expansion['registries'];
  readonly builders: Readonly<Record<string, BuilderConfig>>;
  readonly access: Expansion['access'];
  readonly proxies: readonly (readonly [NodeId, NonNullable<Expansion['access']['proxy']>])[];
  readonly prePush: Expansion['prePush'];
  readonly state: Expansion['state'];
  readonly envs: readonly (readonly [string, EnvSummary])[];
  readonly configs: readonly string[];
  readonly images: readonly (readonly [NodeId, ImageFacts])[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Writes an expansion down. */
export function keepExpansion(expansion: Expansion): string {
  const inputs = new Table<KeptInput>();
  const records = new Table<readonly number[]>();
  const seen = new Map<Inputs, number>();
  const place = new Map(expansion.nodes.map(({ id }, at) => [id, at]));
  const recordOf = (node: Node): number => {
    const known = seen.get(node.inputs);
    if (known !== undefined) return known;
    const numbers = Object.entries(node.inputs).map(([key, input]) =>
      inputs.add([key, input.digest, input.shown ?? null, 'at' in input ? 1 : 0]),
    );
    const at = records.add(numbers);
    seen.set(node.inputs, at);
    return at;
  };
  const kept: Kept = {
    nodes: expansion.nodes.map((node) => [
      node.id,
      node.kind,
      node.parents.map((id) => place.get(id) ?? -1),
      recordOf(node),
      particularsOf(node),
    ]),
    inputs: inputs.rows,
    records: records.rows,
    bindings: expansion.bindings,
    registries: expansion.registries,
    builders: expansion.builders,
    access: expansion.access,
    proxies: [...expansion.proxies],
    prePush: expansion.prePush,
    state: expansion.state,
    envs: [...expansion.envs],
    configs: expansion.configs,
    images: [...expansion.images],
    diagnostics: expansion.diagnostics,
  };
  return JSON.stringify(kept);
}

/** Rows, each once. */
class Table<Row> {
  readonly rows: Row[] = [];
  readonly #places = new Map<string, number>();

  add(row: Row): number {
    const key = JSON.stringify(row);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.rows.length);
    return this.rows.push(row) - 1;
  }
}

function particularsOf(node: Node): Particulars {
  switch (node.role) {
    case 'external':
      return { r: 'e', ref: node.ref, platform: node.platform };
    case 'image':
      return { r: 'i', builder: node.builder, platform: node.platform };
    case 'publication':
      return { r: 'p', registry: node.registry, repository: node.repository, tags: node.tags };
    default:
      return node satisfies never;
  }
}

/** Reads an expansion back. `whole` makes the same one again, with everything; it is called when a step or a place is first asked for. */
export function reviveExpansion(text: string, whole: () => Expansion): Expansion {
  const {
    nodes,
    inputs,
    records,
    bindings,
    registries,
    builders,
    access,
    proxies,
    prePush,
    state,
    envs,
    configs,
    images,
    diagnostics,
  } = JSON.parse(text) as Kept;
  const rest = new Rest(whole);
  const ids = nodes.map(([id]) => id as NodeId);
  return {
    nodes: nodes.map((node) => reviveNode(node, ids, inputsOf(node, records, inputs, rest), rest)),
    bindings,
    registries,
    builders,
    access,
    proxies: new Map(proxies),
    prePush,
    state,
    envs: new Map(envs),
    configs,
    images: new Map(images),
    get locks() {
      return rest.locks();
    },
    diagnostics,
  };
}

/** The whole expansion, made when something of it is first asked for. */
class Rest {
  readonly #make: () => Expansion;
  #whole: Expansion | null = null;
  #nodes: ReadonlyMap<string, Node> | null = null;

  constructor(whole: () => Expansion) {
    this.#make = whole;
  }

  locks(): Expansion['locks'] {
    return this.whole().locks;
  }

  private whole(): Expansion {
    return (this.#whole ??= this.#make());
  }

  node(id: string): Node {
    this.#nodes ??= new Map(this.whole().nodes.map((node) => [node.id, node]));
    const found = this.#nodes.get(id);
    if (found === undefined)
      throw new TypeError(`a kept expansion has a node that the declaration does not have: ${id}`);
    return found;
  }

  spec(id: string): ImageSpec {
    const found = this.node(id);
    if (found.role !== 'image') throw new TypeError(`a kept expansion takes ${id} for an image`);
    return found.spec;
  }

  place(id: string, key: string): Where {
    const at = this.node(id).inputs[key]?.at;
    if (at === undefined)
      throw new TypeError(`a kept expansion has a place for ${key} of ${id}, and the declaration has none`);
    return at;
  }
}

function reviveNode(kept: KeptNode, ids: readonly NodeId[], inputs: Inputs, rest: Rest): Node {
  const [text, kind, numbers, , particulars] = kept;
  const id = text as NodeId;
  const parents = numbers.map((number) => ids[number] as NodeId);
  switch (particulars.r) {
    case 'e': {
      const { ref, platform } = particulars;
      return {
        id,
        kind,
        role: 'external',
        ref,
        platform,
        inputs,
        parents,
        get because() {
          return rest.node(id).because;
        },
      };
    }
    case 'i': {
      const { builder, platform } = particulars;
      return {
        id,
        kind,
        role: 'image',
        platform,
        builder,
        inputs,
        parents,
        get because() {
          return rest.node(id).because;
        },
        get spec() {
          return rest.spec(id);
        },
      };
    }
    case 'p': {
      const { registry, repository, tags } = particulars;
      return {
        id,
        kind,
        role: 'publication',
        registry,
        repository,
        tags,
        inputs,
        parents,
        get because() {
          return rest.node(id).because;
        },
      };
    }
    default:
      return particulars satisfies never;
  }
}

function inputsOf([id, , , record]: KeptNode, records: Kept['records'], rows: Kept['inputs'], rest: Rest): Inputs {
  // Without a prototype, as the ledger makes them: keys are ever different.
  const inputs = Object.create(null) as Record<string, Input>;
  for (const number of records[record] ?? []) {
    const row = rows[number];
    if (row !== undefined) inputs[row[0]] = inputOf(row, id, rest);
  }
  return inputs;
}

function inputOf([key, digest, shown, hasPlace]: KeptInput, id: string, rest: Rest): Input {
  if (hasPlace === 0) return shown === null ? { digest } : { digest, shown };
  return placed(digest, shown ?? undefined, () => rest.place(id, key));
}

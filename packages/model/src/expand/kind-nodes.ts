/** What plugins give as nodes, checked: names, roles, parents and places, so that nothing which is no graph gets further. */
import { bringsGround, isDigest, isRegistryHost } from '@rebake/sdk';
import type { External, Image, Input, Node, NodeId, Platform, Publication, Where } from '@rebake/sdk';
import { isReference, isRepository, isTag } from '../names.ts';
import { short } from './inputs.ts';
import { isMapping } from '../load/source.ts';
import { isLine, isTexts, specOf, Wrong } from './kind-specs.ts';

/** What is there already. Nodes are added to it as they pass. */
export interface Surroundings {
  readonly nodes: Map<string, Node>;
  /** Id of a node → the name under `nodes` that it belongs to. */
  readonly owners: Map<string, string>;
  readonly builders: ReadonlySet<string>;
}

/** Nodes that passed, parents first; and what is wrong with the others, a sentence each. */
export interface CheckedNodes {
  readonly nodes: readonly Node[];
  readonly problems: readonly string[];
}

/** After so many, more say nothing new. */
const MAX_PROBLEMS = 5;
const PLATFORMS: readonly unknown[] = ['linux/amd64', 'linux/arm64'] satisfies readonly Platform[];
/** What can stand on a command line and in a log; a last `+` means something else there. */
const NODE_ID = /^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9._~:/@#%=,+-]{0,299}(?<!\+)$/;

/** Checks the nodes of one kind. Only if all of them pass, they join the surroundings. */
export function checkNodes(name: string, given: unknown, around: Surroundings, at: Where): CheckedNodes {
  const problems: string[] = [];
  const told = (what: string, words: string): void => void problems.push(`The nodes \`${name}\`: ${what} ${words}`);
  const made = new Map<string, Node>();
  if (!Array.isArray(given)) return { nodes: [], problems: [`The nodes \`${name}\` are no list`] };
  for (const [index, value] of Array.from(given as readonly unknown[]).entries()) {
    const title = titleOf(value, index);
    try {
      const node = nodeOf(value, around, at);
      const other = made.get(node.id) ?? around.nodes.get(node.id);
      if (other === undefined) made.set(node.id, node);
      else if (!isSame(node, other)) told(title, `has the id of ${ownerOf(node.id, made, around)}`);
    } catch (error) {
      told(title, error instanceof Wrong ? error.message : 'cannot be read');
    }
  }
  const sorted = problems.length > 0 ? [] : joined(made, around, told);
  if (problems.length > 0) return { nodes: [], problems: problems.slice(0, MAX_PROBLEMS) };
  for (const node of sorted) {
    around.nodes.set(node.id, node);
    around.owners.set(node.id, name);
  }
  return { nodes: sorted, problems: [] };
}

function titleOf(value: unknown, index: number): string {
  try {
    const { id } = value as { readonly id: unknown };
    if (typeof id === 'string' && NODE_ID.test(id)) return `\`${id}\``;
  } catch {
    // Nothing that has an id.
  }
  return `number ${index + 1}`;
}

/** Several may stand on the same image of somebody else's: that is one node. */
function isSame(node: Node, other: Node): boolean {
  return (
    node.role === 'external' && other.role === 'external' && node.ref === other.ref && node.platform === other.platform
  );
}

function ownerOf(id: string, made: ReadonlyMap<string, Node>, { owners }: Surroundings): string {
  if (made.has(id)) return 'another of them';
  const owner = owners.get(id);
  return owner === undefined ? 'a node of the declaration' : `one of the nodes \`${owner}\``;
}

/** A copy with nothing in it that was not looked at. */
function nodeOf(value: unknown, around: Surroundings, at: Where): Node {
  if (!isMapping(value)) throw new Wrong('is no node');
  const { id, kind, parents, because, role } = value;
  if (typeof id !== 'string' || !NODE_ID.test(id)) throw new Wrong('has no id that can be used');
  if (!isLine(kind)) throw new Wrong('has no `kind`, a few words on one line');
  if (!isTexts(parents) || new Set(parents).size < parents.length)
    throw new Wrong('has `parents` that are no list of different ids');
  const places = Array.isArray(because) ? because.filter((place) => place === at || isWhere(place)) : [];
  const common = {
    id: id as NodeId,
    kind,
    inputs: inputsOf(value['inputs'], at),
    parents: [...parents] as NodeId[],
    because: places.length > 0 ? places : [at],
  };
  switch (role) {
    case 'external':
      return { ...common, role, ...externalOf(value) };
    case 'image':
      return { ...common, role, ...imageOf(value, around) };
    case 'publication':
      return { ...common, role, ...publicationOf(value) };
    default:
      throw new Wrong('has a role that is none of `external`, `image` and `publication`');
  }
}

type Given = Readonly<Record<string, unknown>>;

function externalOf({ ref, platform }: Given): Pick<External, 'ref' | 'platform'> {
  if (typeof ref !== 'string' || !isReference(ref)) throw new Wrong('has a `ref` that is no image reference');
  return { ref, platform: platformOf(platform) };
}

function imageOf(
  { builder, platform, spec }: Given,
  { builders }: Surroundings,
): Pick<Image, 'builder' | 'platform' | 'spec'> {
  if (typeof builder !== 'string' || !builders.has(builder)) throw new Wrong('is for a builder that is not declared');
  return { builder, platform: platformOf(platform), spec: specOf(spec) };
}

function publicationOf({ registry, repository, tags }: Given): Pick<Publication, 'registry' | 'repository' | 'tags'> {
  if (registry !== null && !(typeof registry === 'string' && isRegistryHost(registry)))
    throw new Wrong('has a `registry` that is neither `host[:port]` nor null');
  if (typeof repository !== 'string' || !isRepository(repository))
    throw new Wrong('has a `repository` that is no repository path');
  if (!isTexts(tags) || !tags.every(isTag) || new Set(tags).size < tags.length)
    throw new Wrong('has `tags` that are no different tags, or begin with `rebake-`');
  return { registry, repository, tags: [...tags] };
}

function platformOf(value: unknown): Platform {
  if (!PLATFORMS.includes(value)) throw new Wrong(`has a platform that is none of ${PLATFORMS.join(', ')}`);
  return value as Platform;
}

function inputsOf(value: unknown, at: Where): Node['inputs'] {
  if (!isMapping(value)) throw new Wrong('has no `inputs`');
  const inputs = Object.create(null) as Record<string, Input>;
  for (const [key, input] of Object.entries(value)) {
    if (!isLine(key) || key === '__proto__') throw new Wrong('has an input whose key is not one line of text');
    const { digest, shown, at: place } = isMapping(input) ? input : {};
    if (!isDigest(digest)) throw new Wrong(`has an input \`${key}\` without a digest`);
    inputs[key] = {
      digest,
      ...(typeof shown === 'string' ? { shown: short(shown) } : {}),
      ...(place === at || isWhere(place) ? { at: place as Where } : {}),
    };
  }
  return inputs;
}

function isWhere(value: unknown): value is Where {
  if (!isMapping(value)) return false;
  const { file, line, column, path } = value;
  return isLine(file) && typeof path === 'string' && Number.isInteger(line) && Number.isInteger(column);
}

/** Puts parents before children, and looks at how they fit together and to what is there. */
function joined(
  made: ReadonlyMap<string, Node>,
  around: Surroundings,
  told: (what: string, words: string) => void,
): readonly Node[] {
  const find = (id: string): Node | undefined => made.get(id) ?? around.nodes.get(id);
  const places = new Set([...around.nodes.values()].flatMap((node) => placeOf(node) ?? []));
  for (const node of made.values()) {
    const wrong = parentsProblem(node, find);
    if (wrong !== null) told(`\`${node.id}\``, wrong);
    const place = placeOf(node);
    if (place === null) continue;
    if (places.has(place)) told(`\`${node.id}\``, `publishes to \`${place}\`, where another node publishes`);
    places.add(place);
  }
  const sorted: Node[] = [];
  const placed = new Set<string>();
  const waiting = new Map([...made].map(([id, { parents }]) => [id, parents.filter((parent) => made.has(parent))]));
  for (let before = -1; before < placed.size;) {
    before = placed.size;
    for (const [id, parents] of waiting) {
      const node = made.get(id);
      if (node === undefined || !parents.every((parent) => placed.has(parent))) continue;
      waiting.delete(id);
      placed.add(id);
      sorted.push(node);
    }
  }
  const [circle] = waiting.keys();
  if (circle !== undefined) told(`\`${circle}\``, 'stands on itself');
  return sorted;
}

function placeOf(node: Node): string | null {
  return node.role === 'publication' ? `${node.registry ?? 'the engine'}/${node.repository}` : null;
}

function parentsProblem(node: Node, find: (id: string) => Node | undefined): string | null {
  const parents = node.parents.map(find);
  const unknown = node.parents.find((_, index) => parents[index] === undefined);
  if (unknown !== undefined) return `stands on \`${unknown}\`, which is no node`;
  switch (node.role) {
    case 'external':
      return parents.length === 0 ? null : 'is external, and stands on something all the same';
    case 'publication':
      return parents.length === 1 && parents[0]?.role === 'image' ? null : 'publishes something else than one image';
    case 'image':
      return imageProblem(node, parents);
    default:
      return node satisfies never;
  }
}

function imageProblem({ platform, spec }: Image, parents: readonly (Node | undefined)[]): string | null {
  const [first] = spec.steps;
  if (parents.length === 0 && (first === undefined || !bringsGround(first))) return 'stands on nothing';
  for (const parent of parents) {
    if (parent === undefined || parent.role === 'publication') return 'stands on a publication';
    if (parent.platform !== platform)
      return `is for ${platform}, and stands on \`${parent.id}\`, which is for ${parent.platform}`;
  }
  return null;
}

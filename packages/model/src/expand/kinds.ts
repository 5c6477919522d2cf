/** Nodes that plugins bring: expanded after the declaration's own, checked, and put into the same graph. */
import { FileProblem, type FileHasher } from '@rebake/image';
import { BuildFailure, type Diagnostic, type FileSet, type Node, type NodeId, type Where } from '@rebake/sdk';
import type { Expansion, Loaded } from '../contract.ts';
import { diagnostic, distinct } from '../diagnostic-codes.ts';
import { FILE_WORDS } from '../load/file-words.ts';
import { OWN_FOLDER } from '../load/find.ts';
import type { Asked, PluginHost } from '../plugin-host.ts';
import { readBuilders } from '../rules/builders.ts';
import { checkNodes, type Surroundings } from './kind-nodes.ts';

/** Adds the nodes of plugins to an expansion without errors. */
export async function withKinds(
  loaded: Loaded,
  expansion: Expansion,
  hasher: FileHasher,
  open: () => Promise<PluginHost>,
): Promise<Expansion> {
  const uses = Object.entries(loaded.config.nodes);
  if (uses.length === 0) return expansion;
  const host = await open();
  const builder = readBuilders(loaded.config).default;
  const places = uses.map(([name]) => loaded.locate(['nodes', name]));
  const answers = await Promise.all(
    uses.map(([name, use], index) =>
      host.nodes(
        { path: ['nodes', name], ...use },
        {
          name,
          at: places[index] as Where,
          root: loaded.root,
          builder,
          // A map of its own for each: what one plugin does to it is not seen by another.
          nodes: byId(expansion.nodes),
          files: async (paths) => filesAt(loaded, hasher, paths),
        },
      ),
    ),
  );
  const around: Surroundings = {
    nodes: new Map(expansion.nodes.map((node) => [node.id, node])),
    owners: new Map(),
    builders: new Set(Object.keys(expansion.builders)),
  };
  const diagnostics: Diagnostic[] = [];
  const added: Node[] = [];
  for (const [index, [name]] of uses.entries()) {
    const answer = answers[index] as Asked<readonly unknown[]>;
    if (!answer.ok) {
      diagnostics.push(...answer.diagnostics);
      continue;
    }
    const { nodes, problems } = checkNodes(name, answer.value, around, places[index] as Where);
    added.push(...nodes);
    for (const problem of problems)
      diagnostics.push(diagnostic('NODES_BROKEN', problem, loaded.locate(['nodes', name, 'type'])));
  }
  return {
    ...expansion,
    nodes: [...expansion.nodes, ...added],
    diagnostics: [...expansion.diagnostics, ...distinct(diagnostics)],
  };
}

function byId(nodes: readonly Node[]): ReadonlyMap<NodeId, Node> {
  return new Map(nodes.map((node) => [node.id, node]));
}

/** What a plugin asks for below the root, as a set. */
function filesAt({ root }: Loaded, hasher: FileHasher, paths: readonly string[]): FileSet {
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string'))
    throw new TypeError('files are asked for by a list of paths');
  try {
    return hasher.tree(root, { only: paths, ignore: `${OWN_FOLDER}\n` });
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    const words = `${error.path} ${FILE_WORDS[error.code]}`;
    throw new BuildFailure({ code: error.code, retry: 'never', words });
  }
}

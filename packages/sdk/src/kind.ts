/** Kinds of nodes: what a domain other than DSS's code envs adds to the graph. Roles stay the three that there are. */
import type { FileSet } from '@rebake/image';
import type { Node, NodeId, Where } from './node.ts';
import type { OptionsSchema } from './options.ts';

/** What a kind is expanded with. */
export interface KindCtx {
  /** Name under which it is declared. */
  readonly name: string;
  /** Where it is declared: for `because` of its nodes. */
  readonly at: Where;
  /** Folder of the config file. */
  readonly root: string;
  /** Name of the builder of images that name none. */
  readonly builder: string;
  /** Nodes that the rest of the declaration gives, by id: parents to build on. */
  readonly nodes: ReadonlyMap<NodeId, Node>;
  /** Files and folders below the root as a set, hashed (and remembered by stat). Rejects with a `BuildFailure` for what is not there. */
  readonly files: (paths: readonly string[]) => Promise<FileSet>;
}

/** One kind of nodes. The same options and files always give the same nodes. */
export interface NodeKind<Options = never> {
  readonly options: OptionsSchema<Options>;
  /** Nodes with ids of their own; parents may be nodes of the rest of the declaration. Rejects with a `BuildFailure` for what cannot be expanded. */
  expand(options: Options, ctx: KindCtx): Promise<readonly Node[]>;
}

/** Finds images of nodes in the layouts of a project's builders, and what they are to be called outside of it. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openLayout, type Layout } from '@rebake/image';
import type { BuilderConfig } from '@rebake/model';
import { judge } from '@rebake/planner';
import type { Digest, Image, Node, NodeId, Output, Publication, State } from '@rebake/sdk';

/** Where an image is. */
export interface FoundImage {
  readonly layout: Layout;
  /** Its manifest. */
  readonly reference: Digest;
}

/** Layouts by the names of their builders. */
export type Layouts = ReadonlyMap<string, readonly Layout[]>;

/** The layouts of builders, their own and those that their options name. */
export function layoutsOf(builders: Readonly<Record<string, BuilderConfig>>, dataDir: string): Layouts {
  const open = (dir: string): readonly Layout[] => (existsSync(join(dir, 'oci-layout')) ? [openLayout(dir)] : []);
  return new Map(
    Object.entries(builders).map(([name, { options }]) => {
      const store = options['store'];
      const inStore = typeof store === 'object' && store !== null && 'layout' in store ? store.layout : undefined;
      const given = [options['layout'], inStore].flatMap((dir) => (typeof dir === 'string' ? open(resolve(dir)) : []));
      return [name, [...given, ...open(join(dataDir, 'builders', name, 'layout'))]];
    }),
  );
}

/** The image of an output: first where its own builder keeps images. Null: it is in no layout, or not whole. */
export async function findImage(node: Image, output: Output, layouts: Layouts): Promise<FoundImage | null> {
  const own = layouts.get(node.builder) ?? [];
  const others = [...layouts.values()].flat().filter((layout) => !own.includes(layout));
  const names = output.at.flatMap((location) => ('engine' in location ? [location.name] : []));
  for (const layout of [...own, ...others]) {
    for (const name of names) {
      const image = await layout.image(name, node.platform);
      if (image?.identity === output.identity) return { layout, reference: image.manifest.digest };
    }
  }
  return null;
}

/** What an image is called for those who load it: as it is published, else after its node. */
export function tagsOf(image: Image, nodes: readonly Node[]): readonly string[] {
  const published = nodes.filter(
    (node): node is Publication => node.role === 'publication' && node.parents.includes(image.id),
  );
  const names = published.flatMap(({ registry, repository, tags }) =>
    tags.map((tag) => `${registry === null ? '' : `${registry}/`}${repository}:${tag}`),
  );
  return names.length > 0 ? [...new Set(names)] : [`rebake/${plain(image.id)}:latest`];
}

/** A node's id as the path of a repository. */
function plain(id: NodeId): string {
  return id
    .toLowerCase()
    .replaceAll(/[^a-z0-9/]+/g, '-')
    .replaceAll(/-*\/-*/g, '/')
    .replaceAll(/^[-/]+|[-/]+$/g, '');
}

/** Whether an entry, and all that it rests on, was made from what is declared now. */
export function isCurrent(node: Node, nodes: ReadonlyMap<NodeId, Node>, state: State): boolean {
  if (node.role === 'external') return true;
  const entry = state.entries.get(node.id);
  if (entry === undefined) return false;
  const identities = new Map(
    node.parents.flatMap((id) => {
      const identity = state.entries.get(id)?.output.identity;
      return identity === undefined ? [] : [[id, identity] as const];
    }),
  );
  // No builder is asked: its entry's class stands in for what it makes today.
  if (judge(node, entry, entry.contents, identities, (id) => nodes.get(id)?.role).length > 0) return false;
  return node.parents.every((id) => {
    const parent = nodes.get(id);
    return parent !== undefined && isCurrent(parent, nodes, state);
  });
}

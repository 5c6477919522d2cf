/** What of a project's own image layouts nobody names any more: not the declaration, and not the state. */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  BuildFailure,
  MAX_MANIFEST_BYTES,
  openLayout,
  parseManifest,
  type Descriptor,
  type Layout,
} from '@rebake/image';
import type { Digest, Node, State } from '@rebake/sdk';

/** One layout, with the names in it that can go. */
export interface LayoutPrune {
  /** Name of the builder that keeps it, declared or not any more. */
  readonly builder: string;
  readonly layout: Layout;
  readonly unname: readonly string[];
  /** Names that stay. */
  readonly kept: number;
  /** Blobs that go, also such as no name has led to for long. */
  readonly blobs: number;
  /** What that frees; what the cache holds as well frees nothing. */
  readonly bytes: number;
}

/** What is needed: names as the state and the declaration have them, and identities, under whatever names. */
export interface Needed {
  readonly names: ReadonlySet<string>;
  readonly identities: ReadonlySet<Digest>;
}

export function neededOf(nodes: readonly Node[], { entries }: State): Needed {
  const names = new Set<string>();
  const identities = new Set<Digest>();
  for (const { output } of entries.values()) {
    identities.add(output.identity);
    for (const at of output.at) if ('engine' in at) names.add(at.name);
  }
  for (const node of nodes) {
    if (node.role !== 'publication' || node.registry !== null) continue;
    for (const tag of node.tags) names.add(`${node.repository}:${tag}`);
  }
  return { names, identities };
}

/** Looks into every layout that builders have in a project. `graceMs`: what is younger stays. */
export async function planLayouts(dataDir: string, needed: Needed, graceMs: number): Promise<readonly LayoutPrune[]> {
  const folder = join(dataDir, 'builders');
  if (!existsSync(folder)) return [];
  const found: LayoutPrune[] = [];
  for (const builder of readdirSync(folder).toSorted()) {
    const dir = join(folder, builder, 'layout');
    if (existsSync(join(dir, 'oci-layout'))) found.push(await planLayout(builder, openLayout(dir), needed, graceMs));
  }
  return found;
}

async function planLayout(builder: string, layout: Layout, needed: Needed, graceMs: number): Promise<LayoutPrune> {
  const names = await layout.names();
  const unname: string[] = [];
  for (const [name, target] of names) {
    if (needed.names.has(name) || isYoung(layout, target, graceMs)) continue;
    const identities = await identitiesOf(layout, target);
    if (!identities.some((identity) => needed.identities.has(identity))) unname.push(name);
  }
  const { blobs, bytes } = await layout.sweep({ olderThanMs: graceMs, unname, dryRun: true });
  return { builder, layout, unname, kept: names.size - unname.length, blobs, bytes };
}

/**
 * Of the image that a manifest is of, or of those of an index; and of whatever else a manifest refers to: the embedded builder keeps what it
 * has of an image that is elsewhere as an artifact with the config among its layers. Nothing is claimed by looking: else nothing would ever be
 * old.
 */
async function identitiesOf(
  layout: Layout,
  { digest, mediaType }: Pick<Descriptor, 'digest' | 'mediaType'>,
): Promise<readonly Digest[]> {
  let bytes: Uint8Array;
  try {
    bytes = await layout.readDocument(digest, MAX_MANIFEST_BYTES);
  } catch (error) {
    if (error instanceof BuildFailure && error.error.code === 'BLOB_MISSING') return [];
    throw error;
  }
  const parsed = parseManifest(bytes, mediaType);
  if (parsed.kind === 'manifest') return [parsed.config.digest, ...parsed.layers.map((layer) => layer.digest)];
  const below = parsed.manifests.map(async (one) => identitiesOf(layout, one));
  return (await Promise.all(below)).flat();
}

/** A manifest is written before its name, and used anew whenever its image is. */
function isYoung({ dir }: Layout, { digest }: Descriptor, graceMs: number): boolean {
  const found = lstatSync(join(dir, 'blobs', 'sha256', digest.slice('sha256:'.length)), { throwIfNoEntry: false });
  return found !== undefined && found.mtimeMs > Date.now() - graceMs;
}

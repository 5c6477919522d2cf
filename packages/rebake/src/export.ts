/** `export`: images of the project's layouts as one archive, for machines without a registry. */
import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ExportFormat, ImageToExport, PreparedExport } from '@rebake/layers';
import { selectNodes } from '@rebake/planner';
import type { Diagnostic, Digest, Image, Node, NodeId, State } from '@rebake/sdk';
import { libraryDiagnostic, selectionDiagnostic } from './diagnostics.ts';
import { createBringer, type Bringer } from './export-bring.ts';
import { findImage, isCurrent, layoutsOf, tagsOf, type Layouts } from './export-find.ts';
import { hasErrors, withProject, type Project, type ProjectOptions } from './project.ts';
import type { SessionOptions } from './session.ts';

/** What to export, and where to. */
export interface ExportOptions extends ProjectOptions, SessionOptions {
  /** Images, or publications of images, by id or short name; none: all images. */
  readonly nodes: readonly string[];
  readonly format: ExportFormat;
  /** `gzip`: layers of zstd are compressed anew, for Docker 20.10 and older. */
  readonly compression: 'as-is' | 'gzip';
  /** A file, relative to `cwd`, which is there whole or as it was before; or what takes the bytes. */
  readonly output: string | ((chunk: Uint8Array) => Promise<void>);
  /** How far it is, in bytes. */
  readonly onBytes?: (done: number, of: number) => void;
}

/** One image in the archive. */
export interface ExportedNode {
  readonly node: NodeId;
  readonly identity: Digest;
  /** What tools call it that load it. */
  readonly tags: readonly string[];
  readonly layers: number;
  /** Of its layers, in bytes. */
  readonly bytes: number;
}

/** What was exported; `images` is null when nothing was. Warnings are among the diagnostics. */
export interface ExportResult {
  readonly images: readonly ExportedNode[] | null;
  /** Of the archive, in bytes. */
  readonly bytes: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** Writes images into an archive. Contacts registries only for layers that are not in the layout of their image. */
export async function exportImages(options: ExportOptions): Promise<ExportResult> {
  const nothing = (diagnostics: readonly Diagnostic[]): ExportResult => ({ images: null, bytes: 0, diagnostics });
  return withProject(options, nothing, async (project) => {
    let bringer: Bringer | null = null;
    try {
      const make = (layouts: Layouts): Bringer => (bringer ??= createBringer(project, options, layouts));
      const chosen = await choose(project, options.nodes, make);
      if (chosen.found.length === 0 || hasErrors(chosen.diagnostics)) return nothing(chosen.diagnostics);
      return await write(chosen, options);
    } finally {
      await (bringer as Bringer | null)?.close();
    }
  });
}

interface Chosen {
  readonly found: readonly { readonly node: NodeId; readonly image: ImageToExport }[];
  readonly diagnostics: readonly Diagnostic[];
}

async function choose(
  project: Project,
  typed: readonly string[],
  bringer: (layouts: Layouts) => Bringer,
): Promise<Chosen> {
  const { expansion, diagnostics } = project.declaration;
  if (expansion === null || hasErrors(diagnostics) || project.dataDir === null) return { found: [], diagnostics };
  const picked = pick(expansion.nodes, typed);
  if (!picked.ok) return { found: [], diagnostics: picked.diagnostics };
  const state = await (await project.store()).read();
  const nodes = new Map(expansion.nodes.map((node) => [node.id, node]));
  const layouts = layoutsOf(expansion.builders, project.dataDir);
  const found: { node: NodeId; image: ImageToExport }[] = [];
  const told: Diagnostic[] = [];
  for (const node of picked.images) {
    const entry = state.entries.get(node.id);
    const image =
      entry === undefined
        ? null
        : ((await findImage(node, entry.output, layouts)) ?? (await bringer(layouts).bring(node, entry)));
    if (image === null) told.push(notHere(node, state));
    else {
      found.push({ node: node.id, image: { ...image, platform: node.platform, tags: tagsOf(node, expansion.nodes) } });
      if (!isCurrent(node, nodes, state)) told.push(outOfDate(node));
    }
  }
  return { found, diagnostics: told };
}

type Picked =
  | { readonly ok: true; readonly images: readonly Image[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

function pick(nodes: readonly Node[], typed: readonly string[]): Picked {
  const isImage = (node: Node): node is Image => node.role === 'image';
  if (typed.length === 0) {
    const images = nodes.filter(isImage);
    const none = libraryDiagnostic('EXPORT_NOT_HERE', 'nothing is declared that is an image');
    return images.length > 0 ? { ok: true, images } : { ok: false, diagnostics: [none] };
  }
  const picked = selectNodes(nodes, typed, 'alone');
  if (!picked.ok) return { ok: false, diagnostics: picked.problems.map(selectionDiagnostic) };
  const chosen = new Set(picked.nodes);
  const wanted = new Set(
    nodes.flatMap((node) => {
      if (!chosen.has(node.id)) return [];
      return node.role === 'publication' ? node.parents : [node.id];
    }),
  );
  const others = nodes.filter((node) => wanted.has(node.id) && !isImage(node));
  if (others.length === 0) return { ok: true, images: nodes.filter((node) => wanted.has(node.id)).filter(isImage) };
  const help = 'Name an image that is built here, as `rebake show` lists it.';
  const diagnostics = others.map(({ id }) =>
    libraryDiagnostic('EXPORT_NOT_HERE', `\`${id}\` is an image of somebody else`, { help }),
  );
  return { ok: false, diagnostics };
}

function notHere({ id, because, builder }: Image, { entries }: State): Diagnostic {
  const where = because[0] ?? null;
  if (!entries.has(id))
    return libraryDiagnostic('EXPORT_NOT_HERE', `\`${id}\` was not built yet`, {
      where,
      help: 'Run `rebake apply` first.',
    });
  const words = `\`${id}\`, which builder \`${builder}\` builds, is in no image layout of this project`;
  return libraryDiagnostic('EXPORT_NOT_HERE', words, { where });
}

function outOfDate({ id }: Image): Diagnostic {
  const help = `\`rebake why ${id}\` says why; \`rebake apply\` mends it.`;
  const words = `\`${id}\` is not as declared: the exported image is an older one`;
  return { ...libraryDiagnostic('OUT_OF_DATE', words, { help }), severity: 'warning' };
}

async function write({ found, diagnostics }: Chosen, options: ExportOptions): Promise<ExportResult> {
  const { format, compression, env, output, cwd, signal = new AbortController().signal } = options;
  const { prepareExport } = await import('@rebake/layers');
  const { openCache, cacheDir } = await import('@rebake/cache');
  const cache = compression === 'gzip' ? openCache(cacheDir(env), { now: options.now ?? Date.now }) : null;
  try {
    const images = found.map(({ image }) => image);
    const made = await prepareExport(images, { format, signal, ...(cache === null ? {} : { gzip: cache }) });
    const told = made.images.map(({ identity, tags, layers, bytes }, i) => {
      const node = found[i]?.node;
      if (node === undefined) throw new Error('an archive has the images that were asked for');
      return { node, identity, tags, layers, bytes };
    });
    if (typeof output === 'string') await writeFile(made, resolve(cwd, output), options);
    else await send(made, output, options);
    const hard = format === 'docker' ? found.filter((_one, i) => (made.images[i]?.zstdLayers ?? 0) > 0) : [];
    return { images: told, bytes: made.size, diagnostics: [...diagnostics, ...hard.map(({ node }) => zstd(node))] };
  } finally {
    await cache?.close();
  }
}

function zstd(node: NodeId): Diagnostic {
  return libraryDiagnostic(
    'EXPORT_ZSTD',
    `\`${node}\` has layers that are compressed by zstd, which Docker 20.10 and older cannot load`,
  );
}

async function send(
  made: PreparedExport,
  take: (chunk: Uint8Array) => Promise<void>,
  { onBytes }: ExportOptions,
): Promise<void> {
  let done = 0;
  for await (const chunk of made.bytes()) {
    await take(chunk);
    done += chunk.byteLength;
    onBytes?.(done, made.size);
  }
}

/** Into a file that is there whole or as it was before; what is no file (a device, a pipe) is written to, and never replaced. */
async function writeFile(made: PreparedExport, path: string, options: ExportOptions): Promise<void> {
  const file = await realpath(path).catch(() => path);
  const found = await stat(file).catch(() => null);
  if (found !== null && !found.isFile()) return writeInto(made, file, options);
  const own = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(own, 'wx');
    try {
      await send(made, async (chunk) => handle.writeFile(chunk), options);
    } finally {
      await handle.close();
    }
    await rename(own, file);
  } catch (error) {
    await rm(own, { force: true });
    throw error;
  }
}

async function writeInto(made: PreparedExport, path: string, options: ExportOptions): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await send(made, async (chunk) => handle.writeFile(chunk), options);
  } finally {
    await handle.close();
  }
}

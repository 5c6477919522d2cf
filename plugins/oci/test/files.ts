/** Images as tests look into them: the documents in the layout, and the entries of layers. */
import { openCache } from '@rebake/cache';
import { openLayout, type Digest, type Output } from '@rebake/image';
import { decompress, openImageFs, readTar, type ImageFs, type LayerSource } from '@rebake/layers';

export interface Documents {
  readonly config: ConfigText;
  readonly manifest: {
    readonly annotations: Readonly<Record<string, string>>;
    readonly layers: readonly { readonly mediaType: string }[];
  };
  readonly diffIds: readonly Digest[];
}

export interface ConfigText {
  readonly created: string;
  readonly history: readonly { readonly created_by: string; readonly empty_layer?: true }[];
  readonly config: {
    readonly Env?: readonly string[];
    readonly User?: string;
    readonly WorkingDir?: string;
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly Labels?: Readonly<Record<string, string>>;
  };
}

/** One entry of a layer in a line: path, type, mode, owner. */
export type Line = string;

function nameOf({ at }: Output): string {
  const [place] = at;
  return place !== undefined && 'name' in place ? place.name : '';
}

/** The documents of an image in a layout. */
export async function documentsOf(layoutDir: string, image: Output): Promise<Documents> {
  const layout = openLayout(layoutDir);
  const found = await layout.image(nameOf(image));
  if (found === null) throw new Error('it is not there');
  const text = async (digest: Digest) => Buffer.from(await layout.readDocument(digest, 1 << 20)).toString();
  return {
    config: JSON.parse(await text(found.identity)) as ConfigText,
    manifest: JSON.parse(await text(found.manifest.digest)) as Documents['manifest'],
    diffIds: found.config.diffIds,
  };
}

/** What is in the last layers of an image, one list a layer. */
export async function layersOf(layoutDir: string, image: Output, last: number): Promise<Line[][]> {
  const layout = openLayout(layoutDir);
  const found = await layout.image(nameOf(image));
  const all: Line[][] = [];
  for (const layer of found?.layers.slice(-last) ?? []) {
    const lines: Line[] = [];
    for await (const entry of readTar(decompress(layout.read(layer.digest), layer.mediaType))) {
      const { path, type, mode, uid, gid } = entry;
      lines.push(`${path} ${type} ${mode.toString(8)} ${uid}:${gid}`);
    }
    all.push(lines);
  }
  return all;
}

/** Uses the file system of an image. */
export async function withFs<T>(
  folder: string,
  layoutDir: string,
  image: Output,
  use: (fs: ImageFs) => Promise<T>,
): Promise<T> {
  const cache = openCache(`${folder}/fs-cache`);
  const layout = openLayout(layoutDir);
  try {
    const found = await layout.image(nameOf(image));
    const sources: LayerSource[] = (found?.layers ?? []).map((layer, index) => ({
      ...layer,
      diffId: found?.config.diffIds[index] ?? layer.digest,
      read: (range) => layout.read(layer.digest, range),
    }));
    return await use(openImageFs(cache, sources, new AbortController().signal));
  } finally {
    await cache.close();
  }
}

export async function textOf(fs: ImageFs, path: string): Promise<string | null> {
  const bytes = await fs.read(path, 1 << 20);
  return bytes === null ? null : Buffer.from(bytes).toString();
}

/** An image while its steps are carried out: layers so far, and the file system that they make. */
import { digestOf, type Digest, type ManifestAt } from '@rebake/image';
import type { Cache } from '@rebake/cache';
import {
  openImageFs,
  writeLayer,
  type Compression,
  type ImageFs,
  type Layer,
  type LayerSource,
  type TreeEntry,
} from '@rebake/layers';
import { configOfNothing, historyOf, type HistoryEntry } from './config/document.ts';
import { failure } from '@rebake/sdk/building';
import type { ConfigDocument, Image, ImageLayer } from './image.ts';
import { MOST_LAYERS } from './options.ts';

/** What layers are made with. */
export interface Workbench {
  readonly cache: Cache;
  readonly compression: Compression;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Told of each new layer as soon as it is there. */
  readonly onLayer: (layer: Layer) => void;
}

/** The state of a build. It only grows. */
export class Draft {
  readonly #bench: Workbench;
  readonly #layers: (ImageLayer & Pick<LayerSource, 'read'>)[] = [];
  readonly #history: HistoryEntry[] = [];
  #fs: { readonly of: number; readonly it: ImageFs } | undefined;
  /** What the config of the image begins with. */
  below: ConfigDocument = configOfNothing();
  parent: Image | null = null;

  constructor(bench: Workbench) {
    this.#bench = bench;
  }

  get layers(): readonly ImageLayer[] {
    return this.#layers;
  }

  get history(): readonly HistoryEntry[] {
    return this.#history;
  }

  get elsewhere(): readonly ManifestAt[] {
    return this.parent?.elsewhere ?? [];
  }

  /** Begins with an image. Its own instructions for children are for builders that run them. */
  stand(on: Image, sources: readonly LayerSource[]): void {
    this.parent = on;
    this.#begin(
      on.config,
      on.layers.map((layer, index) => ({ ...layer, read: (range) => (sources[index] ?? unreadable).read(range) })),
    );
  }

  /** Begins with the layers of an image that is nobody's parent, such as that of an archive. */
  takeOver(config: ConfigDocument, layers: readonly LayerSource[]): void {
    this.#begin(config, layers);
  }

  #begin(config: ConfigDocument, layers: readonly (ImageLayer & Pick<LayerSource, 'read'>)[]): void {
    const { OnBuild: triggers } = (config['config'] ?? {}) as { readonly OnBuild?: readonly unknown[] | null };
    if (Array.isArray(triggers) && triggers.length > 0) {
      const words = 'the image below has ONBUILD instructions, which only a builder with an engine can run';
      throw failure('STEP_UNSUPPORTED', 'elsewhere', words);
    }
    this.below = config;
    this.#layers.push(...layers);
    this.#history.push(...historyOf(config, layers.length));
  }

  /** Puts layers of the cache on top. */
  add(layers: readonly Layer[], by: string): void {
    for (const layer of layers) {
      this.#layers.push({ ...layer, read: (range) => this.#bench.cache.read(layer.digest, range) });
      this.#history.push({ created_by: by });
    }
    if (this.#layers.length > MOST_LAYERS) {
      const words = `the image would have ${this.#layers.length} layers, and Docker mounts ${MOST_LAYERS} at most; give the builder a lower maxLayers, or build the image below anew`;
      throw failure('LAYERS_TOO_MANY', 'never', words);
    }
  }

  /** Says in the history what made no layer. */
  note(by: string): void {
    this.#history.push({ created_by: by, empty_layer: true });
  }

  /** Makes a layer of entries; none of no entries. */
  async write(entries: readonly TreeEntry[], by: string): Promise<void> {
    if (entries.length === 0) return this.note(by);
    const { cache, compression, signal, onLayer } = this.#bench;
    const layer = await writeLayer(cache, entries, { compression, signal, isGround: true });
    onLayer(layer);
    this.add([layer], by);
  }

  /** The files so far; null where there is nothing yet. */
  fs(): ImageFs | null {
    if (this.#layers.length === 0) return null;
    if (this.#fs?.of !== this.#layers.length) {
      const { cache, signal } = this.#bench;
      this.#fs = { of: this.#layers.length, it: openImageFs(cache, this.#layers, signal) };
    }
    return this.#fs.it;
  }

  /** What the files so far are known by: the same where the layers are. */
  get contents(): Digest {
    return digestOf(this.#layers.map(({ diffId }) => diffId));
  }
}

const unreadable: Pick<LayerSource, 'read'> = {
  read: () => {
    throw new Error('a layer without a source');
  },
};

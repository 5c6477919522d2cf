/** What this package needs of the machine. */
import type { Cache, Downloader, Env } from '@rebake/cache';
import type { Layer } from '@rebake/layers';

export interface Means {
  readonly cache: Cache;
  readonly download: Pick<Downloader, 'blob' | 'document'>;
  readonly signal: AbortSignal;
  /** A line for people. */
  readonly log: (line: string) => void;
  readonly env: Env;
  /** Told of each layer as soon as it is there. */
  readonly onLayer?: (layer: Layer) => void;
  /** Milliseconds since the epoch, for indexes that expire. Default: the machine's clock. */
  readonly now?: () => number;
}

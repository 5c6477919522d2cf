/** How much an archive may hold before it is refused: an archive bomb must end in a message, not in a full disk. */

export interface Limits {
  /** Entries, those without content included. */
  readonly maxEntries: number;
  /** Bytes when decompressed. */
  readonly maxBytes: number;
  /** Bytes when decompressed for one that is compressed, counted from {@link RATIO_FREE_BYTES} on. */
  readonly maxRatio: number;
}

/** A few zeros compress very well: the ratio says something only of what is larger than this. */
export const RATIO_FREE_BYTES = 256 << 20;

/** Wide enough for every image that is met: tens of GB, a million files. */
export const DEFAULT_LIMITS: Limits = { maxEntries: 2_000_000, maxBytes: 64 * 2 ** 30, maxRatio: 250 };

/** How an archive is read. Limits that are left out are those of {@link DEFAULT_LIMITS}. */
export interface ReadOptions extends Partial<Limits> {
  /** What the archive is, for people: a file name, a package. Default: `archive`. */
  readonly name?: string;
}

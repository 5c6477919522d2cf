/** An image as it is found in an archive: its config, and how its layers are called there. */
import type { Digest } from '@rebake/image';

export interface FoundImage {
  readonly config: Uint8Array;
  readonly layers: readonly FoundLayer[];
}

/** `blob`: as a manifest describes it; null where nobody says how the file is compressed. */
export interface FoundLayer {
  readonly path: string;
  readonly diffId: Digest;
  readonly blob: { readonly digest: Digest; readonly size: number; readonly mediaType: string } | null;
}

/** Configs from outside, as documents to go on from. */
import { BuildFailure, InvalidDocument, parseConfig } from '@rebake/image';
import type { ConfigDocument } from '../image.ts';

/** A config that was checked. Throws `IMAGE_INVALID`. */
export function imageConfig(bytes: Uint8Array): ConfigDocument {
  try {
    parseConfig(bytes);
    return JSON.parse(Buffer.from(bytes).toString()) as ConfigDocument;
  } catch (error) {
    if (!(error instanceof InvalidDocument)) throw error;
    throw new BuildFailure({ code: 'IMAGE_INVALID', retry: 'never', words: error.message }, { cause: error });
  }
}

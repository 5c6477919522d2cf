/** Digests of bytes, texts and values. Apart from what needs no hashing: loading crypto costs a quarter of a start. */
import { hash } from 'node:crypto';
import { canonicalJson } from './canonical.ts';
import type { Digest } from './types.ts';

/** SHA-256 of bytes, or of a text's UTF-8. */
export function digestOfBytes(bytes: string | Uint8Array): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
}

/** SHA-256 of a value's canonical JSON. */
export function digestOf(value: unknown): Digest {
  return digestOfBytes(canonicalJson(value));
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether a text from outside is a digest of the one algorithm that rebake uses. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text);
}

/** Tag of a candidate image: whoever computes the same key finds it under this name. */
export function candidateTag(key: Digest): string {
  return `rebake-${key.slice('sha256:'.length)}`;
}

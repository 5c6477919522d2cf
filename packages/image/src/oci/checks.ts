/** Values of JSON documents from outside, checked one by one. Messages name the place and never the content. */
import { isDigest } from '../digest.ts';
import type { Digest } from '../types.ts';

const MAX_ITEMS = 10_000;

/** Thrown for bytes that are not the document they are said to be. The message says what is wrong, without the content. */
export class InvalidDocument extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InvalidDocument';
  }
}

export function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new InvalidDocument('not JSON', { cause: error });
  }
}

export function asRecord(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidDocument(`${at} is not an object`);
  return value as Record<string, unknown>;
}

export function asList(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new InvalidDocument(`${at} is not a list`);
  if (value.length > MAX_ITEMS) throw new InvalidDocument(`${at} has more than ${MAX_ITEMS} items`);
  return value;
}

export function asString(value: unknown, at: string): string {
  if (typeof value !== 'string') throw new InvalidDocument(`${at} is not a text`);
  return value;
}

export function asStrings(value: unknown, at: string): readonly string[] {
  return asList(value, at).map((item) => asString(item, at));
}

export function asDigest(value: unknown, at: string): Digest {
  if (!isDigest(value)) throw new InvalidDocument(`${at} is not a sha256 digest`);
  return value;
}

/** Answers as the real client reads them. */
import type { Answer } from './server-types.ts';
import type { Json, JsonObject } from './types.ts';

/** Whether JSON is an object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An answer of 200. */
export function ok(body: Json): Answer {
  return { status: 200, body };
}

/** A refusal as the real client reads it. */
export function refused(status: number, words: string): Answer {
  return {
    status,
    body: { message: words, detailedMessage: words, errorType: 'com.dataiku.FakeException' },
  };
}

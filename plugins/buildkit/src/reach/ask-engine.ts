/** Questions to an engine's API whose answers are small and JSON. Answers are checked by whoever asked. */
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { BuildFailure } from '@rebake/image';
import { failure } from '@rebake/sdk/building';
import type { EngineEndpoint } from '@rebake/sdk/building';
import { requestTo } from '@rebake/sdk/engine-http';

/** A question; the body is sent as JSON. */
export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly withinMs: number;
}

const MOST_BYTES = 1024 * 1024;

/** The answer. Rejects with a failure in the engine's words where it refuses, and as Node's requests do where it does not answer. */
export async function askEngine(endpoint: EngineEndpoint, { body, ...question }: Question): Promise<unknown> {
  const sent = body === undefined ? '' : JSON.stringify(body);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(sent)) };
  const request = requestTo(endpoint, { ...question, headers });
  request.end(sent);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200 && response.statusCode !== 201) throw await refusal(response);
  return parse(await textOf(response));
}

/** The failure that an answer of the engine is. What is not there, or does not run, may come back. */
export async function refusal(response: IncomingMessage): Promise<BuildFailure> {
  const status = response.statusCode ?? 0;
  const text = await textOf(response);
  const message = fieldOf(parse(text), 'message');
  const words = typeof message === 'string' ? message : text.trim() || `HTTP ${status}`;
  return failure('ENGINE_UNREACHABLE', status === 404 || status === 409 || status >= 500 ? 'backoff' : 'never', words);
}

/** A field of an object, whatever the value is. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Uint8Array);
    length += (chunk as Uint8Array).length;
    if (length > MOST_BYTES)
      throw failure('ENGINE_ANSWER_INVALID', 'never', 'unexpected answer of the engine: too long');
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return null;
  }
}

/** The shape of an event of `apply --json`, from which docs/reference/event.schema.json is made; checked against the type at compile time. */
import type { Digest, Event } from '@rebake/sdk';
import { z } from 'zod';

const text = z.string();
const nodeId = z.string().min(1).describe('Id of a node.');
const digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .refine((value): value is Digest => value.startsWith('sha256:'));
const milliseconds = z.int().min(0).describe('Milliseconds.');
const bytes = z.int().min(0).describe('Bytes.');
const place = z.int().min(1);

const where = z
  .strictObject({ file: text, line: place, column: place, path: text })
  .describe('A place in a declaration.');
const input = z
  .strictObject({ digest, shown: text.exactOptional(), at: where.exactOptional() })
  .describe('One input of a node: what counts is the digest, `shown` is a short text for people.');
const error = z
  .strictObject({
    code: text.describe('Stable; listed in diagnostics.md.'),
    retry: z.enum(['never', 'backoff', 'elsewhere']).describe('Whether trying again can help.'),
    words: text.describe("The engine's or the registry's own words, redacted."),
  })
  .describe('A failure at an engine or a registry.');

const cause = z.discriminatedUnion('code', [
  z.strictObject({ code: z.literal('INPUT_CHANGED'), key: text, from: input, to: input }),
  z.strictObject({ code: z.literal('INPUT_ADDED'), key: text, to: input }),
  z.strictObject({ code: z.literal('INPUT_REMOVED'), key: text, from: input }),
  z.strictObject({
    code: z.enum(['EXTERNAL_MOVED', 'PARENT_CHANGED']),
    parent: nodeId,
    from: digest.nullable(),
    to: digest,
  }),
  z.strictObject({ code: z.literal('PARENT_MAY_CHANGE'), parent: nodeId }),
  z.strictObject({ code: z.literal('CONTENTS_CHANGED'), from: text, to: text }),
  z.strictObject({ code: z.literal('NEVER_BUILT'), because: z.array(where) }),
  z.strictObject({ code: z.literal('OUTPUT_MISSING') }),
  z.strictObject({ code: z.literal('TAG_MOVED'), tag: text, from: digest, to: digest }),
  z.strictObject({ code: z.literal('FORCED') }),
  z.strictObject({ code: z.literal('UNDECLARED') }),
]);
const reason = z
  .strictObject({
    cause,
    path: z.array(nodeId).describe('From the node where the cause arose to the node that it is a reason for.'),
  })
  .describe('Why a node is not fresh; reasons.md explains the codes.');

const sentBytes = {
  uploaded: bytes.describe('Sent over the network, in bytes.'),
  mounted: bytes.describe('Taken from another repository of the same registry, in bytes.'),
  skipped: bytes.describe('There already, in bytes.'),
};
const sent = z
  .strictObject(sentBytes)
  .describe('What became of the blobs of pushes and copies, each blob counted once.');

const progress = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('step'),
    index: place.describe('Counts from 1.'),
    of: place.exactOptional(),
    name: text,
  }),
  z.strictObject({ type: z.literal('log'), text }),
  z.strictObject({ type: z.literal('bytes'), done: bytes, of: bytes.exactOptional() }),
  z.strictObject({ type: z.literal('sent'), ...sentBytes }).describe('What a push or a copy that has ended took.'),
]);

const outcome = z.enum([
  'kept',
  'adopted',
  'fetched',
  'built',
  'published',
  'forgotten',
  'deleted',
  'failed',
  'skipped',
  'cancelled',
]);
const effort = z.enum(['keep', 'adopt', 'fetch', 'rebase', 'build', 'publish', 'forget', 'delete']);

const stamp = {
  formatVersion: z.literal(1),
  run: text.describe('Id of the run; its logs are in `.rebake/runs/RUN`.'),
  seq: z.int().min(1).describe('Rises by one with each event of a run.'),
  time: z.iso.datetime({ precision: 3 }).describe('RFC 3339, UTC, milliseconds.'),
};

/** Schema of one event; {@link eventJsonSchema} is the same for others. */
export const eventSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      ...stamp,
      type: z.literal('run-started'),
      plan: digest,
      actions: z.int().min(0),
      parallelism: place,
    })
    .describe('The first event.'),
  z
    .strictObject({
      ...stamp,
      type: z.literal('node-started'),
      node: nodeId,
      effort,
      reasons: z.array(reason),
      builder: text.nullable(),
      expectedMs: milliseconds.nullable().describe('How long it took last time; null when nobody knows.'),
    })
    .describe('Work on a node begins. Nodes that are only kept have no such event.'),
  z
    .strictObject({ ...stamp, type: z.literal('node-progress'), node: nodeId, progress })
    .describe('What a builder reports while it works.'),
  z
    .strictObject({ ...stamp, type: z.literal('node-retry'), node: nodeId, attempt: place, error, inMs: milliseconds })
    .describe('A try failed in a way that may pass; there will be another one.'),
  z
    .strictObject({
      ...stamp,
      type: z.literal('node-settled'),
      node: nodeId,
      outcome,
      ms: milliseconds,
      identity: digest.nullable(),
      error: error.exactOptional().describe('For `failed` and `cancelled`.'),
      claim: z
        .strictObject({ note: text, unverified: z.array(text) })
        .exactOptional()
        .describe(
          'For `adopted`: what is said of an image that somebody else has made, and what of it could not be verified.',
        ),
      cause: nodeId.exactOptional().describe('For `skipped`: the failed node that is the cause.'),
      log: text.exactOptional().describe('Path of the log file, when one was written.'),
      sent: sent.exactOptional(),
    })
    .describe('How a node ended.'),
  z
    .strictObject({
      ...stamp,
      type: z.literal('run-finished'),
      counts: z.record(outcome, z.int().min(0)),
      ms: milliseconds,
      interrupted: z.boolean(),
      sent: sent.exactOptional().describe('The sum over all nodes.'),
    })
    .describe('The last event.'),
]);

/** `T` without the brands of ids, which JSON does not have, and without `readonly`. */
type Plain<T> = T extends Digest
  ? T
  : T extends string
    ? string extends T
      ? string
      : T extends { readonly brand: string }
        ? string
        : T
    : T extends object
      ? { -readonly [K in keyof T]: Plain<T[K]> }
      : T;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

/** Does not compile when schema and type differ. */
export const schemaIsEvent: Same<Plain<z.output<typeof eventSchema>>, Plain<Event>> = true;

/** JSON Schema of one line of `apply --json`. */
export function eventJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(eventSchema, { io: 'input', reused: 'ref' }), title: 'Event of rebake' };
}

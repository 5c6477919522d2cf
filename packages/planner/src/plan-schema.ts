/** The shape of plan files, as a zod schema that is checked against the type at compile time. Never loaded by planning itself. */
import { isDigest, type Action, type Digest, type NodeId, type Plan } from '@rebake/sdk';
import { z } from 'zod';

const MAX_TEXT = 8192;

/** Control characters have no place in ids; `__proto__` is a name of the language's own. */
const NODE_ID = /^(?!__proto__$)\P{Cc}{1,1024}$/u;

const text = z.string().max(MAX_TEXT);
const nodeId = z
  .string()
  .regex(NODE_ID)
  .refine((value): value is NodeId => NODE_ID.test(value));
const digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .refine((value): value is Digest => isDigest(value));
const count = z.int().min(1);

const where = z.strictObject({ file: text, line: count, column: count, path: text, source: text.exactOptional() });
const input = z.strictObject({ digest, shown: text.exactOptional(), at: where.exactOptional() });

const location = z.union([
  z.strictObject({ registry: text, repository: text, manifest: digest }),
  z.strictObject({ engine: text, name: text }),
]);
const output = z.strictObject({ identity: digest, at: z.array(location) });

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
const reason = z.strictObject({ cause, path: z.array(nodeId).min(1) });

const action = z.strictObject({
  node: nodeId,
  atMost: z.enum(['keep', 'adopt', 'fetch', 'rebase', 'build', 'publish', 'forget', 'delete']),
  ifChanged: z.array(nodeId),
  reasons: z.array(reason),
  claim: z.strictObject({ note: text, unverified: z.array(text) }).exactOptional(),
  after: z.array(nodeId),
  entry: count.nullable(),
});

const shape = z.strictObject({
  formatVersion: z.literal(1),
  graph: digest,
  lineage: text.min(1),
  refreshed: z.boolean(),
  externals: z.record(nodeId, output),
  actions: z.array(action),
});

/** Members that JSON Schema cannot tell: nodes named once, `after` pointing backwards, paths that end at their node. */
const schema: z.ZodType<Plan> = shape.superRefine((plan, ctx) => {
  const earlier = new Set<NodeId>();
  for (const [at, { node, after, reasons }] of plan.actions.entries()) {
    const problem = actionProblem({ node, after, reasons }, earlier);
    if (problem !== null) ctx.addIssue({ code: 'custom', message: problem, path: ['actions', at] });
    earlier.add(node);
  }
});

function actionProblem(
  { node, after, reasons }: Pick<Action, 'node' | 'after' | 'reasons'>,
  earlier: ReadonlySet<NodeId>,
): string | null {
  if (earlier.has(node)) return `${node} is named twice`;
  const late = after.find((other) => !earlier.has(other));
  if (late !== undefined) return `${node} waits for ${late}, which is not before it`;
  if (reasons.some(({ path }) => path.at(-1) !== node)) return `a reason of ${node} is for another node`;
  return null;
}

/** Schema of a plan. */
export function planSchema(): z.ZodType<Plan> {
  return schema;
}

/** The same as JSON Schema. */
export function planSchemaJson(): Record<string, unknown> {
  return { ...z.toJSONSchema(shape, { reused: 'ref' }), title: 'Plan of rebake' };
}

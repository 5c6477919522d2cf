/** Plan files from outside: checked strictly, because an apply does what they say. zod is loaded when one is read. */
import { canonicalJson, type Plan } from '@rebake/sdk';

/** A plan, or what is wrong with the text, in one line. */
export type ParsedPlan = { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly error: string };

/** Longest text that is taken for a plan, in UTF-16 units: many times a plan that builds 10,000 nodes. */
const MAX_LENGTH = 256 * 1024 * 1024;

/** How many problems are told; the first is nearly always the cause of the others. */
const MAX_ISSUES = 3;

/** Reads a plan file. Unknown members, wrong types, duplicate nodes and a wrong order are all refused. */
export async function parsePlan(text: string): Promise<ParsedPlan> {
  if (text.length > MAX_LENGTH) return { ok: false, error: 'it is too long for a plan' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, error: `it is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const { planSchema } = await import('./plan-schema.ts');
  const parsed = planSchema().safeParse(value);
  if (parsed.success) {
    // A member called `__proto__` vanishes while parsing: what is applied is all that the file says, or nothing.
    const whole = canonicalJson(parsed.data) === canonicalJson(value);
    return whole ? { ok: true, plan: parsed.data } : { ok: false, error: 'it has members that no plan has' };
  }
  const issues = parsed.error.issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => `${path.map(String).join('.') || 'plan'}: ${message}`);
  return { ok: false, error: issues.join('; ') };
}

/** JSON Schema of plan files and of `plan --json`. */
export async function planJsonSchema(): Promise<Record<string, unknown>> {
  const { planSchemaJson } = await import('./plan-schema.ts');
  return planSchemaJson();
}

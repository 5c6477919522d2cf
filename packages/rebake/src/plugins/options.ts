/** Options of plugins, checked by whatever library the plugin uses: all that is known of it is the Standard Schema interface. */
import type { OptionsSchema } from '@rebake/sdk';
import { inTime, type Bounds } from './in-time.ts';
import { wordsOf } from './words.ts';

/** One thing that is wrong with options. */
export interface OptionsIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Outcome of a check: options as their kind has them; or what is wrong with them; or with the check itself. */
export type CheckedOptions =
  | { readonly is: 'sound'; readonly value: unknown }
  | { readonly is: 'wrong'; readonly issues: readonly OptionsIssue[] }
  | { readonly is: 'broken'; readonly words: string };

/** A validator may ask somebody, but not for ever. */
const LIMIT_MS = 30_000;
/** More of them say nothing new. */
const MAX_ISSUES = 20;

/** Checks options. Rejects only with the reason of an abort. */
export async function checkOptions(
  schema: OptionsSchema<never>,
  options: unknown,
  bounds: Bounds,
): Promise<CheckedOptions> {
  try {
    const result: unknown = await inTime(LIMIT_MS, bounds, () => schema['~standard'].validate(options));
    if (typeof result !== 'object' || result === null) return broken('it answers with nothing');
    const { issues, value } = result as { readonly issues?: unknown; readonly value?: unknown };
    if (issues === undefined) return 'value' in result ? { is: 'sound', value } : broken('it answers with nothing');
    if (!Array.isArray(issues) || issues.length === 0) return broken('it finds something wrong, and does not say what');
    return { is: 'wrong', issues: issues.slice(0, MAX_ISSUES).map(issueOf) };
  } catch (error) {
    if (bounds.signal.aborted) throw bounds.signal.reason;
    return broken(wordsOf(error));
  }
}

function broken(words: string): CheckedOptions {
  return { is: 'broken', words: `the check of its options failed: ${words}` };
}

function issueOf(issue: unknown): OptionsIssue {
  const { message, path } = (issue ?? {}) as { readonly message?: unknown; readonly path?: unknown };
  return {
    path: Array.isArray(path) ? path.map(partOf) : [],
    message: typeof message === 'string' && message !== '' ? message : 'cannot be used',
  };
}

/** Parts of a path are keys, or objects with a key. */
function partOf(part: unknown): string | number {
  const key: unknown = typeof part === 'object' && part !== null ? (part as { readonly key?: unknown }).key : part;
  return typeof key === 'number' ? key : String(key);
}

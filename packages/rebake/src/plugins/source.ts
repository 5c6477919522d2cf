/** Sources of plugins, read: in time, with secrets, and in full or not at all. */
import { diagnostic, type Asked } from '@rebake/model';
import type { SourceAnswer, SourceKind, Where } from '@rebake/sdk';
import { createContexts } from '../contexts.ts';
import { inTime, TooLate, type Bounds } from './in-time.ts';
import { wordsOf } from './words.ts';

/** How long a source may take, in milliseconds. */
const LIMIT_MS = 60_000;
/** How many of the things that are missing are told. */
const MAX_MISSING = 3;

/** What a source may know of the process and the project. */
export interface SourcePlace {
  readonly root: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
}

/** Reads a source with options that its kind has accepted. */
export async function readSource(
  kind: SourceKind,
  options: never,
  { title, at }: { readonly title: string; readonly at: Where },
  place: SourcePlace & Bounds,
): Promise<Asked<SourceAnswer['declaration']>> {
  const { root, dataDir, env, now } = place;
  const failed = (code: 'SOURCE_FAILED' | 'SOURCE_PARTIAL' | 'PLUGIN_BROKEN', message: string) =>
    ({ ok: false, diagnostics: [diagnostic(code, message, at)] }) as const;
  const contexts = createContexts({
    root,
    dataDir,
    env,
    now,
    access: (host) => ({ host }),
    credentials: async () => null,
  });
  const clean = (words: string): string => contexts.redactor.clean(words);
  let answer: unknown;
  try {
    answer = await inTime(LIMIT_MS, place, async (signal) => {
      const { ctx, close } = contexts.open({ signal, emit: () => {} });
      try {
        return await kind.read(options, { signal, root, env, secret: (ref) => ctx.secret(ref) });
      } finally {
        close();
      }
    });
  } catch (error) {
    if (place.signal.aborted) throw place.signal.reason;
    const words = error instanceof TooLate ? error.message : clean(wordsOf(error));
    return failed('SOURCE_FAILED', `${title} could not be read: ${words}`);
  }
  const { declaration, missing } = (answer ?? {}) as Partial<Record<keyof SourceAnswer, unknown>>;
  if (typeof declaration !== 'object' || declaration === null)
    return failed('PLUGIN_BROKEN', `${title}: its plugin answered without a \`declaration\``);
  if (!Array.isArray(missing) || !missing.every((one) => typeof one === 'string'))
    return failed('PLUGIN_BROKEN', `${title}: its plugin answered without \`missing\`, a list of sentences`);
  if (missing.length > 0) {
    const more = missing.length - MAX_MISSING;
    const told = missing.slice(0, MAX_MISSING).map(clean).join('; ');
    return failed('SOURCE_PARTIAL', `${title} was read in part only: ${told}${more > 0 ? ` (and ${more} more)` : ''}`);
  }
  return { ok: true, value: declaration as SourceAnswer['declaration'] };
}

/** States of plugins, opened. From then on every answer is checked, and what fails is told with its place and not as a crash. */
import { checkedStore } from '@rebake/engine';
import { diagnostic, type Asked } from '@rebake/model';
import type { Store, StoreKind, StorePlace, Where } from '@rebake/sdk';
import { libraryDiagnostic } from '../diagnostics.ts';
import { Refused } from '../refusals.ts';
import { inTime, type Bounds } from './in-time.ts';
import { wordsOf } from './words.ts';

/** How long opening may take, in milliseconds. */
const LIMIT_MS = 60_000;

const METHODS = [
  'read',
  'commit',
  'fail',
  'forget',
  'record',
  'history',
  'retain',
  'capabilities',
  'remember',
  'lock',
  'close',
] as const satisfies readonly (keyof Store)[];

/** Opens a state with options that its kind has accepted. */
export async function openForeignStore(
  kind: StoreKind,
  options: never,
  place: StorePlace,
  { type, where }: { readonly type: string; readonly where: Where },
  bounds: Bounds,
): Promise<Asked<Store>> {
  let opened: unknown;
  try {
    opened = await inTime(LIMIT_MS, bounds, () => kind.open(options, place));
  } catch (error) {
    if (bounds.signal.aborted) throw bounds.signal.reason;
    const message = `The state \`${type}\` cannot be opened: ${wordsOf(error)}`;
    return { ok: false, diagnostics: [libraryDiagnostic('STORE_FAILED', message, { where })] };
  }
  const missing = METHODS.find((method) => typeof (opened as Partial<Store> | null)?.[method] !== 'function');
  if (missing !== undefined) {
    const message = `The state \`${type}\`: its plugin opened something without \`${missing}\`, which is no store`;
    return { ok: false, diagnostics: [diagnostic('PLUGIN_BROKEN', message, where)] };
  }
  const refused = (code: 'STORE_FAILED' | 'STORE_BROKEN', words: string): Refused =>
    new Refused([libraryDiagnostic(code, `The state \`${type}\`: ${words}`, { where })]);
  return {
    ok: true,
    value: checkedStore(opened as Store, {
      failed: (error, doing) => refused('STORE_FAILED', `${doing} failed: ${wordsOf(error)}`),
      broken: (what) => refused('STORE_BROKEN', `it answered with ${what}`),
    }),
  };
}

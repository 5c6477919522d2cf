/** Nodes of plugins, worked out from their options and files. What they are like is checked by whoever puts them into the graph. */
import { diagnostic, type Asked } from '@rebake/model';
import type { KindCtx, NodeKind } from '@rebake/sdk';
import { inTime, type Bounds } from './in-time.ts';
import { wordsOf } from './words.ts';

/** How long that may take, in milliseconds. */
const LIMIT_MS = 60_000;

/** Expands a kind with options that it has accepted. */
export async function expandNodes(
  kind: NodeKind,
  options: never,
  title: string,
  ctx: KindCtx,
  bounds: Bounds,
): Promise<Asked<readonly unknown[]>> {
  try {
    return { ok: true, value: await inTime(LIMIT_MS, bounds, () => kind.expand(options, ctx)) };
  } catch (error) {
    if (bounds.signal.aborted) throw bounds.signal.reason;
    return {
      ok: false,
      diagnostics: [diagnostic('NODES_FAILED', `${title} could not be expanded: ${wordsOf(error)}`, ctx.at)],
    };
  }
}

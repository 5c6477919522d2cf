// The engines of tools/engines, or the line that says how to start them.
import { requireEngines, type EngineName, type EnginesState } from '@rebake/tool-engines';
import { NotMeasured } from './bench.ts';

/** Their addresses. Throws {@link NotMeasured} where one is not up. */
export async function enginesFor(...names: readonly EngineName[]): Promise<EnginesState> {
  try {
    return await requireEngines(...names);
  } catch (error) {
    throw new NotMeasured(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Debian packages of a lock as layers. */
import type { Step } from '@rebake/image';
import { debianLayers } from '@rebake/debian';
import type { Draft, Workbench } from '../draft.ts';
import type { Supply } from '../supply.ts';
import { sizesOf } from '../words.ts';

export async function debian(
  step: Extract<Step, { step: 'debian' }>,
  draft: Draft,
  bench: Workbench,
  supply: Supply,
): Promise<void> {
  const { cache, compression, signal, log, onLayer } = bench;
  const means = { cache, download: supply.download, signal, log, env: supply.env, onLayer };
  const layers = await debianLayers(step, draft.fs(), compression, means);
  log(`debian ${step.suite}: ${sizesOf(layers)}`);
  draft.add(layers, `rebake debian ${step.suite}`);
}

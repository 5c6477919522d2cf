/** Debian packages of a lock as layers. */
import { BuildFailure, type Step } from '@rebake/image';
import { debianLayers, debianPythons } from '@rebake/debian';
import type { Draft, Workbench } from '../draft.ts';
import type { Supply } from '../supply.ts';
import { sizesOf } from '../words.ts';

/** The packages, and then the bytecode of the modules that they bring: packages of Debian come without, as their scripts make it. */
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
  if (layers.length > 0) await bytecode(draft, bench);
}

async function bytecode(draft: Draft, bench: Workbench): Promise<void> {
  const { cache, compression, signal, log, onLayer } = bench;
  const fs = draft.fs();
  const pythons = fs === null ? [] : await debianPythons(fs);
  if (fs === null || pythons.length === 0) return;
  const { standardBytecode } = await import('@rebake/python');
  const identity = draft.contents;
  for (const { version, program, folders } of pythons) {
    try {
      const request = { fs, identity, interpreter: version, program, folders, compression };
      const layers = await standardBytecode(request, { cache, signal, onLayer });
      if (layers.length === 0) continue;
      log(`bytecode of python${version}: ${sizesOf(layers)}`);
      draft.add(layers, `rebake bytecode python${version}`);
    } catch (error) {
      if (!(error instanceof BuildFailure) || error.error.code !== 'BYTECODE_UNAVAILABLE') throw error;
      log(
        `no bytecode for the standard library of python${version}, which starts slower without: ${error.error.words}`,
      );
    }
  }
}

/** A Python environment of a lock as layers. */
import type { Platform, Step } from '@rebake/image';
import { pythonEnvLayers } from '@rebake/python';
import { failure } from '@rebake/sdk/building';
import { valueOf } from '../config/env.ts';
import type { Draft, Workbench } from '../draft.ts';
import type { Supply } from '../supply.ts';
import { sizesOf } from '../words.ts';

type PythonEnv = Extract<Step, { step: 'python-env' }>;

/** Layers that an environment gets at least, however many are there already. */
const LEAST_LAYERS = 8;
const MOST_LAYERS = 60;
/** What every wheel may need; an environment without packages needs nothing. */
const OLDEST_GLIBC = '2.17';

export interface EnvOptions {
  readonly platform: Platform;
  /** The environment while steps run. */
  readonly env: readonly string[];
  /** The most layers of the whole image. */
  readonly maxLayers: number;
}

export async function pythonEnv(
  step: PythonEnv,
  draft: Draft,
  bench: Workbench,
  supply: Supply,
  { platform, env, maxLayers }: EnvOptions,
): Promise<void> {
  const { cache, compression, signal, log, onLayer } = bench;
  const { prefix, interpreter, packages, bytecode } = step;
  const fs = draft.fs();
  if (fs === null) throw failure('SPEC_INVALID', 'never', `there is nothing below the Python environment ${prefix}`);
  const locked = 'locked' in packages ? packages : { locked: [], glibc: OLDEST_GLIBC };
  const request = {
    prefix,
    interpreter,
    locked: locked.locked,
    glibc: locked.glibc,
    platform,
    bytecode,
    compression,
    fs,
    identity: draft.contents,
    path: (valueOf(env, 'PATH') ?? '').split(':').filter((folder) => folder.startsWith('/')),
  };
  const room = Math.max(LEAST_LAYERS, Math.min(MOST_LAYERS, maxLayers - draft.layers.length));
  const { download, env: own } = supply;
  const uv = async () => supply.uv();
  const means = { cache, download, signal, log, env: own, uv, onLayer, maxLayers: room };
  const layers = await pythonEnvLayers(request, means);
  log(`python-env ${prefix}: ${sizesOf(layers)}`);
  draft.add(layers, `rebake python-env ${prefix}`);
}

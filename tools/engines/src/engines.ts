// Engines as tests see them: the state that `up` wrote, together with what is alive now.
import { isUp } from './liveness.ts';
import type { EngineName, EnginesState } from './state.ts';
import { readState, statePath } from './state.ts';

export const ENGINE_NAMES: readonly EngineName[] = [
  'docker',
  'buildkit',
  'buildkitTls',
  'podman',
  'podmanRootless',
  'buildah',
  'ssh',
  'kube',
  'rootfs',
  'wheels',
  'plain',
  'auth',
  'tls',
  'token',
  'plain3',
  'tls3',
  'token3',
  'crane',
];

export interface Engines {
  /** Undefined where `up` has not run. */
  readonly state: EnginesState | undefined;
  readonly up: ReadonlySet<EngineName>;
}

/** Reads engines.json and asks every engine whether it is there (about 20 ms). */
export async function engines(dir?: string): Promise<Engines> {
  const state = readState(dir);
  if (state === undefined) return { state, up: new Set() };
  const live = await Promise.all(ENGINE_NAMES.map(async (name) => ((await isUp(state, name)) ? [name] : [])));
  return { state, up: new Set(live.flat()) };
}

/** For scripts that cannot do without: the state, or an error that says what to run. */
export async function requireEngines(...names: readonly EngineName[]): Promise<EnginesState> {
  const { state, up } = await engines();
  const missing = names.filter((name) => !up.has(name));
  if (state === undefined || missing.length > 0) {
    throw new Error(`not up: ${missing.join(', ') || statePath()}; run tools/engines/up`);
  }
  return state;
}

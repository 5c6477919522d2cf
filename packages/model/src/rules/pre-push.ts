/** Rules of pre-push hooks: which one is run before the first push into which repositories. */
import { posix } from 'node:path';
import type { PrePush } from '../contract.ts';
import type { Loaded } from '../contract.ts';
import type { Config } from '../schema.ts';
import type { ConfigFacts, RegistryFacts } from './facts.ts';
import type { KeyPath, Problems } from './problems.ts';

type Declared = NonNullable<Config['registries'][string]['prePush']>;

/** Hooks of registries, and those of container configs, which go before that of their registry (`none` among them). */
export function readPrePush(
  loaded: Loaded,
  registries: ReadonlyMap<string, RegistryFacts | null>,
  configs: ReadonlyMap<string, ConfigFacts>,
  problems: Problems,
): readonly PrePush[] {
  const found: PrePush[] = [];
  for (const [name, facts] of registries) {
    const declared = loaded.config.registries[name]?.prePush;
    if (facts === null || declared === undefined) continue;
    const hook = hookOf(loaded, declared, ['registries', name, 'prePush'], problems);
    if (hook !== null)
      found.push({ registry: facts.push.host, root: facts.push.path, under: facts.push.path, ...hook });
  }
  for (const { config, registry, repository, path } of configs.values()) {
    if (config.prePush === undefined || registry === null) continue;
    const hook = hookOf(loaded, config.prePush, [...path, 'prePush'], problems);
    const { host, path: root } = registry.push;
    if (hook !== null) found.push({ registry: host, root, under: posix.join(root, repository), ...hook });
  }
  return found;
}

function hookOf(
  loaded: Loaded,
  { mode, script }: Declared,
  path: KeyPath,
  problems: Problems,
): Pick<PrePush, 'mode' | 'script'> | null {
  if (mode !== 'custom') return { mode, script: null };
  if (script !== undefined) return { mode, script: posix.resolve(loaded.root, script) };
  problems.add('PRE_PUSH_SCRIPT', path, 'The hook is `custom`, and names no script');
  return null;
}

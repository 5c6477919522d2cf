/** Rules of selections: which container configs a code env gets images for. */
import type { Loaded } from '../contract.ts';
import { insteadOf } from '../names.ts';
import type { CodeEnvConfig } from '../schema.ts';
import type { ConfigFacts } from './facts.ts';
import type { KeyPath, Problems } from './problems.ts';

/** Names of the declared configs that an env selects, sound or not. */
export function selectedNames(loaded: Loaded, config: CodeEnvConfig): readonly string[] {
  const declared = loaded.config.containerConfigs;
  if (config.containerConfigs === 'none') return [];
  if (config.containerConfigs === 'all') return Object.keys(declared);
  return config.containerConfigs.filter((name) => Object.hasOwn(declared, name));
}

/** The sound configs that an env selects, each once, in the order of the declaration. */
export function selectConfigs(
  loaded: Loaded,
  name: string,
  config: CodeEnvConfig,
  configs: ReadonlyMap<string, ConfigFacts>,
  path: KeyPath,
  problems: Problems,
): readonly ConfigFacts[] {
  const selection = config.containerConfigs;
  if (selection === 'none') return [];
  const at = [...path, 'containerConfigs'];
  const declared = Object.keys(loaded.config.containerConfigs);
  if (selection === 'all') {
    if (declared.length === 0) {
      if (!problems.removed.touches(['containerConfigs']))
        problems.add(
          'ENV_SELECTS_NOTHING',
          at,
          `The code env \`${name}\` is for all container configs, but none is declared`,
          'Declare one under `containerConfigs`, or write `containerConfigs: none` here.',
        );
      return [];
    }
    const fitting = [...configs.values()].filter(
      (one) => config.platform === undefined || one.platform === config.platform,
    );
    if (configs.size > 0 && fitting.length === 0) {
      problems.add(
        'ENV_SELECTS_NOTHING',
        [...path, 'platform'],
        `The code env \`${name}\` is for ${config.platform}, and no container config is`,
      );
    }
    return fitting;
  }
  if (selection.length === 0) {
    problems.add('ENV_SELECTS_NOTHING', at, `The code env \`${name}\` selects no container config`);
    return [];
  }
  const chosen = new Set<ConfigFacts>();
  for (const [index, wanted] of selection.entries()) {
    const facts = configs.get(wanted);
    if (facts === undefined) {
      // A declared config that is not sound has its diagnostic.
      if (
        !Object.hasOwn(loaded.config.containerConfigs, wanted) &&
        !problems.removed.touches(['containerConfigs', wanted])
      )
        problems.add(
          'UNKNOWN_CONFIG',
          [...at, index],
          `There is no container config \`${wanted}\``,
          insteadOf(wanted, declared, 'container config'),
        );
    } else if (config.platform !== undefined && facts.platform !== config.platform) {
      problems.add(
        'PLATFORM_MISMATCH',
        [...at, index],
        `The code env \`${name}\` is for ${config.platform}, but \`${wanted}\` runs on ${facts.platform}`,
      );
    } else chosen.add(facts);
  }
  return [...chosen];
}

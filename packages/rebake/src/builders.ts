/** Builders by name: the table of built-in plugins, each loaded when one of its builders is first used. */
import type { BuilderConfig } from '@rebake/model';
import { join } from 'node:path';
import { BuildFailure, type Builder, type BuilderPlace, type OptionsResult, type Plugin } from '@rebake/sdk';
import type { PooledBuilder } from '@rebake/engine';
import { DEFAULT_TIMEOUT_MS } from './defaults.ts';

/** Kind of builder → the plugin that brings it. The only place that names plugins; each is loaded on first use. */
const BUILT_IN: Readonly<Record<string, () => Promise<{ readonly plugin: Plugin }>>> = {
  docker: () => import('@rebake/plugin-docker'),
};

/** Kinds that come with rebake. */
export const BUILT_IN_KINDS: readonly string[] = Object.keys(BUILT_IN);

/** What the pool is made of, for a declaration's builders. `given` come first: tests and programs hand in builders of their own. */
export function pooledBuilders(
  configs: Readonly<Record<string, BuilderConfig>>,
  place: { readonly dataDir: string; readonly env: BuilderPlace['env'] },
  given: Readonly<Record<string, Builder>> = {},
): ReadonlyMap<string, PooledBuilder> {
  return new Map(
    Object.entries(configs).map(([name, config]) => {
      const own = given[name];
      const load =
        own === undefined
          ? () => create(name, config, { dir: join(place.dataDir, 'builders', name), env: place.env })
          : () => Promise.resolve(own);
      return [name, { load, parallel: config.parallel, timeoutMs: config.timeoutMs ?? DEFAULT_TIMEOUT_MS }];
    }),
  );
}

async function create(name: string, config: BuilderConfig, place: BuilderPlace): Promise<Builder> {
  const load = BUILT_IN[config.kind];
  if (load === undefined) {
    throw refused(`builder ${name}: there is no builder of type ${config.kind}; there is ${BUILT_IN_KINDS.join(', ')}`);
  }
  const kind = (await load()).plugin.builders[config.kind];
  if (kind === undefined) throw new Error(`plugin of ${config.kind} brings no such builder`);
  const checked: OptionsResult<unknown> = await kind.options['~standard'].validate(config.options);
  if (checked.issues !== undefined) {
    const words = checked.issues
      .map(({ path, message }) => `${path === undefined ? '' : `${pathText(path)}: `}${message}`)
      .join('; ');
    throw refused(`builder ${name}: ${words}`);
  }
  return kind.create(checked.value as never, place);
}

function pathText(path: readonly (PropertyKey | { readonly key: PropertyKey })[]): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}

function refused(words: string): BuildFailure {
  return new BuildFailure({ code: 'BUILDER_OPTIONS', retry: 'never', words });
}

/** The builders of a declaration: made when they are first used, and what keeps them from being made. */
import { join } from 'node:path';
import type { PooledBuilder } from '@rebake/engine';
import { distinct, type Asked, type BuilderConfig } from '@rebake/model';
import { BuildFailure, type Builder, type BuilderPlace, type Diagnostic } from '@rebake/sdk';
import { DEFAULT_TIMEOUT_MS } from './defaults.ts';
import type { Plugins } from './plugins/plugins.ts';

/** Where builders come from. */
export interface BuilderSource {
  readonly dataDir: string;
  readonly env: BuilderPlace['env'];
  readonly plugins: () => Promise<Plugins>;
  /** These go before declared ones of their names: tests and programs hand in builders of their own. */
  readonly given?: Readonly<Record<string, Builder>> | undefined;
}

/** Builders by name. */
export interface DeclaredBuilders {
  readonly pooled: ReadonlyMap<string, PooledBuilder>;
  /** Makes some of them, and says what is wrong with those that cannot be made. Contacts nothing. */
  readonly refused: (names: Iterable<string>) => Promise<readonly Diagnostic[]>;
}

/** The builders of a declaration. None is made before it is asked for. */
export function declaredBuilders(
  configs: Readonly<Record<string, BuilderConfig>>,
  source: BuilderSource,
): DeclaredBuilders {
  const made = new Map<string, Promise<Asked<Builder>>>();
  const make = (name: string): Promise<Asked<Builder>> => {
    const known = made.get(name) ?? makeBuilder(name, configs[name], source);
    made.set(name, known);
    return known;
  };
  const load = async (name: string): Promise<Builder> => {
    const asked = await make(name);
    if (asked.ok) return asked.value;
    throw refusal(name, asked.diagnostics);
  };
  return {
    pooled: new Map(
      Object.entries(configs).map(([name, { parallel, timeoutMs }]) => [
        name,
        { load: () => load(name), parallel, timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS },
      ]),
    ),
    async refused(names) {
      const asked = await Promise.all([...new Set(names)].map(make));
      return distinct(asked.flatMap((one) => (one.ok ? [] : one.diagnostics)));
    },
  };
}

async function makeBuilder(
  name: string,
  config: BuilderConfig | undefined,
  { given = {}, plugins, dataDir, env }: BuilderSource,
): Promise<Asked<Builder>> {
  const own = Object.hasOwn(given, name) ? given[name] : undefined;
  if (own !== undefined) return { ok: true, value: own };
  // Nodes name declared builders only.
  if (config === undefined) throw new Error(`no builder ${name} is declared`);
  return (await plugins()).makeBuilder(name, config, { dir: join(dataDir, 'builders', name), env });
}

/** For who uses a builder without having asked whether it is refused. */
function refusal(name: string, diagnostics: readonly Diagnostic[]): BuildFailure {
  const [first] = diagnostics;
  const words = diagnostics.map(({ message }) => message).join('; ');
  return new BuildFailure({
    code: first?.code ?? 'BUILDER_UNKNOWN',
    retry: 'never',
    words: `builder ${name}: ${words}`,
  });
}

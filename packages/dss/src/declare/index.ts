/** A reading of an instance as a declaration. */
import type { InstanceReading, Json, JsonObject } from '../reading.ts';
import { field } from '../settings.ts';
import { configsOf } from './configs.ts';
import { compact } from './contents.ts';
import { envOf } from './env.ts';
import { Names } from './names.ts';
import { othersOf } from './others.ts';
import { withoutSecrets } from './secrets.ts';
import type { Declared, DeclareOptions, Draft } from './types.ts';

/** Maps what can be declared, and lists the rest. */
export function declarationOf(reading: InstanceReading, options: DeclareOptions): Declared {
  const draft: Draft = { options, files: new Map(), unmapped: [] };
  const { name, live } = options;
  const configs = configsOf(reading, contentsOf(reading), draft);
  const names = new Names();
  const codeEnvs: Record<string, Json> = {};
  for (const env of reading.envs) {
    const key = names.take(env.name);
    codeEnvs[key] = envOf(env, key, configs, draft);
  }
  draft.unmapped.push(...othersOf(reading));
  for (const sentence of reading.missing) draft.unmapped.push({ where: reading.place, value: null, why: sentence });
  if (reading.version === null)
    draft.unmapped.push({ where: 'release', value: null, why: 'nothing says the version of DSS' });
  const { registries, baseImages, containerConfigs, sparkConfigs } = configs;
  const instance = live === null ? null : instanceOf(reading, live);
  const sections: Record<string, JsonObject> = {
    ...(reading.version === null ? {} : { release: { version: reading.version } }),
    registries,
    baseImages,
    containerConfigs,
    sparkConfigs,
    codeEnvs,
    instances: instance === null ? {} : { [name]: instance },
    builders: { default: 'docker', ...(live === null ? {} : { [`dss-${name}`]: builderOf(live) }) },
  };
  return {
    sections: Object.fromEntries(Object.entries(sections).filter(([, its]) => Object.keys(its).length > 0)),
    files: draft.files,
    unmapped: draft.unmapped.map((one) => ({
      ...one,
      value: withoutSecrets(one.value, one.where.split('.').at(-1)),
    })),
  };
}

type Live = NonNullable<DeclareOptions['live']>;

function instanceOf(reading: InstanceReading, { url, apiKeyFile, ca }: Live): JsonObject {
  return compact({
    url,
    apiKey: { file: apiKeyFile },
    type: reading.node,
    dataDir: reading.from === 'data-dir' ? reading.place : null,
    installId: reading.installId,
    ca: ca ?? null,
  });
}

function builderOf({ url, apiKeyFile, ca }: Live): JsonObject {
  return { type: 'dss', parallel: 4, options: compact({ url, apiKey: { file: apiKeyFile }, ca: ca ?? null }) };
}

/** Settings do not say what is in a base: it is taken to hold every interpreter of its envs, and R where an env is of R. */
function contentsOf({ envs }: InstanceReading): JsonObject {
  const found = new Set<string>();
  for (const { settings, versions } of envs) {
    for (const one of versions === null ? [settings] : versions.map((version) => version.settings)) {
      const value = field(one, 'pythonInterpreter');
      const [, major, minor] = typeof value === 'string' ? (/^PYTHON([23])(\d{1,2})$/.exec(value) ?? []) : [];
      if (major !== undefined && minor !== undefined) found.add(`${major}.${minor}`);
    }
  }
  const python = [...found].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return compact({
    python: python.length === 0 ? null : python,
    r: envs.some(({ language }) => language === 'R') ? true : null,
  });
}

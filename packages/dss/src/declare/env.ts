/** Code envs of a reading as code envs of a declaration. */
import type { EnvReading, Json, JsonObject } from '../reading.ts';
import { field } from '../settings.ts';
import { compact, contentsOf, interpreterOf, type Mapped } from './contents.ts';
import { Names } from './names.ts';
import type { Draft } from './types.ts';

/** Deployment modes whose names in a declaration are not DSS's in lower case. */
const DEPLOYMENTS: Readonly<Record<string, string>> = {
  DESIGN_MANAGED: 'design-managed',
  DESIGN_NON_MANAGED: 'design-non-managed',
  EXTERNAL_CONDA_NAMED: 'external-conda-named',
  PLUGIN_MANAGED: 'plugin-managed',
  PLUGIN_NON_MANAGED: 'plugin-non-managed',
  AUTOMATION_SINGLE: 'automation-single',
  AUTOMATION_VERSIONED: 'automation-versioned',
  AUTOMATION_NON_MANAGED_PATH: 'automation-non-managed-path',
  AUTOMATION_EXTERNAL_CONDA_NAMED: 'automation-external-conda-named',
  BUSINESS_APP_MANAGED: 'business-app-managed',
  BUSINESS_APP_NON_MANAGED: 'business-app-non-managed',
};
/** Names of configs in the declaration, by their names in DSS: one config may stand there once a cluster. */
export type Selectable = ReadonlyMap<string, readonly string[]>;

/** One env under its name in the declaration. */
export function envOf(
  env: EnvReading,
  key: string,
  selectable: { readonly containers: Selectable; readonly spark: Selectable },
  draft: Draft,
): JsonObject {
  const { name, live } = { name: draft.options.name, live: draft.options.live };
  const where = `codeEnvs.${key}`;
  const deployment = DEPLOYMENTS[env.deploymentMode];
  if (deployment === undefined)
    draft.unmapped.push({ where: `${where}.deploymentMode`, value: env.deploymentMode, why: 'an unknown mode' });
  const versions = env.versions ?? [];
  const main = versions.length === 0 ? contentsOf(env, key, where, draft) : null;
  const ids = new Names();
  const each = versions.map((version): [string, Mapped] => {
    const id = ids.take(version.id);
    const at = `${where}.versions.${id}`;
    if (id !== version.id) draft.unmapped.push({ where: at, value: version.id, why: 'no name of a declaration' });
    return [id, contentsOf({ ...version, language: env.language }, `${key}/${id}`, at, draft)];
  });
  const parts = main === null ? each.map(([, part]) => part) : [main];
  const never =
    deployment === undefined
      ? 'its mode is unknown'
      : (neverInContainers(deployment, parts) ?? parts.find(({ held }) => held !== null)?.held ?? null);
  // The newest version says what the env selects; settings of the env itself count where it says nothing.
  const settings = { ...env.settings, ...versions.at(-1)?.settings };
  if (never !== null) {
    const selected = Object.fromEntries([...CONTAINERS, ...SPARK].map((one) => [one, field(settings, one) ?? null]));
    draft.unmapped.push({ where: `${where}.containerConfigs`, value: selected, why: never });
  }
  for (const version of versions.slice(0, -1)) {
    for (const one of [...CONTAINERS, ...SPARK]) {
      const its = field(version.settings, one);
      if (its !== undefined && JSON.stringify(its) !== JSON.stringify(field(settings, one)))
        draft.unmapped.push({
          where: `${where}.versions.${version.id}.${one}`,
          value: its,
          why: 'all versions select what the newest does',
        });
    }
  }
  const accepted = acceptedOf(env, parts, where, draft);
  return compact({
    language: env.language === 'R' ? 'r' : 'python',
    ...main?.fields,
    versions: each.length === 0 ? null : Object.fromEntries(each.map(([id, part]) => [id, part.fields])),
    containerConfigs: never === null ? selectionOf(settings, CONTAINERS, selectable.containers, where, draft) : 'none',
    sparkConfigs: never === null ? selectionOf(settings, SPARK, selectable.spark, where, draft) : null,
    deployment: deployment === 'design-managed' ? null : (deployment ?? null),
    acceptedInterpreters: accepted,
    instance: live === null ? null : name,
    dssName: key === env.name ? null : oneLine(env.name),
    owner: env.owner === null || env.owner === '' ? null : oneLine(env.owner),
    builder: live === null ? null : `dss-${name}`,
  });
}

/** Why DSS makes no images of it, whatever is selected; null: nothing known is against it. */
function neverInContainers(deployment: string, contents: readonly Mapped[]): string | null {
  if (deployment.includes('non-managed')) return 'non-managed: DSS makes no images of it';
  if (deployment.includes('external-conda')) return 'a named external Conda env: DSS makes no images of it';
  return contents.some((one) => one.fields['interpreter'] === 'custom')
    ? 'a custom interpreter of the DSS host, which images do not have'
    : null;
}

/** Interpreters that a plugin accepts; null: not said, or the env has another one all the same. */
function acceptedOf(env: EnvReading, parts: readonly Mapped[], where: string, draft: Draft): Json {
  const listed = field(env.settings, 'acceptedPythonInterpreters');
  if (!Array.isArray(listed)) return null;
  const note = (value: Json, why: string): void =>
    void draft.unmapped.push({ where: `${where}.acceptedInterpreters`, value, why });
  const accepted = listed.flatMap((one: Json) => {
    const found = interpreterOf(one);
    if (found === null) note(one, 'an unknown interpreter');
    return found === null ? [] : [found];
  });
  const others = parts
    .flatMap(({ fields }) => (typeof fields['interpreter'] === 'string' ? [fields['interpreter']] : []))
    .filter((one) => !accepted.includes(one));
  if (others.length === 0) return accepted.length === 0 ? null : accepted;
  note(accepted, `it has ${others.join(', ')} all the same`);
  return null;
}

const CONTAINERS = ['allContainerConfs', 'containerConfs'] as const;
const SPARK = ['allSparkKubernetesConfs', 'sparkKubernetesConfs'] as const;

function selectionOf(
  settings: JsonObject,
  [all, list]: readonly [string, string],
  known: Selectable,
  where: string,
  draft: Draft,
): Json {
  const everything = [...known.values()].flat();
  // A list, for `all` would mean the configs of other instances in the same declaration too.
  if (field(settings, all) === true && everything.length > 0) return everything;
  if (field(settings, all) === true)
    draft.unmapped.push({ where: `${where}.${all}`, value: true, why: 'there is no config to select' });
  const named = field(settings, list);
  const found = (Array.isArray(named) ? named : []).flatMap((one: Json) => {
    const names = typeof one === 'string' ? known.get(one) : undefined;
    if (names === undefined)
      draft.unmapped.push({ where: `${where}.${list}`, value: one, why: 'no config of that name' });
    return names ?? [];
  });
  return found.length === 0 ? 'none' : [...new Set(found)];
}

/** Without line breaks and control characters: a field of one line. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}

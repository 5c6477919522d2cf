/** Registries, base images and configs of containers and Spark of a reading. */
import type { InstanceReading, Json, JsonObject } from '../reading.ts';
import { containerConfigsOf, isObject, sparkConfigsOf } from '../settings.ts';
import { compact } from './contents.ts';
import type { Selectable } from './env.ts';
import { nameOf, Names } from './names.ts';
import { isSecret } from './secrets.ts';
import type { Draft } from './types.ts';

/** The sections, and the names that envs may select. */
export interface Configs {
  readonly registries: JsonObject;
  readonly baseImages: JsonObject;
  readonly containerConfigs: JsonObject;
  readonly sparkConfigs: JsonObject;
  readonly containers: Selectable;
  readonly spark: Selectable;
}

type BaseType = 'container-exec' | 'spark';

/** Maps all configs. `contents` is what every base is said to hold: interpreters that envs need, and R. */
export function configsOf(reading: InstanceReading, contents: JsonObject, draft: Draft): Configs {
  const made = new Places(reading, contents, draft);
  const names = new Names();
  const containers = new Map<string, string[]>();
  const containerConfigs: Record<string, Json> = {};
  for (const row of containerConfigsOf(reading)) {
    const key = names.take(row.cluster === null ? row.name : `${row.name}-${row.cluster}`);
    const where = `containerConfigs.${key}`;
    const build = builderOf(row.buildConfig);
    const { registry, rest } = made.registry(row.repositoryURL ?? textOf(build, 'repositoryURL'), where);
    containers.set(row.name, [...(containers.get(row.name) ?? []), key]);
    containerConfigs[key] = compact({
      engine: row.type === 'DOCKER' ? 'docker' : 'kubernetes',
      base: made.base('container-exec', row.baseImage ?? textOf(build, 'baseImage'), rest),
      registry,
      instance: draft.options.live === null ? null : draft.options.name,
      dssName: key === row.name ? null : row.name,
      usableBy: row.usableBy === 'ALLOWED' ? 'allowed' : null,
      allowedGroups: row.allowedGroups.length === 0 ? null : row.allowedGroups,
      workloadType: row.workloadType,
      properties: propertiesOf(row.properties, where, draft),
      prePush: made.prePush(
        row.prePushMode ?? textOf(build, 'prePushMode'),
        row.prePushScript ?? textOf(build, 'prePushScript'),
        where,
      ),
    });
    noteRest(row.rest, where, draft);
    if (row.buildConfig !== null)
      draft.unmapped.push({
        where: `${where}.buildConfig`,
        value: row.buildConfig,
        why: 'builders of DSS are not declared',
      });
  }
  const spark = new Map<string, string[]>();
  const sparkConfigs: Record<string, Json> = {};
  const sparkNames = new Names();
  for (const row of sparkConfigsOf(reading)) {
    const key = sparkNames.take(row.name);
    const where = `sparkConfigs.${key}`;
    const { registry, rest } = made.registry(row.repositoryURL, where);
    spark.set(row.name, [key]);
    sparkConfigs[key] = compact({
      base: made.base('spark', row.baseImage, rest),
      registry,
      instance: draft.options.live === null ? null : draft.options.name,
      dssName: key === row.name ? null : row.name,
      description: row.description,
      managedKubernetes: row.managedKubernetes ? null : false,
      properties: propertiesOf(row.conf, where, draft),
      prePush: made.prePush(row.prePushMode, row.prePushScript, where),
    });
    noteRest(row.kubernetesRest, `${where}.kubernetesSettings`, draft);
    noteRest(row.rest, where, draft);
  }
  const { registries, baseImages } = made;
  return { registries, baseImages, containerConfigs, sparkConfigs, containers, spark };
}

/** Registries and bases, each once however many configs name it. */
class Places {
  readonly registries: Record<string, Json> = {};
  readonly baseImages: Record<string, Json> = {};
  private readonly registryNames = new Map<string, string>();
  private readonly baseNames = new Map<string, string>();
  private readonly names = new Names();
  private readonly bases = new Names();
  private readonly reading: InstanceReading;
  private readonly contents: JsonObject;
  private readonly draft: Draft;

  constructor(reading: InstanceReading, contents: JsonObject, draft: Draft) {
    this.reading = reading;
    this.contents = contents;
    this.draft = draft;
  }

  registry(url: string | null, where: string): { readonly registry: string | null; readonly rest: string | null } {
    if (url === null) return { registry: null, rest: null };
    const plain = url.replace(/\/+$/, '');
    if (
      !/^[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/.test(plain) ||
      !/^[^/]*[.:]|^localhost/.test(plain)
    ) {
      this.draft.unmapped.push({ where: `${where}.repositoryURL`, value: url, why: 'no address of a registry' });
      return { registry: null, rest: null };
    }
    let name = this.registryNames.get(plain);
    if (name === undefined) {
      name = this.names.take(nameOf(plain));
      this.registryNames.set(plain, name);
      this.registries[name] = { url: plain };
    }
    return { registry: name, rest: plain };
  }

  /** A base by DSS's name for it: it starts from the image that is there, so that a plan has nothing to build first. */
  base(type: BaseType, custom: string | null, registry: string | null): string {
    const { installId, version } = this.reading;
    const kind = type === 'spark' ? 'spark' : 'exec';
    const image = custom ?? `dku-${kind}-base-${installId?.toLowerCase() ?? 'unknown'}:dss-${version ?? 'unknown'}`;
    const known = this.baseNames.get(`${type} ${image}`);
    if (known !== undefined) return known;
    const [, repository = image, tag = 'latest'] = /^(.*?)(?::([^:/]+))?$/.exec(image) ?? [];
    const hosted = /^[^/]*[.:][^/]*\//.test(image);
    const name = this.bases.take(custom === null ? kind : nameOf(repository.split('/').at(-1) ?? kind));
    this.baseNames.set(`${type} ${image}`, name);
    this.baseImages[name] = compact({
      type,
      from: { image: hosted || registry === null ? image : `${registry}/${image}` },
      ...this.contents,
      repository: hosted ? null : repository,
      tags: hosted ? null : [tag === `dss-${version}` ? 'dss-${release.version}' : tag],
    });
    return name;
  }

  prePush(mode: string | null, script: string | null, where: string): JsonObject | null {
    const lower = mode?.toLowerCase() ?? 'none';
    if (lower === 'none') return null;
    if (lower === 'ecr' || lower === 'acr') return { mode: lower };
    if (lower !== 'custom' || script === null) {
      this.draft.unmapped.push({
        where: `${where}.prePushMode`,
        value: mode,
        why: 'an unknown mode, or one without its script',
      });
      return null;
    }
    // DSS may hold the path of a script on its host instead of a text; what is there cannot be read from here.
    if (/^\/[^\s]*$/.test(script.trim())) {
      this.draft.unmapped.push({ where: `${where}.prePushScript`, value: script, why: 'a file of the DSS host' });
      return null;
    }
    const path = `scripts/${this.draft.options.name}/${where}.sh`;
    this.draft.files.set(path, script);
    return { mode: 'custom', script: path };
  }
}

/** The part of a build config that names registry and base: since DSS 15 under the kind of its builder. */
function builderOf(build: JsonObject | null): JsonObject | null {
  if (build === null) return null;
  const part = Object.entries(build).find(([key, value]) => key.endsWith('BuilderConfig') && isObject(value))?.[1];
  return isObject(part) ? { ...build, ...part } : build;
}

function textOf(value: JsonObject | null, key: string): string | null {
  const found = value?.[key];
  return typeof found === 'string' && found !== '' ? found : null;
}

/** DSS's lists of `{key, value}`. */
function propertiesOf(list: Json, where: string, draft: Draft): JsonObject | null {
  if (!Array.isArray(list) || list.length === 0) return null;
  const found: Record<string, Json> = {};
  for (const row of list as readonly Json[]) {
    const [key, value] = isObject(row) ? [row['key'], row['value']] : [];
    if (typeof key === 'string' && typeof value === 'string' && isSecret(key, value))
      draft.unmapped.push({ where: `${where}.properties.${key}`, value: null, why: 'it looks like a secret' });
    else if (typeof key === 'string' && key !== '' && typeof value === 'string') found[key] = value;
    else draft.unmapped.push({ where: `${where}.properties`, value: row, why: 'no pair of key and value' });
  }
  return found;
}

function noteRest(rest: JsonObject, where: string, draft: Draft): void {
  for (const [key, value] of Object.entries(rest))
    draft.unmapped.push({ where: `${where}.${key}`, value, why: 'a setting of running containers' });
}

/** Settings of an instance that are about something else than images: listed by name, for nobody should miss them in silence. */
import type { InstanceReading, Json, JsonObject } from '../reading.ts';
import { containerConfigsOf, isObject } from '../settings.ts';
import type { Unmapped } from './types.ts';

const WHY = 'not about images of code envs';

/** Everything in general settings, clusters and templates that no config or env came from. Values are only of the container and Spark settings. */
export function othersOf(reading: InstanceReading): Unmapped[] {
  const general = reading.generalSettings ?? {};
  const found: Unmapped[] = [];
  for (const [key, value] of Object.entries(general)) {
    if (key === 'containerSettings') found.push(...restOf(key, value, ['executionConfigs', 'buildConfigs']));
    else if (key === 'sparkSettings') found.push(...restOf(key, value, ['executionConfigs']));
    else found.push({ where: `generalSettings.${key}`, value: null, why: WHY });
  }
  const used = new Set(containerConfigsOf(reading).map(({ imageBuildConfig }) => imageBuildConfig));
  const containers = general['containerSettings'];
  const builds = isObject(containers) ? containers['buildConfigs'] : null;
  for (const build of Array.isArray(builds) ? (builds as readonly Json[]) : []) {
    const name = isObject(build) ? build['name'] : null;
    if (typeof name !== 'string' || !used.has(name))
      found.push({ where: 'generalSettings.containerSettings.buildConfigs', value: build, why: 'no config uses it' });
  }
  for (const id of Object.keys(reading.clusters))
    found.push({ where: `clusters.${id}`, value: null, why: 'only what it overrides of configs is declared' });
  for (const id of Object.keys(reading.codeStudioTemplates))
    found.push({ where: `codeStudioTemplates.${id}`, value: null, why: 'templates of Code Studios are not declared' });
  return found;
}

function restOf(section: string, value: Json, mapped: readonly string[]): Unmapped[] {
  const where = `generalSettings.${section}`;
  if (!isObject(value)) return [{ where, value, why: 'no object' }];
  return Object.entries(value satisfies JsonObject)
    .filter(([key]) => !mapped.includes(key))
    .map(([key, one]) => ({ where: `${where}.${key}`, value: one, why: 'no field for it' }));
}

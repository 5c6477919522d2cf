/** Makes up instances, always the same for a seed. */
import { envsOf } from './generate-envs.ts';
import {
  clustersOf,
  CONTAINER_NAMES,
  generalSettingsOf,
  SPARK_NAMES,
  templatesOf,
  usagesOf,
} from './generate-settings.ts';
import type { FakeInstance } from './types.ts';

/** What is wanted. */
export interface GenerateOptions {
  readonly seed: number;
  /** Settings are in the schema of this version. */
  readonly version: '12.6.4' | '14.3.2' | '15.0.2';
  readonly node: FakeInstance['node'];
  /** How many code envs; from 13 on there is one of every interpreter. */
  readonly envs: number;
}

/** One instance. */
export function generateInstance({ seed, version, node, envs }: GenerateOptions): FakeInstance {
  // Upper case, as `install.ini` has it: DSS lower-cases it in names of images.
  const installId = `Dku${(seed >>> 0).toString(36).padStart(7, 'X')}`;
  const all = envsOf({ seed, node, containers: CONTAINER_NAMES, sparks: SPARK_NAMES }, envs);
  const tag = `${installId.toLowerCase()}:dss-${version}`;
  return {
    node,
    version,
    installId,
    generalSettings: generalSettingsOf(version),
    clusters: clustersOf(version),
    envs: all,
    codeStudioTemplates: node === 'design' ? templatesOf() : {},
    usages: usagesOf(seed, all),
    builtBaseImages: [
      { type: 'EXEC', tag: `dku-exec-base-${tag}`, dssVersion: version },
      { type: 'SPARK', tag: `dku-spark-base-${tag}`, dssVersion: version },
    ],
    cdeImages: { images: [{ tag: `dku-cde-base-${tag}`, dssVersion: version }] },
  };
}

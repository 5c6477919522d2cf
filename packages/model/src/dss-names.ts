/**
 * Names that DSS gives to the images it builds. Seen on real instances are the name of a base and the end of an env's (`-pyenv-<env>`); that nothing
 * else stands between the two is an assumption.
 */

/** Kinds of bases that DSS names by itself. */
export type DssBaseType = 'exec' | 'spark' | 'cde' | 'api-deployer';

/** A base under the name that DSS looks for where a config names none. */
export interface DssBaseName {
  readonly repository: string;
  readonly tag: string;
}

/** An env, as far as the name of its images depends on it. */
export interface DssEnvName {
  readonly language: 'python' | 'r';
  readonly name: string;
  /** Of a versioned env, as automation nodes have them. */
  readonly version?: string;
}

/** The default name of a base. That of the API deployer carries no install id. */
export function dssBaseName(type: DssBaseType, installId: string, release: string): DssBaseName {
  const tag = `dss-${release}`;
  return type === 'api-deployer'
    ? { repository: 'dku-apideployer-apinode-base', tag }
    : { repository: `dku-${type}-base-${installId.toLowerCase()}`, tag };
}

/** The repository of an env's images on a base, below the URL of the config's registry. DSS chooses the tags itself. */
export function dssEnvRepository(base: DssBaseName, env: DssEnvName): string {
  const kind = env.language === 'python' ? 'pyenv' : 'renv';
  const version = env.version === undefined ? '' : `-${env.version.toLowerCase()}`;
  return `${base.repository}-${base.tag}-${kind}-${env.name.toLowerCase()}${version}`;
}

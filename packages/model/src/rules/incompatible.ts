/** What DSS cannot run in containers, each with what to do instead. */
import type { CodeEnvConfig } from '../schema.ts';
import type { EnvContents } from './facts.ts';
import type { KeyPath, Problems } from './problems.ts';

/** Notes what keeps a code env out of containers; only for envs that ask for images. */
export function noteIncompatible(
  name: string,
  config: CodeEnvConfig,
  versions: readonly { readonly contents: EnvContents; readonly path: KeyPath }[],
  path: KeyPath,
  problems: Problems,
): void {
  switch (config.deployment) {
    case 'design-non-managed':
    case 'plugin-non-managed':
    case 'automation-non-managed-path':
    case 'business-app-non-managed':
      problems.add(
        'ENV_NON_MANAGED',
        [...path, 'deployment'],
        `The code env \`${name}\` is non-managed: it is a folder of the DSS host, from which DSS makes no images`,
      );
      break;
    case 'external-conda-named':
    case 'automation-external-conda-named':
      problems.add(
        'ENV_EXTERNAL_CONDA',
        [...path, 'deployment'],
        `The code env \`${name}\` is a named external Conda env, from which DSS makes no images`,
      );
      break;
    case 'design-managed':
    case 'plugin-managed':
    case 'automation-single':
    case 'automation-versioned':
    case 'business-app-managed':
      break;
    default:
      config.deployment satisfies never;
  }
  for (const { contents, path: at } of versions) {
    if (contents.interpreter !== 'custom') continue;
    problems.add(
      'ENV_CUSTOM_INTERPRETER',
      [...at, 'interpreter'],
      `The code env \`${name}\` uses a custom interpreter from the PATH of the DSS host, which images do not have`,
    );
  }
  if (config.extraPythonPath.length > 0) {
    problems.add(
      'ENV_EXTRA_PYTHONPATH',
      [...path, 'extraPythonPath'],
      `The code env \`${name}\` has additional PYTHONPATH entries, which are folders of the DSS host`,
    );
  }
}

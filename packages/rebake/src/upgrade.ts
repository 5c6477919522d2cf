/** `upgrade`: the one edit that an upgrade of DSS needs, in place. Planning it is `plan`'s matter. */
import { findConfig, upgradeRelease, type UpgradeOutcome } from '@rebake/model';
import type { ProjectOptions } from './project.ts';

/** The new version, and optionally its kit and which release. */
export interface UpgradeOptions extends ProjectOptions {
  readonly version: string;
  /** Relative to the config file. */
  readonly kit?: string;
  /** Needed where the config has several releases. */
  readonly release?: string;
}

/** Edits the config file; comments and formatting stay as they are. With an error among the diagnostics, the file is as it was. */
export async function upgrade(options: UpgradeOptions): Promise<UpgradeOutcome> {
  const found = findConfig(options.cwd, options.config);
  if (!found.ok) return { changed: false, from: null, diff: '', diagnostics: [found.diagnostic] };
  const { version, kit, release } = options;
  return upgradeRelease({
    file: found.file,
    version,
    ...(kit === undefined ? {} : { kit }),
    ...(release === undefined ? {} : { release }),
  });
}

/** Makes the package of a new builder plugin: code from the contract of the installed SDK, and tests that pass. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Diagnostic } from '@rebake/sdk';
import { libraryDiagnostic } from '../diagnostics.ts';
import { installedSdk, readContract } from './contract.ts';
import { pluginFiles } from './files.ts';

/** What is to be made. */
export interface NewPluginOptions {
  readonly cwd: string;
  /** Name of the package, such as `rebake-builder-acme` or `@acme/rebake-builder`. */
  readonly name: string;
  /** Folder, relative to `cwd`. Default: the name without its scope. */
  readonly folder?: string;
}

/** What was made; nothing if there is an error among the diagnostics. */
export interface NewPluginResult {
  /** Absolute. */
  readonly folder: string;
  /** Paths within the folder, in the order in which they were written. */
  readonly files: readonly string[];
  /** What a declaration writes as the builder's type. */
  readonly kind: string;
  readonly diagnostics: readonly Diagnostic[];
}

const NAME = /^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z][a-z0-9-]*$/;
const LONGEST = 100;

/** Writes the files. A folder that holds anything already is left as it is. */
export async function newPlugin({ cwd, name, folder: chosen }: NewPluginOptions): Promise<NewPluginResult> {
  const folder = resolve(cwd, chosen ?? basename(name));
  const kind = basename(name).replace(/^rebake-(?:builder-|plugin-)?(?=[a-z])/, '');
  const refused = (diagnostic: Diagnostic): NewPluginResult => ({ folder, files: [], kind, diagnostics: [diagnostic] });
  if (!NAME.test(name) || name.length > LONGEST)
    return refused(libraryDiagnostic('PLUGIN_NAME', `\`${name}\` cannot name a plugin package`));
  if (existsSync(folder) && readdirSync(folder).length > 0)
    return refused(libraryDiagnostic('FOLDER_NOT_EMPTY', `The folder \`${folder}\` is there and not empty`));
  const sdk = installedSdk();
  const methods = await readContract(readFileSync(sdk.contract, 'utf8'));
  const files = pluginFiles({ packageName: name, kind, folder, sdk, methods });
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { folder, files: [...files.keys()], kind, diagnostics: [] };
}

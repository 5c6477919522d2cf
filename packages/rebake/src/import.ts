/** `import dss`: writes what was read of an instance as a declaration, or compares it with the one that is there. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import {
  createDssClient,
  declarationOf,
  readDataDir,
  readLive,
  type Declared,
  type DssCall,
  type InstanceReading,
  type Unmapped,
} from '@rebake/dss';
import { ConfigNotEditable, configText, configValue, editedConfig, writeDraft } from '@rebake/model';
import type { Diagnostic } from '@rebake/sdk';
import { BuildFailure } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { difference, differencesOf, type ImportDifference } from './import-merge.ts';
import type { ProjectOptions } from './project.ts';

/** Where an instance is read: its data directory (or a copy of it), or its public API. */
export type ImportFrom =
  | { readonly dataDir: string }
  | {
      readonly url: string;
      /** File with the key of an administrator, relative to `cwd`. */
      readonly apiKeyFile: string;
      /** PEM file, relative to `cwd`. */
      readonly caFile?: string;
      /** Version of DSS, which the API does not say. */
      readonly version: string;
      /** Told of every call: nothing but GET is asked. */
      readonly onCall?: (call: DssCall) => void;
    };

/** What to import, and where to. */
export interface ImportDssOptions extends ProjectOptions {
  readonly from: ImportFrom;
  /** Name of the instance in files and messages. */
  readonly name: string;
  /** Config file, relative to `cwd`. */
  readonly out: string;
  /** Whether nothing is written. */
  readonly dryRun?: boolean;
  /** Whether fields of an existing declaration that nobody edited by hand take the instance's values. */
  readonly update?: boolean;
}

/** What came of it. With an error among the diagnostics, nothing was written. */
export interface ImportDssResult {
  readonly file: string;
  /** Files that were written, or would be, relative to the config's folder. */
  readonly written: readonly string[];
  /** Empty for a first import. */
  readonly differences: readonly ImportDifference[];
  readonly unmapped: readonly Unmapped[];
  readonly envs: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** What the last import wrote. */
interface Memory {
  readonly sections: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, string>>;
}

/** Reads an instance and imports it. */
export async function importDss(options: ImportDssOptions): Promise<ImportDssResult> {
  let reading: InstanceReading;
  try {
    reading = await read(options);
  } catch (error) {
    if (!(error instanceof BuildFailure) && !(error instanceof Error && 'syscall' in error)) throw error;
    return refused(resolve(options.cwd, options.out), error.message);
  }
  return importReading(reading, options);
}

async function read({ from, cwd }: ImportDssOptions): Promise<InstanceReading> {
  if ('dataDir' in from) return readDataDir(resolve(cwd, from.dataDir));
  const { url, apiKeyFile, caFile, version, onCall } = from;
  const client = createDssClient({
    url,
    apiKey: readFileSync(resolve(cwd, apiKeyFile)),
    ...(caFile === undefined ? {} : { ca: readFileSync(resolve(cwd, caFile), 'utf8') }),
    ...(onCall === undefined ? {} : { onCall }),
  });
  try {
    return await readLive(client, { place: url, version });
  } finally {
    await client.close();
  }
}

/** Imports what was read. */
export function importReading(reading: InstanceReading, options: ImportDssOptions): ImportDssResult {
  const file = resolve(options.cwd, options.out);
  if (!/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(options.name)) return refused(file, `\`${options.name}\` is no name`);
  if (!/\.ya?ml$/.test(file)) return refused(file, 'An import writes YAML: name a file that ends with .yaml');
  const declared = declarationOf(reading, { name: options.name, live: null });
  const place: Place = {
    file,
    dir: dirname(file),
    memory: join(dirname(file), '.rebake', 'import', `${options.name}.json`),
  };
  try {
    const merged = merge(place, declared);
    if (typeof merged === 'string') return refused(file, merged);
    const { first, differences } = merged;
    const apply = first ? differences : options.update === true ? differences.filter(({ byHand }) => !byHand) : [];
    const written = write(place, declared, { first, apply, dry: options.dryRun === true });
    return {
      file,
      written,
      differences: first ? differences.filter(({ byHand }) => byHand) : differences,
      unmapped: declared.unmapped,
      envs: reading.envs.length,
      diagnostics: [],
    };
  } catch (error) {
    if (!(error instanceof ConfigNotEditable) && !(error instanceof Error && 'syscall' in error)) throw error;
    return refused(file, error.message);
  }
}

interface Place {
  readonly file: string;
  readonly dir: string;
  readonly memory: string;
}

interface Merged {
  readonly first: boolean;
  readonly differences: readonly ImportDifference[];
}

/** Compares fields and files; a text says why that cannot be. */
function merge({ file, dir, memory }: Place, { sections, files }: Declared): Merged | string {
  const first = !existsSync(file);
  const last = remembered(memory);
  if (last === null) return `${relative(dir, memory)} is not what an import wrote: remove it, and compare again`;
  const current = first ? {} : configValue(readFileSync(file, 'utf8'));
  if (current === null) return 'The config file is no YAML: `rebake validate` says where';
  const texts = [...new Set([...files.keys(), ...Object.keys(last.files)])].flatMap((path) => {
    const target = join(dir, path);
    const own = existsSync(target) ? readFileSync(target, 'utf8') : undefined;
    const found = difference(path, [], own, last.files[path], files.get(path));
    // A file that is no longer named does no harm, and is not deleted.
    return found === null || found.kind === 'removed' ? [] : [found];
  });
  return { first, differences: [...(first ? [] : differencesOf(current, last.sections, sections)), ...texts] };
}

function remembered(file: string): Memory | null {
  if (!existsSync(file)) return { sections: {}, files: {} };
  const value = configValue(readFileSync(file, 'utf8'));
  const { sections, files } = value ?? {};
  const objects = [sections, files].every((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
  return objects ? { sections: { ...(sections as object) }, files: { ...(files as Record<string, string>) } } : null;
}

interface Work {
  readonly first: boolean;
  readonly apply: readonly ImportDifference[];
  readonly dry: boolean;
}

/** Writes, and gives the paths. Files of texts come first, so that no config names a file that is not there. */
function write(place: Place, declared: Declared, { first, apply, dry }: Work): readonly string[] {
  const { file, dir } = place;
  const texts = apply.filter(({ path, byHand }) => path.length === 0 && !byHand);
  const fields = apply.filter(({ path }) => path.length > 0);
  const config = first || fields.length > 0 ? [relative(dir, file)] : [];
  const written = [...texts.map(({ where }) => where), ...config];
  // Made before anything is written: where an edit has no place, nothing is.
  const edits = fields.map(({ path, after }) => ({ path, value: after }));
  const edited = first || fields.length === 0 ? null : editedConfig(readFileSync(file, 'utf8'), edits);
  if (dry || written.length === 0) return written;
  for (const { where, kind, after } of texts) put(join(dir, where), String(after), kind === 'added');
  if (first) put(file, configText(declared.sections), true);
  else if (edited !== null) writeDraft(file, edited).commit();
  const memory: Memory = { sections: declared.sections, files: Object.fromEntries(declared.files) };
  put(place.memory, `${JSON.stringify(memory, null, 1)}\n`, false);
  return written;
}

/** Writes a file; one that must be new never takes the place of another. */
function put(path: string, text: string, isNew: boolean): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { flag: isNew ? 'wx' : 'w' });
}

function refused(file: string, words: string): ImportDssResult {
  const diagnostics = [libraryDiagnostic('FILES_REFUSED', words)];
  return { file, written: [], differences: [], unmapped: [], envs: 0, diagnostics };
}

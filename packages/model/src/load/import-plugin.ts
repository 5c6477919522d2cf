/** Imports a plugin as a declaration names it: a package that is installed beside it, a file, or a folder with a package.json. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { importFile, importFrom, type Exports, type FromFolder } from './modules.ts';
import { explain } from './run.ts';

/** What became of it. `broken`: it is there, and could not be loaded; `message` says where, as a part of a sentence. */
export type ImportedPlugin =
  | { readonly is: 'loaded'; readonly exports: Exports }
  | { readonly is: 'missing'; readonly message: string; readonly help?: string }
  | { readonly is: 'broken'; readonly message: string };

/** A package name, with a path inside of the package or without. */
const PACKAGE = /^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*(?:\/[\w.~/-]+)?$/;

/** Imports a plugin; `root` is the folder that paths start from, and beside which packages are installed. */
export async function importPlugin(name: string, root: string): Promise<ImportedPlugin> {
  try {
    const found = isPath(name) ? await importPath(name, root) : await importPackage(name, root);
    return 'exports' in found ? { is: 'loaded', exports: found.exports } : found;
  } catch (error) {
    return { is: 'broken', message: failureOf(error, root) };
  }
}

type Found = { readonly exports: Exports } | (ImportedPlugin & { readonly is: 'missing' | 'broken' });

function isPath(name: string): boolean {
  return name.startsWith('./') || name.startsWith('../') || isAbsolute(name);
}

async function importPackage(name: string, root: string): Promise<Found> {
  if (!PACKAGE.test(name)) return { is: 'missing', message: `\`${name}\` is neither the name of a package nor a path` };
  const found = await importFrom(name, pathToFileURL(join(root, 'package.json')).href);
  if (found.resolved) return found;
  if (codeOf(found.error) !== 'ERR_MODULE_NOT_FOUND') return { is: 'broken', message: failureOf(found.error, root) };
  const message = `There is no package \`${name}\` beside the declaration`;
  return existsSync(resolve(root, name))
    ? { is: 'missing', message, help: `Write \`./${name}\` if you mean the file.` }
    : { is: 'missing', message, help: `Install it there: \`npm install ${name}\`.` };
}

async function importPath(name: string, root: string): Promise<Found> {
  const path = resolve(root, name);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { is: 'missing', message: `There is no \`${name}\`` };
  if (!stat.isDirectory()) return { exports: await importFile(pathToFileURL(path).href) };
  const found = await importFolder(path);
  return found.resolved ? found : { is: 'broken', message: failureOf(found.error, root) };
}

/** A folder is what its package.json says: `exports` as for whoever has it installed, else `main`. */
async function importFolder(folder: string): Promise<FromFolder> {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) throw new Error('it is a folder without a package.json');
  const described = JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: unknown; readonly exports?: unknown };
  // A package finds itself by its own name, if it has exports.
  if (typeof described.name === 'string' && described.exports !== undefined && described.exports !== null)
    return importFrom(described.name, pathToFileURL(file).href);
  const main = createRequire(file).resolve(folder);
  return { resolved: true, exports: await importFile(pathToFileURL(main).href) };
}

/** What was thrown and where, in one line. */
function failureOf(error: unknown, root: string): string {
  const { message, file, spot, specifier } = explain(error, '');
  const importer = file.startsWith('file:') ? fileURLToPath(file) : file;
  const place = importer === '' ? '' : shorter(importer, root);
  if (specifier !== null) return `${message}, which ${place === '' ? 'it' : `\`${place}\``} imports`;
  return place === '' || spot === null ? message : `${message} (\`${place}:${spot[0]}:${spot[1]}\`)`;
}

function shorter(file: string, root: string): string {
  const path = relative(root, file);
  return path.startsWith('..') ? file : path;
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

/**
 * Loads modules of the user's: Node's own import and type stripping, with two things added. What is read again when it has changed carries a mark in its
 * URL; and rebake's packages can be imported wherever a module stands.
 */
import { registerHooks, type ResolveFnOutput, type ResolveHookContext } from 'node:module';

/** Package that configs import `defineConfig` from; it need not be installed beside them. */
const LIBRARY = '@rebake/rebake';
const STAND_IN = `data:text/javascript,${encodeURIComponent('export const defineConfig = (config) => config;')}`;

/** Packages that plugins are written with. A copy of their own goes first, else they get the one that rebake itself has. */
const SHARED = /^@rebake\/(?:sdk|image)(?:\/[\w/-]+)?$/;
/** Where rebake runs from its sources, so do its packages. */
const SOURCES = import.meta.filename.endsWith('.ts') ? ['@rebake/source'] : [];

const MARK = 'rebake-config';
/** Specifiers that stand for a name as it is resolved from some folder. */
const FROM = 'rebake-from:';

/** Node's own `import()`: bundlers and test runners put theirs in the place of the one that they see, and type stripping is Node's. */
const NATIVE_IMPORT = `data:text/javascript,${encodeURIComponent('export const load = (url) => import(url);')}`;

/** A module as it was imported. */
export type Exports = Readonly<Record<string, unknown>>;

type Resolve = (specifier: string, context: ResolveHookContext) => ResolveFnOutput;

/** A name that is to be resolved from a folder, and what came of it. */
interface Pending {
  readonly name: string;
  /** URL of a file in the folder; it need not exist. */
  readonly from: string;
  outcome: { readonly ok: true } | { readonly ok: false; readonly error: unknown } | null;
}

const pending = new Map<string, Pending>();
let hooked = false;
let marks = 0;

function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const next: Resolve = (name, from) => nextResolve(name, from);
      const asked = pending.get(specifier);
      if (asked !== undefined) return resolveFrom(asked, context, next);
      const mark = markOf(context.parentURL) ?? markOf(specifier);
      if (mark !== null && specifier === LIBRARY) return { url: STAND_IN, format: 'module', shortCircuit: true };
      const resolved = SHARED.test(specifier) ? resolveShared(specifier, context, next) : next(specifier, context);
      return mark === null ? resolved : markedOwn(resolved, mark);
    },
  });
}

function resolveFrom(asked: Pending, context: ResolveHookContext, next: Resolve): ResolveFnOutput {
  try {
    const resolved = next(asked.name, { ...context, parentURL: asked.from });
    asked.outcome = { ok: true };
    return markedOwn(resolved, String(++marks));
  } catch (error) {
    asked.outcome = { ok: false, error };
    throw error;
  }
}

function resolveShared(specifier: string, context: ResolveHookContext, next: Resolve): ResolveFnOutput {
  const conditions = [...context.conditions, ...SOURCES];
  try {
    return next(specifier, { ...context, conditions });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return next(specifier, { ...context, conditions, parentURL: import.meta.url });
  }
}

/**
 * Modules of the user's own carry the mark on, so that an edited file is read again; what is installed does not. A TypeScript file is a module
 * wherever it stands, also in a folder whose package.json says nothing or something else.
 */
function markedOwn(resolved: ResolveFnOutput, mark: string): ResolveFnOutput {
  if (!resolved.url.startsWith('file:') || resolved.url.includes('/node_modules/')) return resolved;
  const typescript = /\.m?ts$/.test(new URL(resolved.url).pathname);
  return { ...resolved, url: marked(resolved.url, mark), ...(typescript ? { format: 'module-typescript' } : {}) };
}

function markOf(url: string | undefined): string | null {
  return url?.startsWith('file:') === true ? new URL(url).searchParams.get(MARK) : null;
}

function marked(url: string, mark: string): string {
  const own = new URL(url);
  own.searchParams.set(MARK, mark);
  return own.href;
}

/** Imports a file of the user's as it is now, also when it was imported before. Rejects with whatever it throws. */
export async function importFile(url: string): Promise<Exports> {
  hook();
  return nativeImport(marked(url, String(++marks)));
}

/** A module, or why its name led to none. */
export type FromFolder =
  | { readonly resolved: true; readonly exports: Exports }
  | { readonly resolved: false; readonly error: unknown };

/** Imports a package by its name, as a module in the folder of `from` (a URL) would. Rejects with whatever the module throws. */
export async function importFrom(name: string, from: string): Promise<FromFolder> {
  hook();
  const specifier = `${FROM}${++marks}`;
  const asked: Pending = { name, from, outcome: null };
  pending.set(specifier, asked);
  try {
    return { resolved: true, exports: await nativeImport(specifier) };
  } catch (error) {
    if (asked.outcome?.ok === false) return { resolved: false, error: asked.outcome.error };
    throw error;
  } finally {
    pending.delete(specifier);
  }
}

async function nativeImport(url: string): Promise<Exports> {
  const native = (await import(/* @vite-ignore */ NATIVE_IMPORT)) as { load(url: string): Promise<Exports> };
  return native.load(url);
}

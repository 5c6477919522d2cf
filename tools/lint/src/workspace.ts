// What the rules look at: the packages of the workspace, their modules, and where each import really leads.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { parseSync } from 'oxc-parser';
import { ResolverFactory } from 'oxc-resolver';

export interface Manifest {
  readonly name: string;
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Package {
  readonly name: string;
  /** Relative to the root, POSIX. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Where an import leads: a module of the workspace, a package of node_modules, a Node builtin, or nowhere. */
export type Target =
  | { readonly to: 'module'; readonly file: string }
  | { readonly to: 'package'; readonly name: string }
  | { readonly to: 'builtin'; readonly name: string }
  | { readonly to: 'nowhere' };

export interface Import {
  readonly specifier: string;
  readonly when: 'static' | 'dynamic';
  readonly line: number;
  readonly target: Target;
}

export interface Module {
  /** Relative to the root, POSIX. */
  readonly file: string;
  readonly package: Package;
  /** `src` is what a package ships; the rest are tests, configs and scripts. */
  readonly part: 'src' | 'other';
  readonly lines: number;
  readonly imports: readonly Import[];
}

export interface Workspace {
  readonly root: string;
  readonly manifest: Manifest;
  readonly packages: readonly Package[];
  readonly modules: readonly Module[];
  /** Modules that could not be read; a rule that did not see them would be silent about them. */
  readonly unread: readonly Finding[];
}

export interface Finding {
  readonly file: string;
  readonly line?: number;
  readonly message: string;
  readonly help: string;
}

export const generated = /(^|\/)(generated|gen|fixtures|golden)\/|_pb\.(ts|js)$|\.d\.ts$/;

export function readWorkspace(root: string): Workspace {
  const manifest = readManifest(join(root, 'package.json'));
  const packages = globSync(
    (manifest.workspaces ?? []).map((folder) => `${folder}/package.json`),
    { cwd: root },
  )
    .map((path) => path.split(sep).join('/'))
    .toSorted()
    .map((path): Package => {
      const own = readManifest(join(root, path));
      return { name: own.name, folder: dirname(path), manifest: own };
    });
  const resolver = new ResolverFactory({
    conditionNames: ['@rebake/source', 'types', 'import', 'node', 'default'],
    extensions: ['.ts', '.js', '.d.ts', '.json'],
    mainFields: ['types', 'module', 'main'],
  });
  const unread: Finding[] = [];
  const modules: Module[] = [];
  for (const file of sourceFiles(root)) {
    const owner = packages.find(({ folder }) => file.startsWith(`${folder}/`));
    if (!owner) continue;
    const text = readFileSync(join(root, file), 'utf8');
    const parsed = parseSync(file, text);
    for (const error of parsed.errors) {
      unread.push({ file, message: `cannot be parsed: ${error.message}`, help: 'Mend the syntax.' });
    }
    const imports = specifiersOf(parsed.module, text).map(({ specifier, when, start }): Import => {
      const line = text.slice(0, start).split('\n').length;
      return { specifier, when, line, target: resolve(resolver, root, file, specifier) };
    });
    const part = file.startsWith(`${owner.folder}/src/`) ? 'src' : 'other';
    modules.push({ file, package: owner, part, lines: text.split('\n').length - 1, imports });
  }
  return { root, manifest, packages, modules, unread };
}

function readManifest(path: string): Manifest {
  // Our own files, checked by npm on every install.
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}

/** Tracked and new files alike, so that the check says before the commit what it would say after it. */
function sourceFiles(root: string): string[] {
  const arguments_ = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.ts', '*.mts'];
  return execFileSync('git', arguments_, { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && !generated.test(file) && existsSync(join(root, file)));
}

type Parsed = ReturnType<typeof parseSync>['module'];

function specifiersOf(module: Parsed, text: string): { specifier: string; when: Import['when']; start: number }[] {
  const fixed = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => moduleRequest ?? [])),
  ].map(({ value, start }) => ({ specifier: value, when: 'static' as const, start }));
  const lazy = module.dynamicImports
    .map(({ moduleRequest: { start, end } }) => ({ source: text.slice(start, end), start }))
    // A computed import() has no target to judge; those few are read by people.
    .flatMap(({ source, start }) => {
      const literal = /^(['"`])([^'"`$]*)\1$/.exec(source)?.[2];
      return literal === undefined ? [] : [{ specifier: literal, when: 'dynamic' as const, start }];
    });
  return [...fixed, ...lazy];
}

function resolve(resolver: ResolverFactory, root: string, file: string, specifier: string): Target {
  if (isBuiltin(specifier)) return { to: 'builtin', name: specifier };
  const { path } = resolver.sync(join(root, dirname(file)), specifier);
  const local = path === undefined ? undefined : relative(root, path).split(sep).join('/');
  if (local !== undefined && !local.startsWith('..') && !local.includes('node_modules/')) {
    return { to: 'module', file: local };
  }
  if (specifier.startsWith('.') || specifier.startsWith('@rebake/')) return { to: 'nowhere' };
  return { to: 'package', name: packageName(specifier) };
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The package that a file of the workspace belongs to. */
export function ownerOf(workspace: Workspace, file: string): Package | undefined {
  return workspace.packages.find(({ folder }) => file.startsWith(`${folder}/`));
}

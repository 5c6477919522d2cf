// Every import is declared by the package that makes it, and every declared dependency is imported.
import { ownerOf, type Finding, type Import, type Module, type Package, type Workspace } from '../workspace.ts';

export function dependencies(workspace: Workspace): Finding[] {
  return workspace.packages.flatMap((pkg) => {
    const modules = workspace.modules.filter((module) => module.package === pkg);
    return [
      ...modules.flatMap((module) => undeclared(workspace, module)),
      // A package with a single module and no import is still a placeholder.
      ...(modules.some((module) => module.imports.length > 0) ? unused(workspace, pkg, modules) : []),
    ];
  });
}

function undeclared(workspace: Workspace, { file, package: pkg, part, imports }: Module): Finding[] {
  const shipped = { ...pkg.manifest.dependencies, ...pkg.manifest.peerDependencies };
  const ownCode = part === 'src' && !pkg.folder.startsWith('tools/');
  const declared = ownCode
    ? shipped
    : { ...shipped, ...pkg.manifest.devDependencies, ...workspace.manifest.devDependencies };
  return imports.flatMap((one) => {
    const name = nameOf(workspace, one);
    if (name === undefined || name === pkg.name || name in declared || `@types/${name}` in declared) return [];
    const message = `imports ${name}, which ${pkg.folder}/package.json does not declare`;
    return [{ file, line: one.line, message, help: `npm install ${name} -w ${pkg.name}` }];
  });
}

function unused(workspace: Workspace, pkg: Package, modules: readonly Module[]): Finding[] {
  const used = new Set(modules.flatMap(({ imports }) => imports.map((one) => nameOf(workspace, one))));
  const optional = { ...pkg.manifest.dependencies, ...pkg.manifest.devDependencies };
  return Object.keys(optional)
    .filter((name) => !used.has(name) && !used.has(companionOf(name)))
    .map((name) => ({
      file: `${pkg.folder}/package.json`,
      message: `declares ${name}, which nothing in it imports`,
      help: `npm uninstall ${name} -w ${pkg.name}`,
    }));
}

/** Packages of types alone are used when the package that they describe is. */
function companionOf(name: string): string {
  return name.replace(/^@types\//, '').replace(/-types$/, '');
}

function nameOf(workspace: Workspace, { target }: Import): string | undefined {
  switch (target.to) {
    case 'package':
      return target.name;
    case 'module':
      return ownerOf(workspace, target.file)?.name;
    case 'builtin':
    case 'nowhere':
      return undefined;
    default:
      return target satisfies never;
  }
}

// Who may import whom, judged on where each import leads, not on how it is spelled.
import { ownerOf, type Finding, type Import, type Module, type Package, type Workspace } from '../workspace.ts';

/** The import rule of CONTRIBUTING.md. `plugins` stands for every plugin; `any` for no limit. */
const mayImport: Readonly<Record<string, readonly string[] | 'any'>> = {
  '@rebake/image': [],
  '@rebake/sdk': ['@rebake/image'],
  '@rebake/buildkit': ['@rebake/sdk', '@rebake/image'],
  '@rebake/cache': ['@rebake/image'],
  '@rebake/layers': ['@rebake/image', '@rebake/cache'],
  '@rebake/python': ['@rebake/image', '@rebake/cache', '@rebake/layers'],
  '@rebake/debian': ['@rebake/image', '@rebake/cache', '@rebake/layers'],
  '@rebake/lock': ['@rebake/image', '@rebake/sdk', '@rebake/cache', '@rebake/debian'],
  '@rebake/dss': ['@rebake/image'],
  '@rebake/planner': ['@rebake/sdk'],
  '@rebake/engine': ['@rebake/planner', '@rebake/sdk', '@rebake/image'],
  '@rebake/model': ['@rebake/sdk', '@rebake/image'],
  '@rebake/rebake': [
    '@rebake/image',
    '@rebake/sdk',
    '@rebake/planner',
    '@rebake/engine',
    '@rebake/model',
    '@rebake/cache',
    '@rebake/layers',
    '@rebake/lock',
    '@rebake/python',
    '@rebake/dss',
    'plugins',
  ],
  '@rebake/cli': ['@rebake/rebake', '@rebake/sdk'],
  // As a plugin of anybody's: all it needs is what the SDK offers.
  'rebake-builder-buildah': ['@rebake/sdk'],
  // The embedded builder carries its own engine with it; others have one.
  '@rebake/plugin-oci': [
    '@rebake/sdk',
    '@rebake/image',
    '@rebake/cache',
    '@rebake/layers',
    '@rebake/python',
    '@rebake/debian',
    '@rebake/lock',
  ],
  '@rebake/plugin-dss': ['@rebake/sdk', '@rebake/image', '@rebake/dss'],
  plugins: ['@rebake/sdk', '@rebake/image', '@rebake/buildkit'],
  '@rebake/tool-lint': [],
  '@rebake/tool-test': [],
  '@rebake/tool-fake-dss': ['@rebake/image', '@rebake/sdk'],
  '@rebake/tool-engines': ['@rebake/sdk', '@rebake/image'],
  '@rebake/tool-bench': 'any',
  '@rebake/tool-docs': 'any',
};

/** What tests may use on top of the rule for their package. */
const forTests = ['@rebake/tool-engines', '@rebake/tool-fake-dss'];

/** The one file that names plugins, and only by import(): a plugin costs nothing until it is used. */
const builtins = 'packages/rebake/src/builders.ts';

const pure = '@rebake/planner';

const keyOf = ({ name, folder }: Package): string => (folder.startsWith('plugins/') ? 'plugins' : name);

export function direction(workspace: Workspace): Finding[] {
  return [
    ...workspace.packages.flatMap((pkg) => seen(workspace, pkg)),
    ...workspace.modules.flatMap((module) =>
      module.imports.flatMap((one) => {
        const wrong = judge(workspace, module, one);
        return wrong ? [{ file: module.file, line: one.line, ...wrong }] : [];
      }),
    ),
  ];
}

/** A checker that sees no modules finds no faults; so a package without any is a fault. */
function seen(workspace: Workspace, pkg: Package): Finding[] {
  const file = `${pkg.folder}/package.json`;
  if (!(keyOf(pkg) in mayImport)) {
    return [{ file, message: `no import rule for ${pkg.name}`, help: 'Add it to mayImport in tools/lint.' }];
  }
  if (workspace.modules.some((module) => module.package === pkg)) return [];
  return [{ file, message: `no module of ${pkg.name} was seen`, help: 'Add its index.ts, or mend tools/lint.' }];
}

type Wrong = Pick<Finding, 'message' | 'help'>;

function judge(workspace: Workspace, module: Module, one: Import): Wrong | undefined {
  const { target } = one;
  switch (target.to) {
    case 'package':
      return undefined;
    case 'nowhere':
      return { message: `"${one.specifier}" leads nowhere`, help: 'Only what `exports` offers can be imported.' };
    case 'builtin':
      return module.package.name === pure && module.part === 'src'
        ? { message: `${pure} imports ${target.name}`, help: 'The planner is pure: take the value as data.' }
        : undefined;
    case 'module': {
      const to = ownerOf(workspace, target.file);
      if (to === module.package) return undefined;
      return to ? judgeCrossing(module, one, to) : outside(one);
    }
    default:
      return target satisfies never;
  }
}

function outside(one: Import): Wrong {
  return { message: `"${one.specifier}" is in no package`, help: 'Move it into the package that owns it.' };
}

function judgeCrossing(module: Module, one: Import, to: Package): Wrong | undefined {
  const from = module.package;
  if (one.specifier.startsWith('.')) {
    return { message: `"${one.specifier}" reaches into ${to.name}`, help: `Import it as "${to.name}".` };
  }
  const allowed = mayImport[from.name] ?? mayImport[keyOf(from)] ?? [];
  if (allowed === 'any') return undefined;
  const tests = module.part === 'other' ? forTests : [];
  if (!allowed.includes(keyOf(to)) && !tests.includes(to.name)) {
    return { message: `${from.name} must not import ${to.name}`, help: 'CONTRIBUTING.md has the import rule.' };
  }
  if (keyOf(to) === 'plugins' && module.part === 'src' && (module.file !== builtins || one.when === 'static')) {
    return { message: `${to.name} is not imported lazily by ${builtins}`, help: 'Name plugins there, by import().' };
  }
  return undefined;
}

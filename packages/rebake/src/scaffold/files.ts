/** All files of a new plugin package, by path. */
import { relative } from 'node:path';
import type { ContractMethod, InstalledSdk } from './contract.ts';
import { builderSource } from './builder-source.ts';

/** Ranges of what a plugin is checked and tested with. */
const TYPESCRIPT = '^6.0.2';
const ZOD = '^4.0.0';
const NODE_TYPES = '^24.0.0';

/** What the files are made from. */
export interface PluginFacts {
  /** Name of the package. */
  readonly packageName: string;
  /** Name of the kind of builder: what a declaration writes as `type`. */
  readonly kind: string;
  /** Folder that the package is made in. */
  readonly folder: string;
  readonly sdk: InstalledSdk;
  readonly methods: readonly ContractMethod[];
}

/** The files, by path within the package. */
export function pluginFiles(facts: PluginFacts): ReadonlyMap<string, string> {
  const { kind } = facts;
  const className = `${kind
    .split(/[^A-Za-z0-9]+/)
    .map(capital)
    .join('')}Builder`;
  return new Map([
    ['package.json', packageJson(facts)],
    ['tsconfig.json', TSCONFIG],
    ['.gitignore', 'node_modules/\n'],
    ['README.md', readme(facts)],
    ['src/index.ts', index(kind, className)],
    ['src/options.ts', options(className)],
    ['src/builder.ts', builderSource(facts.methods, kind, className)],
    ['test/conformance.test.ts', conformance(kind)],
  ]);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function packageJson({ packageName, kind, folder, sdk }: PluginFacts): string {
  const own = (name: string) => `file:${relative(folder, sdk.folder.replace(/sdk$/, name))}`;
  const rebake = sdk.isPrivate
    ? { '@rebake/image': own('image'), '@rebake/sdk': own('sdk') }
    : { '@rebake/sdk': `^${sdk.version}` };
  const manifest = {
    name: packageName,
    version: '0.1.0',
    description: `The rebake builder ${kind}.`,
    private: true,
    type: 'module',
    exports: './src/index.ts',
    scripts: { test: 'vitest run', typecheck: 'tsc --noEmit' },
    dependencies: { ...rebake, zod: ZOD },
    devDependencies: { '@types/node': NODE_TYPES, typescript: TYPESCRIPT, vitest: sdk.vitest },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

const TSCONFIG = `{
  "compilerOptions": {
    "target": "es2024",
    "module": "nodenext",
    "strict": true,
    "noUncheckedIndexedAccess": true,
    "exactOptionalPropertyTypes": true,
    "verbatimModuleSyntax": true,
    "erasableSyntaxOnly": true,
    "allowImportingTsExtensions": true,
    "noEmit": true,
    "skipLibCheck": true,
    "types": ["node"]
  },
  "include": ["src", "test"]
}
`;

function index(kind: string, className: string): string {
  return `/** The plugin: what a declaration gets with \`plugins: [...]\`. */
import { defineBuilder, definePlugin } from '@rebake/sdk';
import { ${className} } from './builder.ts';
import { options } from './options.ts';

export const plugin = definePlugin({
  name: '${kind}',
  builders: {
    '${kind}': defineBuilder({ options, create: (checked, place) => new ${className}(checked, place) }),
  },
});
`;
}

function options(className: string): string {
  return `/** Options of the builder, as a declaration writes them; any Standard Schema validator will do. */
import { z } from 'zod';

export const options = z.strictObject({
  /** The engine's command, on the PATH or by its path. */
  command: z.string().min(1),
});

export type ${className}Options = z.output<typeof options>;
`;
}

function conformance(kind: string): string {
  return `/** What every builder does. The suite asks for what \`probe\` says that the builder can: name a step there, and it is asked for. */
import type { Digest } from '@rebake/sdk';
import { testBuilder } from '@rebake/sdk/testing';
import { plugin } from '../src/index.ts';

const kind = plugin.builders['${kind}'];
if (kind === undefined) throw new Error('the plugin brings no builder ${kind}');
// Any command that answers \`--version\` stands for an engine as long as nothing is built.
const command = process.env['${kind.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}_COMMAND'] ?? process.execPath;

testBuilder({
  name: '${kind}',
  create: (place) => kind.create({ command } as never, place),
  unreachable: (place) => kind.create({ command: '/nowhere/${kind}' } as never, place),
  // A root file system and a registry are asked for with the first step: see the how-to "Write a builder".
  rootfs: { path: process.env['ROOTFS'] ?? '/nowhere.tar', digest: (process.env['ROOTFS_DIGEST'] ?? '') as Digest },
  platform: 'linux/amd64',
  access: { secrets: {}, network: 'host' },
  registries: { plain: { address: process.env['REGISTRY'] ?? '127.0.0.1:5000' } },
  without: {},
});
`;
}

function readme({ packageName, kind }: PluginFacts): string {
  return `# ${packageName}

A builder for rebake: \`type: ${kind}\`.

\`\`\`yaml
plugins: ['${packageName}']
builders: { default: { type: ${kind}, options: { command: … } } }
\`\`\`

\`\`\`
npm install
npm test            # the conformance suite: it asks for what \`probe\` says
npm run typecheck
\`\`\`

What to write, in this order: a step's name in \`probe\`, \`build\`, \`inspect\`, \`remove\`, \`tag\`, \`push\`, \`fetch\`. The suite says what is missing.
\`src/builder.ts\` was made from the contract of the SDK that was installed; its comments are the contract's.
`;
}

/** A plugin of somebody else's in a project: the package of `fixtures/acme`, put where the test wants it, and declarations that use it. */
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rig, type Rig } from './rig.ts';

const ACME = fileURLToPath(new URL('fixtures/acme', import.meta.url));

/** Where the plugin can be, and how a declaration names it there. */
export const FORMS = {
  package: { folder: 'node_modules/@acme/rebake-thing', item: '"@acme/rebake-thing"' },
  file: { folder: 'tools/acme', item: './tools/acme/index.js' },
  folder: { folder: 'tools/acme', item: './tools/acme' },
} as const;

/** Files of a project that uses all that the plugin brings. */
export const USING: Readonly<Record<string, string>> = {
  'rootfs.tar': 'looked into by nobody',
  'inventory.json': '{ "glm": ["glum==3.1.2"], "soup": ["beautifulsoup4"] }\n',
  'pages/index.md': '# Welcome\n',
  'pages/guide.md': '# First steps\n',
};

/** A declaration that uses all of it; `item` names the plugin. */
export function using(item: string, more = ''): string {
  return `version: 1
release: { version: 14.1.1 }
baseImages:
  python: { type: container-exec, from: { rootfs: ./rootfs.tar }, python: ["3.11"] }
containerConfigs:
  cpu: { engine: docker, base: python }
codeEnvs:
  own: { language: python, interpreter: "3.11", packages: [scipy] }
builders:
  default: shelf
  shelf: { type: shelf, options: { folder: images } }
plugins: [${item}]
sources:
  inventory: { type: inventory, options: { file: inventory.json } }
nodes:
  handbook: { type: site, options: { pages: pages, on: python } }
state: { type: ledger, options: { file: ledger.json } }
${more}`;
}

/** A project with the plugin in a folder. */
export function acme(files: Readonly<Record<string, string>>, folder: string = FORMS.folder.folder): Rig {
  const project = rig({ ...USING, ...files });
  cpSync(ACME, project.path(folder), { recursive: true });
  return project;
}

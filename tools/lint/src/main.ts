// The rules of this repository that no linter has. Prints every finding, and fails when there is one.
import { join } from 'node:path';
import { cycles } from './rules/cycles.ts';
import { dependencies } from './rules/dependencies.ts';
import { direction } from './rules/direction.ts';
import { hosts } from './rules/hosts.ts';
import { sizes } from './rules/sizes.ts';
import { readWorkspace, type Finding } from './workspace.ts';

const workspace = readWorkspace(join(import.meta.dirname, '../../..'));
const rules = { direction, dependencies, cycles, sizes, hosts };

let count = 0;
const report = (rule: string, findings: readonly Finding[]): void => {
  for (const { file, line, message, help } of findings) {
    count++;
    console.error(`${file}${line === undefined ? '' : `:${line}`}: ${message} (${rule})\n  ${help}`);
  }
};

report('parse', workspace.unread);
for (const [rule, check] of Object.entries(rules)) report(rule, check(workspace));

const imports = workspace.modules.reduce((sum, module) => sum + module.imports.length, 0);
console.log(
  `${workspace.packages.length} packages, ${workspace.modules.length} modules, ${imports} imports: ${count} findings`,
);
process.exitCode = count > 0 ? 1 : 0;

// The start script alone: which Node it takes, and what it says when something is missing.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let root = '';
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(folderWithoutNode(), 'rebake-bin-')));
  cpSync(join(import.meta.dirname, '../bin'), join(root, 'packages/cli/bin'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

/** The script looks upwards for a Node that a project brings: the tests stand where nobody else's is above them. */
function folderWithoutNode(): string {
  const hasNode = (folder: string): boolean =>
    existsSync(join(folder, 'node_modules/node/bin/node')) || (folder !== '/' && hasNode(dirname(folder)));
  const found = [tmpdir(), '/var/tmp', '/dev/shm', homedir()].find((folder) => existsSync(folder) && !hasNode(folder));
  if (found === undefined) throw new Error('a Node lies in node_modules above every temporary folder of this machine');
  return found;
}

function executable(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), `#!/bin/sh\n${text}\n`);
  chmodSync(join(root, path), 0o755);
}

/** Runs with a PATH that has the folder `path` and what a POSIX script needs, but no node of the machine. */
function start(command: string): { status: number | null; stdout: string; stderr: string } {
  mkdirSync(join(root, 'tools'), { recursive: true });
  for (const tool of ['sh', 'readlink']) {
    rmSync(join(root, 'tools', tool), { force: true });
    symlinkSync(
      spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim(),
      join(root, 'tools', tool),
    );
  }
  const env = { PATH: `${join(root, 'path')}:${join(root, 'tools')}` };
  return spawnSync(join(root, command), ['a b', '--c'], { encoding: 'utf8', env, cwd: '/' });
}

const bundle = 'packages/cli/dist/rebake.js';
const says = 'echo "$0" "$@"';

test("the project's own Node comes first, found through links, with the arguments as they were", () => {
  executable(bundle, '');
  executable('node_modules/node/bin/node', says);
  executable('path/node', 'echo wrong');
  mkdirSync(join(root, 'node_modules/.bin'));
  symlinkSync('../../packages/cli/bin/rebake', join(root, 'node_modules/.bin/rebake'));
  const run = start('node_modules/.bin/rebake');
  expect(run.stdout).toBe(`${root}/node_modules/node/bin/node ${root}/${bundle} a b --c\n`);
});

test('else the node on the PATH', () => {
  executable(bundle, '');
  executable('path/node', says);
  expect(start('packages/cli/bin/rebake').stdout).toContain(`${root}/path/node `);
});

test('without Node, or without a build, it says what to do', () => {
  const noNode = start('packages/cli/bin/rebake');
  expect(noNode).toMatchObject({ status: 1, stdout: '' });
  expect(noNode.stderr).toContain(`run 'npm ci' in ${root}`);
  executable('path/node', says);
  const noBuild = start('packages/cli/bin/rebake');
  expect(noBuild).toMatchObject({ status: 1, stdout: '' });
  expect(noBuild.stderr).toContain(`${bundle} is missing. Run 'npm run build'`);
});

/** `rebake plugin new`: a package whose tests pass from the first minute, made from the contract as it is. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rig, type Ran, type Rig } from './rig.ts';

const exec = promisify(execFile);
const MODULES = resolve(import.meta.dirname, '../../../node_modules');
/** Tests of the checkout run on sources: what a user has installed is what was built. */
const VITEST_CONFIG = `const conditions = ['@rebake/source', 'node', 'import', 'module', 'default'];
export default { resolve: { conditions }, ssr: { resolve: { conditions } } };
`;

let project: Rig;
let made: Ran;
beforeAll(async () => {
  project = rig({ 'kept/notes.txt': 'mine' });
  made = await project.rebake('plugin new @acme/rebake-builder-kiln');
});
afterAll(() => project[Symbol.dispose]());

const file = (name: string): string => project.read(`rebake-builder-kiln/${name}`);

describe('a new plugin', () => {
  it('is made in a folder of its name, and what comes next is said', () => {
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toContain('src/builder.ts');
    expect(made.out).toContain('cd rebake-builder-kiln && npm install && npm test');
    expect(JSON.parse(file('package.json'))).toMatchObject({ name: '@acme/rebake-builder-kiln', type: 'module' });
  });

  it('has every method of the contract, with the comments of the contract', () => {
    const sdk = dirname(fileURLToPath(import.meta.resolve('@rebake/sdk')));
    const contract = readFileSync(
      join(sdk, existsSync(join(sdk, 'builder.ts')) ? 'builder.ts' : 'builder.d.ts'),
      'utf8',
    );
    const members = contract.slice(contract.indexOf('export interface Builder {'));
    const methods = [...members.matchAll(/^ {2,4}(\w+)\(/gm)].map((match) => match[1] ?? '');
    expect(methods).toContain('inspect');
    const source = file('src/builder.ts');
    for (const method of methods) expect(source).toMatch(new RegExp(`^  async ${method}\\(`, 'm'));
    expect(source).toContain('Unreachable is unknown, not no.');
  });

  it('passes its types and the whole conformance suite as it is', { timeout: 120_000 }, async () => {
    symlinkSync(MODULES, project.path('rebake-builder-kiln/node_modules'));
    project.write('rebake-builder-kiln/vitest.config.ts', VITEST_CONFIG);
    const cwd = project.path('rebake-builder-kiln');
    const run = (script: string, ...args: readonly string[]) =>
      exec(process.execPath, [join(MODULES, script), ...args], { cwd });
    await run('@typescript/native/bin/tsc', '--noEmit', '--customConditions', '@rebake/source');
    await run('vitest/vitest.mjs', 'run', '--reporter=json', '--outputFile=report.json');
    const { numTotalTests, numPassedTests } = JSON.parse(file('report.json')) as {
      numTotalTests: number;
      numPassedTests: number;
    };
    expect(numPassedTests).toBe(numTotalTests);
    expect(numTotalTests).toBeGreaterThanOrEqual(40);
  });

  it('goes where one says', async () => {
    const { code, out } = await project.rebake('plugin new rebake-kiln --dir plugins/kiln');
    expect(code).toBe(0);
    expect(out).toContain('Made 8 files in plugins/kiln');
    expect(project.read('plugins/kiln/src/index.ts')).toContain("name: 'kiln'");
  });

  it('is not made over what is there, nor under a name that no package can have', async () => {
    const taken = await project.rebake('plugin new kept');
    expect(taken.code).toBe(1);
    expect(taken.err).toContain('FOLDER_NOT_EMPTY');
    expect(project.read('kept/notes.txt')).toBe('mine');
    const unnamed = await project.rebake('plugin new ../up');
    expect(unnamed.code).toBe(1);
    expect(unnamed.err).toContain('PLUGIN_NAME');
  });
});

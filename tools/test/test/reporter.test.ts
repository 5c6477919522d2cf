// The closing line of real runs: vitest is started on a folder of its own with the reporter under test.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';

// Every case starts vitest, more than once.
vi.setConfig({ testTimeout: 60_000 });

const here = import.meta.dirname;
const vitest = join(here, '../../../node_modules/vitest/vitest.mjs');

function closingLine(files: Readonly<Record<string, string>>): { line: string | undefined; status: number | null } {
  // Inside the repository, so that the tests in it find vitest.
  const root = mkdtempSync(join(here, 'fixtures-'));
  try {
    for (const [name, body] of Object.entries(files)) {
      writeFileSync(join(root, name), `import { beforeAll, describe, test } from 'vitest';\n${body}\n`);
    }
    const reporter = `--reporter=${join(here, '../reporter.ts')}`;
    const options = ['run', '--root', root, '--reporter=default', reporter];
    const run = spawnSync(process.execPath, [vitest, ...options], { encoding: 'utf8' });
    return { line: run.stdout.trimEnd().split('\n').at(-1), status: run.status };
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('passed and skipped tests are counted', () => {
  const files = { 'a.test.ts': "test('a', () => {}); test('b', () => {}); test.skip('c', () => {});" };
  expect(closingLine(files)).toEqual({ line: '2 passed, 0 failed, 1 skipped', status: 0 });
});

test('a module that does not load counts as failed', () => {
  const files = { 'a.test.ts': "test('a', () => {});", 'b.test.ts': "import './missing.ts'; test('b', () => {});" };
  expect(closingLine(files)).toEqual({ line: '1 passed, 1 failed', status: 1 });
});

test('an error outside every test, and a hook that throws, count as failed', () => {
  const late =
    "test('a', () => new Promise((done) => { setTimeout(() => { done(null); throw new Error('late'); }); }));";
  expect(closingLine({ 'a.test.ts': late })).toEqual({ line: '1 passed, 1 failed', status: 1 });
  const hook = "describe('s', () => { beforeAll(() => { throw new Error('hook'); }); test('a', () => {}); });";
  expect(closingLine({ 'a.test.ts': hook })).toMatchObject({ line: '0 passed, 1 failed, 1 skipped', status: 1 });
});

test('a run that finds no test is a failure', () => {
  expect(closingLine({})).toEqual({ line: '0 passed, 1 failed', status: 1 });
});

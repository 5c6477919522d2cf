// The last line of a test run, for people and for CI: `N passed, N failed`. What never became a test (a module that
// does not load, an error outside every test) is a failure too, so that a green line means a green run.
import { writeSync } from 'node:fs';
import type { Reporter } from 'vitest/node';

type TestRunEnd = NonNullable<Reporter['onTestRunEnd']>;

export class ClosingLine implements Reporter {
  onTestRunEnd(...[modules, unhandled, outcome]: Parameters<TestRunEnd>): void {
    let passed = 0;
    let skipped = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      const before = failed;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === 'passed') passed++;
        else if (state === 'skipped') skipped++;
        else failed++;
      }
      // Collection and suite hooks fail a module without failing any of its tests.
      if (module.state() === 'failed' && failed === before) failed++;
    }
    if (outcome === 'failed' && failed === 0) failed++;
    const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`;
    // Vitest still prints while it closes; at exit nothing comes after this line.
    process.once('exit', () => writeSync(1, line));
  }
}

// Vitest loads a reporter file by its default export.
export default ClosingLine;

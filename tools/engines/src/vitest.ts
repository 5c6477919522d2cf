// For engine tests: runs a block where its engines are up, reports it as skipped where they are not, and fails it in CI,
// so that a CI run without engines cannot look green.
import { describe, test } from 'vitest';
import { engines } from './engines.ts';
import type { EngineName, EnginesState } from './state.ts';

// Asked once a test file, while it is collected: vitest has to know what runs before anything does.
const found = await engines();

const inCI = !['', '0', 'false', undefined].includes(process.env['CI']);

/**
 * `describe` for tests that need real engines. `body` gets the state; it is not called where an engine is missing, and one
 * test in its place is skipped (or fails under CI) with the reason.
 */
export function describeEngine(
  title: string,
  needs: EngineName | readonly EngineName[],
  body: (state: EnginesState) => void,
): void {
  const { state, up } = found;
  const missing = [needs].flat().filter((name) => !up.has(name));
  const reason = `not up: ${missing.join(', ') || 'engines.json'}; run tools/engines/up`;
  describe(title, () => {
    if (state === undefined || missing.length > 0) absent(reason);
    else body(state);
  });
}

function absent(reason: string): void {
  test(reason, ({ skip }) => {
    if (inCI) throw new Error(`${reason} (CI runs no test without its engines)`);
    skip(reason);
  });
}

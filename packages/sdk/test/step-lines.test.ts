/** Lines of Buildah's and Podman's builds, as progress. */
import { expect, it } from 'vitest';
import type { Progress } from '../src/event.ts';
import { stepLines } from '../src/building/step-lines.ts';

function read(...lines: readonly string[]): Progress[] {
  const seen: Progress[] = [];
  const take = stepLines((progress) => seen.push(progress));
  for (const line of lines) take(line);
  return seen;
}

it('are steps where a headline stands, and log lines else', () => {
  expect(read('STEP 1/2: FROM scratch', 'hello', 'STEP 2/2: RUN a')).toEqual([
    { type: 'step', index: 1, of: 2, name: 'FROM scratch' },
    { type: 'log', text: 'hello' },
    { type: 'step', index: 2, of: 2, name: 'RUN a' },
  ]);
});

it('are two where what a step printed has no line end', () => {
  expect(read('STEP 1/2: RUN a', 'no endSTEP 2/2: RUN b').slice(1)).toEqual([
    { type: 'log', text: 'no end' },
    { type: 'step', index: 2, of: 2, name: 'RUN b' },
  ]);
});

it('are log lines where a step only prints what looks like a headline', () => {
  expect(read('STEP 2/2: RUN a', 'see STEP 1/9: x').slice(1)).toEqual([{ type: 'log', text: 'see STEP 1/9: x' }]);
});

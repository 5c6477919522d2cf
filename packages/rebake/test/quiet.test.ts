/** What a remembered plan is bound to, where two runs of rebake meet. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { keptStamp } from '@rebake/model';
import { expect, it } from 'vitest';
import { apply, plan, recallQuiet } from '../src/index.ts';
import { rememberQuiet, stateStamp } from '../src/quiet.ts';
import { declaration, folder, ownBuilder } from './project.ts';

it('is not remembered under a declaration that another run has read since', async () => {
  using project = folder(declaration());
  const options = { ...project.options, builders: { docker: ownBuilder() } };
  await apply({ ...options, confirm: async () => 'yes', emit: () => {} });
  // Long after the files were written, so that their time stamps are believed.
  const now = (): number => Date.now() + 60_000;
  const asked = { ...options, refresh: 'none', now } as const;
  await plan(asked);
  const kept = recallQuiet(asked);
  expect(kept).not.toBeNull();

  const dataDir = join(project.dir, '.rebake');
  const file = join(project.dir, 'rebake.yaml');
  const stamp = keptStamp(join(dataDir, 'cache'), file);
  if (stamp === null || kept === null) throw new Error('the declaration was kept by the plan');
  const made = { dataDir, file, stateBefore: stateStamp(dataDir), now: now() };
  rmSync(join(dataDir, 'cache/quiet-plan.json'));
  rememberQuiet({ ...made, declaration: 'one before it' }, asked, kept);
  expect(recallQuiet(asked)).toBeNull();
  rememberQuiet({ ...made, declaration: stamp }, asked, kept);
  expect(recallQuiet(asked)).toBe(kept);
});

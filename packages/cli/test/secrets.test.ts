/** Secrets reach a build and come out nowhere: not on the terminal, in events, logs, plans or the state. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failing } from './fake-builder.ts';
import { FLEET } from './fleets.ts';
import { rig } from './rig.ts';

const PASSWORD = 'correct-horse-battery';
const PIP_CONF = `[global]\nindex-url = https://me:${PASSWORD}@pypi.example.com/simple\n`;

describe('a secret that an engine repeats', () => {
  it.each(['', '--json'])('is masked everywhere %s', async (flag) => {
    using project = rig(FLEET);
    project.edit('rebake.yaml', 'builders:', 'build: { pipConfig: { env: PIP_CONF } }\nbuilders:');
    let given = '';
    project.engine.behaviours.set('glum', async (job, ctx) => {
      const ref = job.access.secrets['pip-conf'];
      given = ref === undefined ? '' : Buffer.from((await ctx.secret(ref)) ?? []).toString();
      // In two pieces, as engines write.
      ctx.emit({ type: 'log', text: `Looking in https://me:${PASSWORD.slice(0, 9)}` });
      ctx.emit({ type: 'log', text: `${PASSWORD.slice(9)}@pypi.example.com\n` });
      await failing(`401 from https://me:${PASSWORD}@pypi.example.com/simple`)(job, ctx);
    });
    const env = { PIP_CONF };
    const applied = await project.rebake(`apply --auto-approve ${flag}`, { env });
    expect(given).toBe(PIP_CONF);
    const planned = await project.rebake('plan --json', { env });
    const why = await project.rebake('why glm@python', { env });
    for (const { out, err } of [applied, planned, why]) expect(out + err).not.toContain(PASSWORD);
    expect(applied.out).toContain('401 from https://');
    const written = filesBelow(project.path('.rebake'));
    expect(written.some((file) => file.endsWith('.log'))).toBe(true);
    for (const file of written) expect(readFileSync(file).includes(PASSWORD), file).toBe(false);
  });
});

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

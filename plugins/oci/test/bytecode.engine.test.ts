/** Debian bases bring bytecode of Python's own modules, which Debian's scripts would make. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { candidateTag, type LockedDeb, type Step } from '@rebake/image';
import type { Builder, Built, Job } from '@rebake/sdk';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { context, jobOf, linesOf, ociBuilder, temporaryFolder } from './kit.ts';
import { locksIn, SUITE } from './locks.ts';

const run = promisify(execFile);
const MINUTES = 60_000;

/** What Python says with -v of a module that it compiles, and of bytecode that it takes. */
const COMPILED = /^# (?:code object from '?[^'\n]*\.py'?|could not create .*)$/gm;
const TAKEN = /^# code object from '[^']*\.pyc'$/gm;

describeEngine('the bytecode of a Debian base', ['docker', 'plain'], (state) => {
  const folder = temporaryFolder();
  const builders: Builder[] = [];
  let debs: readonly LockedDeb[];
  let more: readonly LockedDeb[];
  let job: Job;
  let base: Built;

  const builderIn = async (name: string, cache = 'cache'): Promise<Builder> => {
    const builder = await ociBuilder({ cache: join(folder, cache) }, join(folder, name));
    builders.push(builder);
    return builder;
  };
  const stepOf = (packages: readonly LockedDeb[]): Step => ({ step: 'debian', suite: SUITE, packages, mirror: null });

  beforeAll(async () => {
    const locks = locksIn(join(folder, 'locks'));
    debs = await locks.debian([]);
    const all = await locks.debian(['python3-yaml']);
    await locks.close();
    const names = new Set(debs.map(({ name }) => name));
    more = all.filter(({ name }) => !names.has(name));
    job = jobOf(null, [stepOf(debs)]);
    base = await (await builderIn('own')).build(job, context());
  }, 5 * MINUTES);
  afterAll(async () => {
    for (const builder of builders) await builder.close();
  });

  /** Runs a script in an image, as somebody who may write nowhere. */
  async function inside(builder: Builder, image: Built, key: Job['key'], script: string): Promise<string> {
    const { address } = state.registries.plain;
    const repository = `oci-bytecode/${process.pid}-${Date.now()}`;
    await builder.push(image, { registry: address, repository, key }, context());
    const reference = `${address}/${repository}:${candidateTag(key)}`;
    const env = { ...process.env, DOCKER_HOST: state.docker.host };
    const docker = async (...args: readonly string[]) =>
      (await run(state.docker.cli, [...args], { env, maxBuffer: 64 << 20 })).stdout;
    await docker('pull', '--quiet', reference);
    try {
      return await docker('run', '--rm', '--network', 'none', '--user', '12345:0', reference, 'sh', '-ec', script);
    } finally {
      await docker('rmi', '--force', reference);
    }
  }

  it('is what Python takes for all modules, and dpkg finds nothing wrong', { timeout: 5 * MINUTES }, async () => {
    const script = [
      "python3.11 -v -c 'import json, asyncio, ssl, email, distutils.core' 2>&1",
      'echo verified; dpkg --verify; echo listed; dpkg -L libpython3.11-stdlib | grep -c __pycache__ || true',
      'stat -c "%a %u:%g" /usr/lib/python3.11 /usr/lib/python3.11/json/__pycache__ /usr/lib/python3.11/json/__pycache__/*',
    ].join('\n');
    const said = await inside(builders[0]!, base, job.key, script);
    expect(said.match(COMPILED)).toBeNull();
    expect(said.match(TAKEN)?.length).toBeGreaterThan(100);
    expect(said).toMatch(/\nverified\nlisted\n0\n755 0:0\n755 0:0\n(?:644 0:0\n)+$/);
  });

  it(
    'is the same from another cache, and of what comes on top only what is new',
    { timeout: 5 * MINUTES },
    async () => {
      const other = await builderIn('other', 'cache-2');
      const again = await other.build(job, context());
      expect(again.identity).toBe(base.identity);
      const top = jobOf(again, [stepOf(more)]);
      const ctx = context();
      const built = await other.build(top, ctx);
      expect(linesOf(ctx).filter((line) => line.startsWith('bytecode of'))).toEqual([
        expect.stringMatching(/^bytecode of python3\.11: 1 layer/),
      ]);
      const said = await inside(other, built, top.key, "python3.11 -v -c 'import yaml' 2>&1");
      expect(said.match(COMPILED)).toBeNull();
      expect(said).toContain("# code object from '/usr/lib/python3/dist-packages/yaml/__pycache__/");
    },
  );
});

/** What is Docker's own in building on a real engine; what every builder does is in `conformance.engine.test.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { candidateTag, DOCKERFILE_STEPS } from '@rebake/image';
import type { Digest, Output } from '@rebake/image';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { beforeAll, expect, it } from 'vitest';
import { baseJob, ctxOf, entryOf, fragment, keyOf, realBuilds } from './kit.ts';

describeEngine('the docker builder', ['docker', 'rootfs', 'plain'], (state) => {
  const { builder, docker, folder, run, base: realBase, build } = realBuilds(state);
  let base: Output;

  beforeAll(() => {
    base = realBase();
  });

  it('says who the engine is and what it can do', async () => {
    const { ID } = (await docker.info()) as { ID: string };
    const capabilities = await builder.probe(ctxOf());
    expect(capabilities).toMatchObject({
      engine: ID,
      contents: 'dockerfile@2',
      platforms: ['linux/amd64'],
      reproducible: false,
    });
    expect(capabilities.steps).toEqual(DOCKERFILE_STEPS);
  });

  it('builds a base from a root file system: its identity is the image id, its place the candidate name', async () => {
    const name = `rebake/candidate:${candidateTag(keyOf('base'))}`;
    expect((await docker.getImage(name).inspect()).Id).toBe(base.identity);
    expect(base.at).toEqual([{ engine: ((await docker.info()) as { ID: string }).ID, name }]);
    expect(await builder.inspect({ key: keyOf('base') }, ctxOf())).toEqual({ seen: 'yes', value: base });
    expect(await builder.inspect(base.at[0]!, ctxOf())).toEqual({ seen: 'yes', value: base });
  });

  it('gives the same identity again from the engine’s cache', async () => {
    const { output } = await run(baseJob(state, 'base again'));
    expect(output).toMatchObject({ identity: base.identity });
  });

  it('sends 100 MB, and reports how far it is', async () => {
    const root = join(folder, 'big');
    mkdirSync(root);
    const bytes = Buffer.alloc(100_000_000);
    for (let at = 0; at < bytes.length; at += 65_536)
      crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65_536, bytes.length)));
    writeFileSync(join(root, 'big.bin'), bytes);
    const file = entryOf(root, 'big.bin');
    const copied = { step: 'copy', files: { root, files: [file] }, to: '/data', owner: '0:0' } as const;
    const { log, seen } = await build('big', base, [copied, fragment('RUN sha256sum /data/big.bin')]);
    expect(log).toEqual([`${file.digest.slice('sha256:'.length)}  /data/big.bin`]);
    expect(seen.some((progress) => progress.type === 'bytes' && progress.done >= bytes.length)).toBe(true);
  });

  it('does not remove what a container still needs', async () => {
    const { output } = await build('used', base, [fragment('RUN echo used > /used')]);
    const container = await docker.createContainer({ Image: output.identity, Cmd: ['true'] });
    try {
      await expect(builder.remove(output.at[0]!, ctxOf())).rejects.toMatchObject({ error: { code: 'IMAGE_IN_USE' } });
    } finally {
      await container.remove();
    }
  });

  it('does not remove anything from registries', async () => {
    const at = { registry: state.registries.plain.address, repository: 'x', manifest: base.identity as Digest };
    await expect(builder.remove(at, ctxOf())).rejects.toMatchObject({ error: { code: 'LOCATION_ELSEWHERE' } });
  });
});

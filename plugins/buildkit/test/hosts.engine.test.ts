/** Daemons on several hosts, of which one dies and comes back while much is built: every image comes to be, once, and is the same for all. */
import { join } from 'node:path';
import { candidateTag } from '@rebake/image';
import type { Output } from '@rebake/image';
import { startHosts } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { expect, it } from 'vitest';
import { buildkitBuilder, ctxFor, jobOf, keyOf, once, registryClient, temporaryFolder, tinyJob } from './kit.ts';

const IMAGES = 24;

describeEngine('three hosts', ['buildkit', 'rootfs'], (state) => {
  const folder = temporaryFolder();

  it('build everything, though one of them is cut off and one is killed and comes back', async () => {
    await using network = await startHosts({ root: join(folder, 'hosts'), count: 3 });
    const { address } = network.registry;
    const access = { [address]: { host: address, insecure: true } };
    const ctx = ctxFor(state, access);
    const client = registryClient(state, access);
    const repository = `${address}/hosts/candidates`;
    const endpoints = network.hosts.map((host) => ({ address: host.address, parallel: 2 }));
    const builder = await buildkitBuilder({ repository, endpoints }, join(folder, 'builder'));
    expect(await builder.probe(ctx())).toMatchObject({ parallel: 6, engine: `repository:${repository}` });
    const base = await builder.build(tinyJob(state, folder), ctx());

    let done = 0;
    const contexts = Array.from({ length: IMAGES }, () => ctx());
    const [killed, cut] = [network.hosts[0]!, network.hosts[1]!];
    const trouble: Promise<void>[] = [];
    const names = contexts.map((_, index) => `image ${index}`);
    const built = await Promise.all(
      names.map(async (name, index) => {
        // Every image is of two: the second is built wherever there is room, on what any of the hosts has built.
        const parent = await builder.build(
          jobOf(`${name} below`, base, [once(`echo ${index} > /below`)]),
          contexts[index]!,
        );
        const image = await builder.build(jobOf(name, parent, [once('cat /below > /above')]), contexts[index]!);
        done += 1;
        if (done === 3) trouble.push(killed.kill());
        if (done === 6) trouble.push(cut.unplug());
        if (done === 9) trouble.push(killed.start());
        return image;
      }),
    );
    await Promise.all(trouble);
    await cut.plug();

    const { signal } = ctx();
    for (const [index, name] of names.entries()) {
      const seen = await client.resolve(
        { registry: address, repository: 'hosts/candidates', reference: candidateTag(keyOf(name)) },
        { signal },
      );
      expect(seen).toMatchObject({ seen: 'yes', value: { identity: built[index]!.identity } });
    }
    expect(new Set(built.map(({ identity }: Output) => identity)).size).toBe(IMAGES);
    // Both are taken back.
    await expect.poll(async () => (await builder.probe(ctx())).parallel, { timeout: 30_000, interval: 250 }).toBe(6);
    await builder.close();
  });
});

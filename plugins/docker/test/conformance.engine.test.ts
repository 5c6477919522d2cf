/** What every builder does, on a real Docker engine. */
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { testBuilder } from '@rebake/sdk/testing';
import type { EnginesState } from '@rebake/tool-engines';
import { afterAll } from 'vitest';
import { rawEngine } from './kit.ts';
import { dockerRig } from './rig.ts';

describeEngine('conformance', ['docker', 'rootfs', 'wheels', 'plain', 'auth', 'tls', 'token'], (state) => {
  testBuilder(dockerRig(state));
  afterAll(() => forgetLargeContexts(state));
});

/** The engine keeps a copy of each context that it was sent; that of a gigabyte, new in each run, would fill the disk. */
async function forgetLargeContexts(state: EnginesState): Promise<void> {
  const { BuildCache: kept } = (await rawEngine(state).df()) as { BuildCache: { ID: string; Size: number }[] };
  for (const { ID } of kept.filter(({ Size }) => Size >= 1024 ** 3)) {
    // The client knows no filters here, and would remove everything.
    const filters = encodeURIComponent(JSON.stringify({ id: { [ID]: true } }));
    const prune = request({
      socketPath: state.docker.socket,
      path: `/build/prune?filters=${filters}`,
      method: 'POST',
      agent: false,
    });
    prune.end();
    const [answer] = (await once(prune, 'response')) as [IncomingMessage];
    await once(answer.resume(), 'end');
  }
}

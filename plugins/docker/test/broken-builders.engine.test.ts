/**
 * The conformance suite is tested, too: each builder here is wrong in one way, and the suite has to say so at the right behaviour and nowhere
 * else. That one without a fault has all of these behaviours is shown by `conformance.engine.test.ts`, on the same rig.
 */
import { describeEngine } from '@rebake/tool-engines/vitest';
import type { Builder, BuilderPlace } from '@rebake/sdk';
import { BEHAVIOURS, runBehaviours } from '@rebake/sdk/testing';
import type { Rig } from '@rebake/sdk/testing';
import { afterAll, expect, it } from 'vitest';
import type { Fault } from './faults/fault.ts';
import { FAULTS } from './faults/index.ts';
import { rawEngine } from './kit.ts';
import { dockerRig } from './rig.ts';

describeEngine('a builder that', ['docker', 'rootfs', 'plain', 'auth'], (state) => {
  afterAll(async () => {
    const docker = rawEngine(state);
    const images = await docker.listImages({ filters: { reference: ['rebake-broken/temporary'] } });
    for (const name of images.flatMap(({ RepoTags }) => RepoTags ?? [])) await docker.getImage(name).remove();
  });

  it.each(FAULTS)('$that', async (fault) => {
    const { asked, fails } = fault;
    const outcomes = await runBehaviours(broken(dockerRig(state), fault), asked);
    const failed = [...outcomes].filter(([, { ok }]) => !ok);
    const inOrder = BEHAVIOURS.map(({ id }) => id).filter((id) => fails.includes(id));
    expect(
      failed.map(([id]) => id),
      failed.map(([, outcome]) => (outcome.ok ? '' : String(outcome.error))).join('\n'),
    ).toEqual(inOrder);
  });
});

/** A rig that gives builders with the fault. */
function broken(good: Rig, { where = 'create', ...fault }: Fault): Rig {
  const breaks = (create: (place: BuilderPlace) => Builder) => (place: BuilderPlace) => fault.breaks(create(place));
  if (where !== 'ownEngine') {
    const { [where]: create } = good;
    if (create === undefined) throw new Error(`the rig has no ${where}`);
    return { ...good, [where]: breaks((place) => create(place)) };
  }
  return {
    ...good,
    async ownEngine(folder) {
      const engine = await good.ownEngine?.(folder);
      if (!engine) throw new Error('the rig has no engine of its own');
      return { ...engine, create: breaks((place) => engine.create(place)) };
    },
  };
}

/** What a builder lacks is said by `plan`, before anything is built. */
import { describe, expect, it } from 'vitest';
import type { Lack } from '@rebake/sdk';
import { toldToPeople } from './declarations.ts';
import { FLEET } from './fleets.ts';
import { rig, type Rig } from './rig.ts';

function project(lacks: readonly Lack[], build: string): Rig {
  const made = rig({ ...FLEET, 'rebake.yaml': `${FLEET['rebake.yaml']}build: ${build}\n`, 'ca.pem': 'a certificate' });
  made.engine.lacks = lacks;
  return made;
}

describe('a builder that lacks something', () => {
  it.each([
    ['secrets', '{ ca: ./ca.pem }', 'has no secret mounts, and the declaration has secrets for builds'],
    ['network', '{ network: none }', 'does not let the network of builds be chosen, and the declaration chooses one'],
    ['proxy', '{ proxy: { http: "http://proxy.test" } }', 'has no proxy for builds, and the declaration names one'],
  ] as const)('is no builder for a declaration that needs it: %s', async (lack, build, words) => {
    using made = project([lack], build);
    const ran = await made.rebake('plan');
    expect(ran.code).toBe(1);
    expect(toldToPeople(ran)).toMatchObject([
      {
        brief: 'BUILDER_CANNOT rebake.yaml:4:11',
        message: `\`base/python#linux/amd64\` (and 2 more): builder docker ${words}`,
        help: 'Choose another builder for this node.',
      },
    ]);
    expect((await made.rebake('apply --auto-approve')).err).toContain('BUILDER_CANNOT');
    expect(made.engine.built).toEqual([]);
    made.engine.lacks = [];
    expect(await made.rebake('apply --auto-approve')).toMatchObject({ code: 0, err: '' });
  });

  it('is one where nothing of it is needed', async () => {
    using made = project(['secrets', 'network', 'proxy'], '{}');
    expect(await made.rebake('apply --auto-approve')).toMatchObject({ code: 0, err: '' });
  });

  it('builds, but does not publish into an engine that has no names', async () => {
    using made = project(['engine-names'], '{}');
    const ran = await made.rebake('plan');
    expect(toldToPeople(ran)).toMatchObject([
      {
        brief: 'BUILDER_CANNOT rebake.yaml:6:8',
        message:
          '`publication/engine/python/base` (and 2 more): builder docker has no engine in which others find an image by its name: publish it to a registry',
      },
    ]);
    expect(ran.out).toMatch(/├─ env\/glm +build/);
  });
});

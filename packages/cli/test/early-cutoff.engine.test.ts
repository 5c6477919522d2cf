/**
 * Early cutoff for real: after an upgrade of the release version alone, with the same kit, BuildKit builds the base again without any cache, it comes out
 * as it was, and no env is built.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry, Event, NodeId } from '@rebake/sdk';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fleetMachine, type Machine } from './fleet-rig.ts';

const LONG = 1_800_000;

describeEngine('an upgrade of the version alone', ['buildkit', 'rootfs', 'plain', 'tls'], (state) => {
  const path = `cutoff-${randomBytes(4).toString('hex')}`;
  let machine: Machine;
  beforeAll(async () => {
    machine = await fleetMachine(state, path, ['gutenberg']);
    // A kit that names its version cannot be the same for two of them.
    rmSync(join(machine.dir, 'kits/14.1.1/dss-version.json'));
    const options = { repository: `${state.registries.plain.address}/${path}/work`, noCache: true };
    machine.write(
      'rebake.config.ts',
      machine
        .read('rebake.config.ts')
        .replace('default: FLEET_BUILDER', `default: { type: 'buildkit', options: ${JSON.stringify(options)} }`),
    );
  });
  afterAll(() => machine[Symbol.dispose]());

  it('rebuilds the bases without cache, to the same identities, and builds no env', { timeout: LONG }, async () => {
    const first = await apply(machine);
    expect(first.built).toEqual([
      'base/python',
      'base/python-gpu',
      'env/python/gutenberg@python',
      'env/python/gutenberg@python-gpu',
    ]);
    const before = await identities(machine);
    const upgraded = await machine.rebake('upgrade', '14.1.2');
    expect(upgraded.code, upgraded.err).toBe(0);
    const second = await apply(machine);
    expect(second.built).toEqual(['base/python', 'base/python-gpu']);
    expect(second.kept).toEqual(['env/python/gutenberg@python', 'env/python/gutenberg@python-gpu']);
    expect(await identities(machine)).toEqual(before);
    expect(await machine.rebake('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
  });
});

/** Applies; the images that were built, and those that were kept. */
async function apply(
  machine: Machine,
): Promise<{ readonly built: readonly string[]; readonly kept: readonly string[] }> {
  const ran = await machine.rebake('apply', '--auto-approve', '--json');
  expect(ran.code, ran.err).toBe(0);
  const events = ran.out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Event]));
  const ended = (outcome: string) =>
    events
      .flatMap((event) => (event.type === 'node-settled' && event.outcome === outcome ? [event.node] : []))
      .filter((node) => !node.startsWith('publication/'))
      .map((node) => node.replace('#linux/amd64', ''))
      .toSorted();
  return { built: ended('built'), kept: ended('kept') };
}

/** Identities of all images, by node. */
async function identities(machine: Machine): Promise<Readonly<Record<string, string>>> {
  const { out } = await machine.rebake('state', 'list', '--json');
  const { entries } = JSON.parse(out) as { entries: Record<NodeId, Entry> };
  const images = Object.entries(entries).filter(([id]) => !id.startsWith('publication/'));
  return Object.fromEntries(images.map(([id, entry]) => [id, entry.output.identity]));
}

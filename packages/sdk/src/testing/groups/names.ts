/** Looking for images, naming them, and taking names away. */
import { digestOfBytes } from '@rebake/image';
import { candidateName } from '../../building/names.ts';
import { group, offers, steps } from '../group.ts';
import { hold, same } from '../rules.ts';
import { copy, fileSet } from '../steps.ts';

const NEEDS = steps('rootfs', 'copy');

export const inspect = group('inspect', [
  {
    id: 'missing',
    title: 'says “no” to a key and to a name that nothing is under',
    why: '“No” is what makes the kernel build.',
    async run(bench) {
      const { engine } = await bench.capabilities();
      for (const at of [{ key: bench.key() }, { engine, name: candidateName(bench.key()) }])
        same(await bench.inspect(at), { seen: 'no' }, 'What is not there is a “no”');
    },
  },
  {
    id: 'other-engine',
    title: 'says “no” to a place in another engine, also where the name is there in this one',
    why: 'What was in an engine that is gone is gone with it.',
    needs: NEEDS,
    async run(bench) {
      const image = await bench.makeUnique();
      for (const at of image.at) {
        if (!('engine' in at)) continue;
        same(await bench.inspect({ ...at, engine: 'another' }), { seen: 'no' }, 'Another engine’s images are not here');
      }
    },
  },
  {
    id: 'registry',
    title: 'does not answer for registries',
    why: 'Registries are asked by the kernel’s own client; a “no” from here would build what is there.',
    async run(bench) {
      const { address: registry } = bench.rig.registries.plain;
      const at = { registry, repository: 'rebake-conformance/nothing', manifest: digestOfBytes(bench.run) };
      const seen = await bench.inspect(at);
      hold(seen.seen === 'unknown', 'What is in a registry is not to be seen from an engine, and unknown', seen);
    },
  },
  {
    id: 'by-others',
    title: 'finds with one builder what another built',
    why: 'The next run is another process.',
    needs: NEEDS,
    async run(bench) {
      const key = bench.key();
      const image = await bench.makeUnique({ key, by: bench.another() });
      const seen = await bench.another().inspect({ key });
      hold(
        seen.seen === 'yes' && seen.value.identity === image.identity && seen.value.at.length > 0,
        'What one builder built is found by another over the same engine',
        seen,
      );
    },
  },
]);

export const names = group('names', [
  {
    id: 'tag',
    title: 'gives an image one more name, under which it is found',
    why: 'Publications without a registry are names in an engine.',
    needs: [...NEEDS, ...offers('engine-names')],
    async run(bench) {
      const image = await bench.makeUnique();
      const { engine } = await bench.capabilities();
      const name = `rebake-conformance/named:${bench.run}`;
      const at = await bench.tag(image, name);
      same(at, { engine, name }, 'A name is a place in this engine');
      const seen = await bench.inspect(at);
      hold(seen.seen === 'yes' && seen.value.identity === image.identity, 'An image is found under its names', seen);
    },
  },
  {
    id: 'tag-moves',
    title: 'moves a name to another image',
    why: 'A tag of a publication shows the newest image.',
    needs: [...NEEDS, ...offers('engine-names')],
    async run(bench) {
      const [one, other] = [await bench.makeUnique(), await bench.makeUnique()];
      const name = `rebake-conformance/moved:${bench.run}`;
      await bench.tag(one, name);
      const seen = await bench.inspect(await bench.tag(other, name));
      hold(seen.seen === 'yes' && seen.value.identity === other.identity, 'A name leads to its last image', seen);
    },
  },
  {
    id: 'remove-one',
    title: 'takes one name away and leaves the others',
    why: 'Old candidates are removed while their images are published.',
    needs: NEEDS,
    async run(bench) {
      const keys = [bench.key(), bench.key()] as const;
      const text = crypto.randomUUID();
      const [one, other] = [
        await bench.makeUnique({ key: keys[0], text }),
        await bench.makeUnique({ key: keys[1], text }),
      ];
      for (const at of one.at) await bench.remove(at);
      same(await bench.inspect({ key: keys[0] }), { seen: 'no' }, 'A name that was removed is gone');
      const seen = await bench.inspect({ key: keys[1] });
      hold(seen.seen === 'yes' && seen.value.identity === other.identity, 'The other name is still there', seen);
    },
  },
  {
    id: 'remove-missing',
    title: 'takes it well that a name that it should remove is gone already',
    why: 'Whoever prunes twice has pruned.',
    needs: NEEDS,
    async run(bench) {
      const image = await bench.makeUnique();
      for (const at of [...image.at, ...image.at]) await bench.remove(at);
      const { engine } = await bench.capabilities();
      await bench.remove({ engine, name: candidateName(bench.key()) });
    },
  },
  {
    id: 'remove-elsewhere',
    title: 'removes nothing when it is told a place in another engine',
    why: 'State may speak of an engine that was set up anew under the same address.',
    needs: NEEDS,
    async run(bench) {
      const key = bench.key();
      const image = await bench.makeUnique({ key });
      for (const at of image.at) if ('engine' in at) await bench.remove({ ...at, engine: 'another' });
      const seen = await bench.inspect({ key });
      hold(seen.seen === 'yes', 'What is in this engine stays when a place in another one is removed', seen);
    },
  },
  {
    id: 'remove-parent',
    title: 'keeps an image whole when the name of its parent is removed',
    why: 'A pruned base must not take its env images with it.',
    needs: NEEDS,
    async run(bench) {
      const parent = await bench.makeUnique();
      const step = copy(fileSet(bench.folder(), { 'on-top.txt': 'on top' }), '/data');
      const { output } = await bench.make(parent, [step]);
      for (const at of parent.at) await bench.remove(at);
      const stored = await bench.read(output);
      const files = await stored.entries(0);
      hold(
        files.has('data/unique.txt') && files.has('data/on-top.txt'),
        'An image has all of its layers after its parent’s name is gone',
        [...files.keys()],
      );
    },
  },
]);

/** What comes out of a build: where it is, what it is, and that it says nothing that is not its contents. */
import type { Digest } from '@rebake/image';
import { candidateName } from '../../building/names.ts';
import { group, steps } from '../group.ts';
import { hold, same } from '../rules.ts';
import { copy, fileSet, shell, tinyRootfs } from '../steps.ts';

export const build = group('build', [
  {
    id: 'rootfs',
    title: 'makes a base of a tar: its files, owners and modes, and nothing else',
    why: 'Bases are made of root file systems where no registry can be reached.',
    needs: steps('rootfs'),
    async run(bench) {
      const text = `hello from ${bench.run}`;
      const { output } = await bench.make(null, [await tinyRootfs(bench.folder(), { 'hello.txt': text })]);
      const files = [...(await (await bench.read(output)).entries(0)).values()].filter(({ type }) => type === 'file');
      const wanted = [{ path: 'hello.txt', type: 'file', mode: 0o644, owner: '0:0', text }];
      same(files, wanted, 'An image from a root file system has the files of the tar');
    },
  },
  {
    id: 'candidate',
    title: 'keeps what it built in its engine under the candidate name of the key',
    why: 'Whoever computes the same key looks for that name, so that nothing is built twice.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const key = bench.key();
      const { output } = await bench.make(await bench.small(), [copy(fileSet(bench.folder(), { a: bench.run }), '/')], {
        key,
      });
      const { engine } = await bench.capabilities();
      const at = { engine, name: candidateName(key) };
      hold(
        output.at.some((one) => 'engine' in one && one.engine === at.engine && one.name === at.name),
        'What was built is in the engine that `probe` names, under `candidateName(key)`',
        output,
      );
      for (const place of [at, { key }]) {
        const seen = await bench.inspect(place);
        hold(
          seen.seen === 'yes' && seen.value.identity === output.identity,
          'What was built is found by its key and by its name, with the identity that the build gave',
          seen,
        );
      }
    },
  },
  {
    id: 'identity',
    title: 'names an image by the digest of its config, as it is when it is pushed',
    why: 'The identity is what ties state, engine and registry together.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const image = await bench.makeUnique();
      const stored = await bench.read(image);
      same(stored.identity, image.identity, 'The identity is the digest of the config of what is pushed');
    },
  },
  {
    id: 'on-parent',
    title: 'puts its layers on those of the parent, which stay what they are',
    why: 'An image that does not begin with its parent is not the image that was planned.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const parent = await bench.read(await bench.small());
      const child = await bench.read(await bench.makeUnique({ text: 'on top' }));
      const below = parent.diffIds.length;
      same(child.diffIds.slice(0, below), parent.diffIds, 'The layers of an image begin with its parent’s');
      hold(child.diffIds.length > below, 'A step that adds a file adds a layer', child.diffIds);
      const file = (await child.entries(below)).get('data/unique.txt');
      same(file?.text, 'on top', 'What a step adds is in the layers above the parent’s');
    },
  },
  {
    id: 'in-order',
    title: 'carries steps out in their order, each on what those before it left',
    why: 'Later steps rest on earlier ones.',
    needs: steps('rootfs', 'run', 'copy'),
    async run(bench) {
      const files = fileSet(bench.folder(), { 'a.txt': 'from the copy' });
      const { log } = await bench.make(await bench.base(), [
        shell('echo first > /order.txt'),
        copy(files, '/order'),
        shell('cat /order/a.txt >> /order.txt'),
        shell('cat /order.txt'),
      ]);
      const seen = log.filter((line) => /^(first|from the copy)$/.test(line));
      same(seen, ['first', 'from the copy'], 'Each step sees what those before it did');
    },
  },
  {
    id: 'again',
    title: 'builds the same job again, and the same comes of it where the builder says that it is reproducible',
    why: 'Early cutoff: what comes out as it was makes nobody build.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const files = fileSet(bench.folder(), { 'a.txt': `again ${bench.run}` });
      const job = bench.job(await bench.small(), [copy(files, '/data')]);
      const first = await bench.build(job);
      const second = await bench.build(job);
      const { reproducible } = await bench.capabilities();
      if (reproducible) same(second.output.identity, first.output.identity, 'A reproducible builder gives the same');
      const seen = await bench.inspect({ key: job.key });
      hold(
        seen.seen === 'yes' && seen.value.identity === second.output.identity,
        'The key leads to what was built last',
        seen,
      );
    },
  },
  {
    id: 'two-keys',
    title: 'keeps one content under two keys',
    why: 'A renamed input gives another key and the same image; both have to be found.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const step = copy(fileSet(bench.folder(), { 'a.txt': `two keys ${bench.run}` }), '/data');
      const keys: readonly Digest[] = [bench.key(), bench.key()];
      const made = [];
      for (const key of keys) made.push(await bench.make(await bench.small(), [step], { key }));
      for (const [index, key] of keys.entries()) {
        const seen = await bench.inspect({ key });
        hold(
          seen.seen === 'yes' && seen.value.identity === made[index]?.output.identity,
          'Each key leads to its image',
          seen,
        );
      }
    },
  },
  {
    id: 'no-facts',
    title: 'writes nothing into the image that is not its contents: no key, no series, no job',
    why: 'What differs from build to build makes a new identity, and everything above is built again for nothing.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const job = bench.job(await bench.small(), [copy(fileSet(bench.folder(), { 'a.txt': bench.run }), '/data')]);
      const stored = await bench.read((await bench.build(job)).output);
      for (const fact of [job.key.slice('sha256:'.length), job.series]) {
        const where = [stored.config.text, stored.manifestText].find((text) => text.includes(fact));
        hold(where === undefined, 'Neither key nor series of a job are in the image', where);
      }
      same(stored.config.platform, bench.rig.platform, 'The config names the platform of the job');
    },
  },
]);

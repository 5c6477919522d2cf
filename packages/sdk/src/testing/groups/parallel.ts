/** Builds side by side. */
import type { Made } from '../calls.ts';
import { group, steps } from '../group.ts';
import { hold, same } from '../rules.ts';
import { run, shell } from '../steps.ts';

const MOST = 4;

export const parallel = group('parallel', [
  {
    id: 'side-by-side',
    title: 'builds four images at once, and mixes up neither them nor what they say',
    why: 'The kernel builds as many at once as the declaration allows; each has a log of its own.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const { parallel: most = MOST } = await bench.capabilities();
      const names = Array.from({ length: Math.min(most, MOST) }, (_one, index) => `${bench.run}-${index}`);
      const meeting = await bench.meeting();
      const base = await bench.base();
      const made = (name: string): Promise<Made> =>
        bench.make(base, [
          shell('echo "begin $1"', name),
          run(meeting.wait(name)),
          shell('echo "$1" > /name.txt; echo "end $1"', name),
        ]);
      const all = Promise.all(names.map(made));
      // Each waits for all others: they can only end if they run at once.
      await Promise.race([Promise.all(names.map((name) => meeting.arrived(name))), all]);
      for (const name of names) meeting.release(name);
      const done = await all;
      const below = (await bench.read(base)).diffIds.length;
      for (const [index, name] of names.entries()) {
        const lines = done[index]?.log.filter((line) => /^(begin|end) /.test(line));
        same(lines, [`begin ${name}`, `end ${name}`], 'Each build has the lines of its own steps, and no others');
        const output = done[index]?.output;
        hold(output !== undefined, 'Each build has an image');
        const file = (await (await bench.read(output)).entries(below)).get('name.txt');
        same(file?.text, `${name}\n`, 'Each build has its own contents');
      }
    },
  },
  {
    id: 'same-key',
    title: 'builds one job twice at once, and the key leads to what came of it',
    why: 'Two runs on two machines may build the same image on one engine.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const job = bench.job(await bench.base(), [shell('echo "$1" > /same.txt', bench.run)]);
      const both = await Promise.all([bench.build(job), bench.another().build(job)]);
      const identities = both.map(({ output }) => output.identity);
      const seen = await bench.inspect({ key: job.key });
      hold(
        seen.seen === 'yes' && identities.includes(seen.value.identity),
        'The key leads to one of the images that were built for it',
        { seen, identities },
      );
    },
  },
]);

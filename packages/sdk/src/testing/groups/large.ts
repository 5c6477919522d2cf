/** A file of 1 GB: it goes through this process as a stream. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { digestFile } from '@rebake/image';
import { group, steps } from '../group.ts';
import { hold } from '../rules.ts';
import { run } from '../steps.ts';

const SIZE = 1024 ** 3;
const MOST_MEMORY = 300 * 1024 ** 2;
/** Milliseconds. */
const EVERY = 20;

/** Runs `work`, and watches how much memory this process has; returns by how many bytes it grew. */
async function growth(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), EVERY);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, process.memoryUsage.rss()) - before;
}

export const large = group('contexts', [
  {
    id: 'large',
    title: 'streams a file of 1 GB, in less than 300 MB of memory',
    why: 'Several builds run in one process, and models are large.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const root = bench.folder();
      const path = join(root, 'large.bin');
      const file = openSync(path, 'wx');
      // Its blocks are made where they are read: a file of zeros takes no room here.
      ftruncateSync(file, SIZE);
      const [head, tail] = [`head ${bench.run}`, `tail ${bench.run}`];
      writeSync(file, head, 0);
      writeSync(file, tail, SIZE - tail.length);
      closeSync(file);
      const files = { root, files: [{ path: 'large.bin', digest: await digestFile(path), exec: false }] };
      const script = `file=/mnt/large/large.bin
echo "$(stat -c %s $file) $(head -c ${head.length} $file) $(tail -c ${tail.length} $file)"`;
      const base = await bench.base();
      let log: readonly string[] = [];
      const grown = await growth(async () => {
        ({ log } = await bench.make(base, [run(['/bin/sh', '-euc', script], { files, mount: '/mnt/large' })]));
      });
      hold(log.includes(`${SIZE} ${head} ${tail}`), 'A large file arrives whole', log);
      hold(grown < MOST_MEMORY, 'A large file is streamed, and never in memory as a whole', `${grown} bytes more`);
    },
  },
]);

/** What a builder reports while it works. */
import type { Progress } from '../../event.ts';
import { group, steps } from '../group.ts';
import { within } from '../meeting.ts';
import { hold, same } from '../rules.ts';
import { copy, fileSet, run, shell } from '../steps.ts';

const LINES = 500;
/** Milliseconds. */
const LIVE = 30_000;

export const progress = group('progress', [
  {
    id: 'lines',
    title: 'reports every line that a step prints, in order, with the last one also where it has no end',
    why: 'The log is all that is left of a build; a line that is missing is the one that is looked for.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const script = `i=1; while [ $i -le ${LINES} ]; do echo "line $i ü"; i=$((i+1)); done; printf "line without end"`;
      const { log } = await bench.make(await bench.base(), [shell(script)]);
      const wanted = [...Array.from({ length: LINES }, (_one, index) => `line ${index + 1} ü`), 'line without end'];
      const lines = log.filter((line) => line.startsWith('line '));
      const wrong = wanted.findIndex((line, index) => lines[index] !== line);
      hold(wrong === -1, 'Lines arrive whole and in order', { wanted: wanted[wrong], seen: lines[wrong] });
      same(lines.length, wanted.length, 'Every line arrives once');
    },
  },
  {
    id: 'live',
    title: 'reports lines while the step still runs',
    why: 'Whoever waits for a build of ten minutes wants to see it work.',
    needs: steps('rootfs', 'run'),
    waiver: 'reason',
    async run(bench) {
      const meeting = await bench.meeting();
      const name = bench.key();
      const script = 'echo "waiting $1"; shift; exec "$@"';
      const seen = Promise.withResolvers<void>();
      const built = bench.make(await bench.base(), [shell(script, name, ...meeting.wait(name))], {
        onProgress: (one) => {
          if (one.type === 'log' && one.text === `waiting ${name}`) seen.resolve();
        },
      });
      try {
        await within(LIVE, Promise.race([seen.promise, built]), 'A line is reported while its step runs');
      } finally {
        await Promise.race([meeting.arrived(name), built]);
        meeting.release(name);
      }
      await built;
    },
  },
  {
    id: 'steps',
    title: 'counts steps upwards from 1, each with a name',
    why: 'Progress that jumps back is progress that nobody believes.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const { seen } = await bench.make(await bench.base(), [
        shell('echo one'),
        shell('echo two'),
        shell('echo three'),
      ]);
      const found = seen.filter((one): one is Extract<Progress, { type: 'step' }> => one.type === 'step');
      hold(found.length >= 3, 'Steps are reported', seen);
      same(
        found.map(({ index }) => index),
        found.map((_one, index) => index + 1),
        'Steps are counted from 1 without gaps',
      );
      const odd = found.find(({ index, of, name }) => name.trim() === '' || (of !== undefined && of < index));
      hold(odd === undefined, 'A step has a name, and is not beyond the number of all', odd);
    },
  },
  {
    id: 'bytes',
    title: 'counts bytes in whole numbers, and never backwards',
    why: 'They become a bar and a time that is left.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const text = `${bench.run}\n`.repeat(200_000);
      const seen: Progress[] = [];
      const onProgress = (one: Progress) => void seen.push(one);
      const files = fileSet(bench.folder(), { 'a.txt': text });
      await bench.make(await bench.small(), [copy(files, '/data')], { onProgress });
      const bytes = seen.filter((one): one is Extract<Progress, { type: 'bytes' }> => one.type === 'bytes');
      let before = 0;
      for (const { done, of } of bytes) {
        const isCount = Number.isSafeInteger(done) && (of === undefined || (Number.isSafeInteger(of) && of >= done));
        hold(isCount, 'Bytes are whole numbers, and not more than all of them', { done, of });
        hold(done >= before, 'Bytes never become less', { before, done });
        before = done;
      }
    },
  },
  {
    id: 'nothing-afterwards',
    title: 'reports nothing after the call has ended',
    why: 'The log is closed by then, and the node has its outcome.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      let late: Progress | undefined;
      const base = await bench.base();
      await bench.make(base, [shell('seq 1 2000')], { onLate: (one) => (late ??= one) });
      // Whatever else the builder does gives the late ones time to come.
      await bench.make(base, [run(['true'])]);
      hold(late === undefined, 'Nothing is reported for a call that has ended', late);
    },
  },
]);

/** Builds that fail: whose fault it is, in a code; whether trying again helps; and the words of whoever knows best. */
import { digestOfBytes } from '@rebake/image';
import type { Digest, Output, Step } from '@rebake/image';
import { candidateName } from '../../building/names.ts';
import type { Bench } from '../bench.ts';
import { logOf } from '../calls.ts';
import { group, steps } from '../group.ts';
import { hold, refused } from '../rules.ts';
import type { Progress } from '../../event.ts';
import { fragment, shell } from '../steps.ts';

const MOST_WORDS = 64 * 1024;
// oxlint-disable-next-line no-control-regex -- control characters are what must not be there
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

async function nothingUnder(bench: Bench, key: Digest): Promise<void> {
  const seen = await bench.inspect({ key });
  hold(seen.seen === 'no', 'After a failure nothing is under the key', seen);
}

export const failures = group('failures', [
  {
    id: 'step',
    title: 'says which exit code a step failed with and what it printed last, and builds on',
    why: 'Whoever mends a code env needs the words of pip, not “build failed”.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const key = bench.key();
      const script = 'for i in 1 2 3 4 5; do echo "line $i"; done; echo "what went wrong: größe" >&2; exit 42';
      const { words } = await refused(
        bench.make(await bench.base(), [shell(script)], { key }),
        { code: 'STEP_FAILED', retry: 'never' },
        'A step that fails is STEP_FAILED, and trying again does not help',
      );
      hold(words.includes('42'), 'The words of a failed step hold its exit code', words);
      hold(words.includes('what went wrong: größe'), 'The words of a failed step hold what it printed last', words);
      await nothingUnder(bench, key);
      await bench.make(await bench.base(), [shell('echo after > /after.txt')]);
    },
  },
  {
    id: 'long-output',
    title: 'keeps the end of a long output, in whole characters and within bounds',
    why: 'The end says why; a megabyte of it helps nobody and fills the state.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const script = `python3 -c 'for i in range(3000): print("日本語" * 40, i)'; echo "and this is why"; exit 1`;
      const { words } = await refused(
        bench.make(await bench.base(), [shell(script)]),
        { code: 'STEP_FAILED', retry: 'never' },
        'A step with a long output that fails is STEP_FAILED',
      );
      hold(words.includes('and this is why'), 'The end of a long output is kept', words.slice(-400));
      hold(words.length <= MOST_WORDS, 'The words of a failure are at most 64 KiB', words.length);
      hold(!words.includes('\uFFFD'), 'No character of an output is cut in two');
    },
  },
  {
    id: 'control-characters',
    title: 'lets no output of a step drive a terminal',
    why: 'Logs and failures are shown in terminals; an escape sequence can rewrite what was said before.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const seen: Progress[] = [];
      const script = `printf 'see \\033[31mred\\033[0m \\033]0;title\\007 here\\n'; printf 'a\\bb\\000c\\r\\n'; exit 1`;
      const { words } = await refused(
        bench.make(await bench.base(), [shell(script)], { onProgress: (progress) => void seen.push(progress) }),
        { code: 'STEP_FAILED' },
        'A step with control characters in its output that fails is STEP_FAILED',
      );
      hold(!CONTROL.test(words), 'No control character is in the words of a failure', words);
      const line = logOf(seen).find((text) => CONTROL.test(text) || text.includes('\n'));
      hold(line === undefined, 'Log lines are single lines without control characters', line);
      hold(
        logOf(seen).some((text) => text.includes('red')),
        'What can be shown of such an output is shown',
        seen,
      );
    },
  },
  {
    id: 'refused',
    title: 'says what the engine has against instructions that it does not know',
    why: 'A typing error in a fragment is the user’s to mend, and no reason to try again.',
    needs: steps('rootfs', 'fragment'),
    async run(bench) {
      const key = bench.key();
      const { words } = await refused(
        bench.make(await bench.base(), [fragment('NONSENSE x')], { key }),
        { code: ['BUILD_REFUSED', 'SPEC_INVALID'], retry: 'never' },
        'An unknown instruction is BUILD_REFUSED',
      );
      hold(words.includes('NONSENSE'), 'The words name the instruction', words);
      await nothingUnder(bench, key);
    },
  },
  {
    id: 'unknown-step',
    title: 'refuses a step that it has never heard of',
    why: 'A step that is left out in silence is an image that lacks what was planned.',
    async run(bench) {
      const { steps: known } = await bench.capabilities();
      const parent = known.some((step) => step.startsWith('rootfs@')) ? await bench.small() : null;
      const job = bench.job(parent, [{ step: 'of-the-future' } as never as Step]);
      await refused(
        bench.build(job),
        { code: ['STEP_UNSUPPORTED', 'SPEC_INVALID'], retry: ['never', 'elsewhere'] },
        'A step that a builder does not know is refused, and not left out',
      );
      await nothingUnder(bench, job.key);
    },
  },
  {
    id: 'parent-missing',
    title: 'refuses a parent that is not in the engine, or is another image by now, before anything runs',
    why: 'An engine that looks for a name elsewhere finds somebody else’s image.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const base = await bench.base();
      const { engine } = await bench.capabilities();
      const gone: Output = { identity: base.identity, at: [{ engine, name: candidateName(bench.key()) }] };
      const other: Output = { identity: digestOfBytes(bench.run), at: base.at };
      for (const parent of [gone, other, { ...base, at: [] }]) {
        const key = bench.key();
        await refused(
          bench.make(parent, [shell('true')], { key }),
          { code: 'PARENT_MISSING', retry: 'never' },
          'A parent that is not there as it was planned is PARENT_MISSING',
        );
        await nothingUnder(bench, key);
      }
    },
  },
]);

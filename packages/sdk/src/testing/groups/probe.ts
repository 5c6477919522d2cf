/** What a builder says about itself. */
import { hold, same } from '../rules.ts';
import { group } from '../group.ts';

const LACKS = ['engine-names', 'secrets', 'network', 'proxy'];

export const probe = group('probe', [
  {
    id: 'answers',
    title: 'says who its engine is and what it can do, in the form of the contract',
    why: 'Plans are made from this answer; the kernel refuses a builder whose answer it cannot read.',
    async run(bench) {
      const { engine, contents, steps, platforms, reproducible, lacks = [], parallel } = await bench.probe();
      hold(/^[\x21-\x7e]{1,256}$/.test(engine), 'The engine id is 1 to 256 printable characters', engine);
      hold(/^[a-z0-9][a-z0-9._-]{0,63}@[0-9]{1,6}$/.test(contents), 'The contents class is `name@number`', contents);
      hold(
        Array.isArray(steps) && steps.every((step) => /^[a-z][a-z-]*@[1-9][0-9]*$/.test(step)),
        'Steps are listed as `name@version`',
        steps,
      );
      hold(new Set(steps).size === steps.length, 'Each step is listed once', steps);
      hold(platforms.includes(bench.rig.platform), 'The platforms hold that of the rig', platforms);
      hold(typeof reproducible === 'boolean', '`reproducible` is true or false', reproducible);
      hold(
        lacks.every((lack) => LACKS.includes(lack)),
        'What is lacking is said in words that the kernel knows',
        lacks,
      );
      hold(
        parallel === undefined || (Number.isInteger(parallel) && parallel >= 1),
        '`parallel` is absent, or a whole number of at least 1',
        parallel,
      );
    },
  },
  {
    id: 'steady',
    title: 'says the same again, also from another builder object',
    why: 'Locations carry the engine id: one that changes makes every image of yesterday look lost.',
    async run(bench) {
      const first = await bench.probe();
      same(await bench.probe(), first, 'A builder says the same when it is probed again');
      same(await bench.another().probe(), first, 'Another builder over the same engine says the same');
    },
  },
]);

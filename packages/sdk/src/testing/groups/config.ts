/** The config of an image: what the spec says, verbatim, and what its parent had. */
import { group, steps } from '../group.ts';
import { hold, same } from '../rules.ts';
import { copy, fileSet, run, shell } from '../steps.ts';

/** Values that some notation or other takes for more than text. */
const VALUES: Readonly<Record<string, string>> = {
  QUOTES: `"double" and 'single'`,
  DOLLAR: '$HOME ${HOME} $$ $(id)',
  BACKSLASH: 'C:\\dir\\n\\',
  BACKTICK: '`id`',
  UNICODE: 'hällo 日本語 \u{1f600}',
  SPACES: '  before and after  ',
  HASH: '# no comment',
  EQUALS: 'a=b=c',
  PERCENT: '%s %d %%',
  JSON_TEXT: '{"a":["b"]}',
  COMMA: 'a,b;c|d&e',
  TAB: 'a\tb',
  EMPTY: '',
};

export const config = group('config', [
  {
    id: 'as-in-spec',
    title: 'gives the image the environment, user, working directory and entrypoint of the spec',
    why: 'DSS starts what the config of the image says.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const spec = {
        env: { GREETING: 'hello', PATHS: '/a:/b' },
        user: '1234:2345',
        workdir: '/srv/data',
        entrypoint: ['/bin/app', '--flag', 'x y'],
      };
      const step = copy(fileSet(bench.folder(), { 'a.txt': 'a' }), '/data');
      const { config: is } = await bench.read((await bench.make(await bench.small(), [step], { spec })).output);
      const { GREETING, PATHS } = is.env;
      same({ GREETING, PATHS }, spec.env, 'The environment is that of the spec');
      same(is.user, spec.user, 'The user is that of the spec');
      same(is.workdir, spec.workdir, 'The working directory is that of the spec');
      same(is.entrypoint, spec.entrypoint, 'The entrypoint is that of the spec');
    },
  },
  {
    id: 'verbatim',
    title: 'takes values with quotes, dollars, backslashes and other signs as they are',
    why: 'A value that is read as more than text is a broken image at best, and a way in at worst.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const entrypoint = ['/bin/app', ...Object.values(VALUES), 'two\nlines', '<<EOF'];
      const step = copy(fileSet(bench.folder(), { 'a.txt': 'a' }), '/data');
      const { output } = await bench.make(await bench.small(), [step], { spec: { env: VALUES, entrypoint } });
      const { config: is } = await bench.read(output);
      const env = Object.fromEntries(Object.keys(VALUES).map((name) => [name, is.env[name]]));
      same(env, VALUES, 'Values of the environment arrive verbatim');
      same(is.entrypoint, entrypoint, 'Arguments of the entrypoint arrive verbatim');
    },
  },
  {
    id: 'inherited',
    title: 'leaves of the parent’s config what the spec does not speak of',
    why: 'A child image is its parent and its own steps.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const spec = { env: { KEPT: 'yes', CHANGED: 'no' }, workdir: '/kept', entrypoint: ['/bin/kept'] };
      const step = () => copy(fileSet(bench.folder(), { 'a.txt': 'a' }), '/data');
      const parent = (await bench.make(await bench.small(), [step()], { spec })).output;
      const child = (await bench.make(parent, [step()], { spec: { env: { CHANGED: 'yes' } } })).output;
      const { config: is } = await bench.read(child);
      same(is.env['KEPT'], 'yes', 'The parent’s environment stays');
      same(is.env['CHANGED'], 'yes', 'The spec’s environment goes before the parent’s');
      same(is.workdir, spec.workdir, 'The parent’s working directory stays');
      same(is.entrypoint, spec.entrypoint, 'The parent’s entrypoint stays');
    },
  },
  {
    id: 'build-env',
    title: 'sets the build environment while steps run, and empties it in the finished image',
    why: 'What a build needs is nothing that a run has to see; and what a run needs must not change the build.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const spec = {
        buildEnv: { BUILD_ONLY: bench.run, BOTH: 'building' },
        env: { BOTH: 'built', FINAL: 'built' },
      };
      const step = shell('echo "[$BUILD_ONLY] [$BOTH] [${FINAL-unset}]"');
      const { output, log } = await bench.make(await bench.base(), [step], { spec });
      hold(
        log.includes(`[${bench.run}] [building] [unset]`),
        'While steps run, `buildEnv` is set, and `env` is not',
        log,
      );
      const { env } = (await bench.read(output)).config;
      hold((env['BUILD_ONLY'] ?? '') === '', 'The finished image has nothing of `buildEnv`', env);
      same(
        [env['BOTH'], env['FINAL']],
        ['built', 'built'],
        'The finished image has `env`, also where `buildEnv` had it',
      );
    },
  },
  {
    id: 'root-while-building',
    title: 'runs steps as root, whatever the parent’s user is',
    why: 'Steps install things; a base that ends with a user of its own is the rule.',
    needs: steps('rootfs', 'run', 'copy'),
    async run(bench) {
      const step = copy(fileSet(bench.folder(), { 'a.txt': 'a' }), '/data');
      const parent = (await bench.make(await bench.base(), [step], { spec: { user: '1234:1234' } })).output;
      const { output, log } = await bench.make(parent, [run(['id', '-u'])], { spec: { user: '1234:1234' } });
      hold(log.includes('0'), 'Steps run as root', log);
      same((await bench.read(output)).config.user, '1234:1234', 'The finished image has the user of the spec');
    },
  },
]);

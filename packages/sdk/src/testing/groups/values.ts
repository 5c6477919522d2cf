/** Values that no image can have, or that are something else than they look: refused, in one code, before anything runs. */
import type { ImageSpec, Step } from '@rebake/image';
import type { Bench } from '../bench.ts';
import { group, offers, steps } from '../group.ts';
import { hold, refused } from '../rules.ts';
import { copy, fileSet, fragment, run } from '../steps.ts';

/** Builds what cannot be, each under a key of its own. */
async function allRefused(
  bench: Bench,
  cases: Readonly<Record<string, { readonly steps?: readonly Step[]; readonly spec?: Partial<ImageSpec> }>>,
): Promise<void> {
  const parent = await bench.small();
  for (const [what, { steps: own = [], spec = {} }] of Object.entries(cases)) {
    const key = bench.key();
    await refused(
      bench.make(parent, own, { key, spec: { buildEnv: {}, ...spec } }),
      { code: 'SPEC_INVALID', retry: 'never' },
      `${what} is refused as SPEC_INVALID`,
    );
    const seen = await bench.inspect({ key });
    hold(seen.seen === 'no', `After a refusal (${what}) nothing is under the key`, seen);
  }
}

export const values = group('values', [
  {
    id: 'config',
    title: 'refuses line ends in the environment, and names, users and paths that are none',
    why: 'A line end in a value is an instruction of somebody else’s.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const own = [copy(fileSet(bench.folder(), { 'a.txt': 'a' }), '/data')];
      const specs: Readonly<Record<string, Partial<ImageSpec>>> = {
        'A line end in a value': { env: { A: 'a\nUSER root' } },
        'A carriage return in a value': { env: { A: 'a\rUSER root' } },
        'A variable name with a space': { env: { 'A B': 'a' } },
        'A variable name with an equals sign': { env: { 'A=B': 'a' } },
        'An empty variable name': { env: { '': 'a' } },
        'A line end in the build environment': { buildEnv: { A: 'a\nUSER root' } },
        'A user that is an option': { user: '--privileged' },
        'A user with a line end': { user: 'root\nRUN id' },
        'A relative working directory': { workdir: 'relative' },
        'A working directory that climbs': { workdir: '/a/../b' },
        'An empty entrypoint': { entrypoint: [] },
        'A NUL in the entrypoint': { entrypoint: ['/bin/a', 'b\0c'] },
      };
      await allRefused(
        bench,
        Object.fromEntries(Object.entries(specs).map(([what, spec]) => [what, { steps: own, spec }])),
      );
    },
  },
  {
    id: 'copy',
    title: 'refuses targets and owners of copies that are none',
    why: 'An owner with a dash in front is an option to chown.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const files = fileSet(bench.folder(), { 'a.txt': 'a' });
      await allRefused(bench, {
        'A relative target': { steps: [copy(files, 'data')] },
        'A target that climbs': { steps: [copy(files, '/data/../..')] },
        'A target with a line end': { steps: [copy(files, '/data\nRUN id')] },
        'An owner that is an option': { steps: [copy(files, '/data', '-R')] },
        'An owner with a space': { steps: [copy(files, '/data', '0:0 --from=x')] },
      });
    },
  },
  {
    id: 'run',
    title: 'refuses commands, mounts and environments of commands that are none',
    why: 'A mount point with a comma is a second option of the mount.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const files = fileSet(bench.folder(), { 'a.txt': 'a' });
      await allRefused(bench, {
        'No command at all': { steps: [run([])] },
        'An empty command': { steps: [run([''])] },
        'A NUL in an argument': { steps: [run(['echo', 'a\0b'])] },
        'A relative folder for a command': { steps: [run(['id'], { workdir: 'relative' })] },
        'A variable name with a space for a command': { steps: [run(['id'], { env: { 'A B': 'x' } })] },
        'A mount with a second option': { steps: [run(['id'], { files, mount: '/mnt/a,type=secret' })] },
      });
    },
  },
  {
    id: 'user',
    title: 'refuses users that no system can have',
    why: 'A user name with a dash in front is an option to useradd.',
    needs: steps('rootfs', 'user'),
    async run(bench) {
      const user = { step: 'user', name: 'someone', uid: 1234, gid: 1234, home: '/home/someone' } as const;
      await allRefused(bench, {
        'A name that is an option': { steps: [{ ...user, name: '--system' }] },
        'A name with a colon': { steps: [{ ...user, name: 'a:b' }] },
        'A negative uid': { steps: [{ ...user, uid: -1 }] },
        'A uid that is no whole number': { steps: [{ ...user, uid: 1.5 }] },
        'A relative home': { steps: [{ ...user, home: 'home' }] },
      });
    },
  },
  {
    id: 'system-packages',
    title: 'refuses names of system packages that are options or commands',
    why: 'A package name with a dash in front is an option to a package manager that runs as root.',
    needs: steps('rootfs', 'system-packages'),
    async run(bench) {
      const names = (name: string) => ({
        steps: [{ step: 'system-packages', family: 'debian', names: [name] } as const],
      });
      await allRefused(bench, {
        'A package that is an option': names('--allow-unauthenticated'),
        'A package that is a setting': names('-oAPT::Update::Pre-Invoke::=id'),
        'A package that is a path': names('/tmp/a.deb'),
        'A package that is a command': names('a;id'),
        'An empty package': names(''),
      });
    },
  },
  {
    id: 'python-packages',
    title: 'refuses requirements that are more than one line',
    why: 'A second line of a requirement is an option to pip.',
    needs: steps('rootfs', 'python-env'),
    async run(bench) {
      const env = { step: 'python-env', prefix: '/opt/env', interpreter: '3.11', bytecode: false } as const;
      await allRefused(bench, {
        'A requirement of two lines': { steps: [{ ...env, packages: { requirements: ['a\n--index-url x'] } }] },
        'An interpreter that is none': { steps: [{ ...env, packages: { requirements: [] }, interpreter: '3 -c id' }] },
        'A prefix that climbs': { steps: [{ ...env, packages: { requirements: [] }, prefix: '/opt/../..' }] },
      });
    },
  },
  {
    id: 'fragment',
    title: 'refuses fragments that begin another image',
    why: 'Steps after a FROM of a user’s would go onto an image that nobody planned.',
    needs: steps('rootfs', 'fragment'),
    async run(bench) {
      await allRefused(bench, {
        'A FROM in a fragment': { steps: [fragment('RUN true\nFROM scratch\n')] },
      });
    },
  },
  {
    id: 'names',
    title: 'refuses names of images that are none, and does nothing of what they say',
    why: 'Names come from declarations and state files, and go into paths and command lines.',
    needs: [...steps('rootfs', 'copy'), ...offers('engine-names')],
    async run(bench) {
      const image = await bench.makeUnique();
      const { engine } = await bench.capabilities();
      for (const name of ['--help', '../../info', 'a b:c', 'a:b:c', 'a:--force', 'a?force=1', '', 'a\n:b']) {
        const rule = `The name ${JSON.stringify(name)} is refused`;
        await refused(bench.tag(image, name), { retry: 'never' }, rule);
        const seen = await bench.inspect({ engine, name });
        hold(seen.seen !== 'yes', `Nothing is found under the name ${JSON.stringify(name)}`, seen);
      }
      const to = { registry: '--tls-verify=false', repository: 'a', key: bench.key() };
      await refused(bench.push(image, to), { retry: 'never' }, 'A registry that is an option is refused');
      const { address: registry } = bench.rig.registries.plain;
      const wrong = { registry, repository: '../a', key: bench.key() };
      await refused(bench.push(image, wrong), { retry: 'never' }, 'A repository that climbs is refused');
    },
  },
]);

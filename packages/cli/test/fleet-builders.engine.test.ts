/**
 * One declaration, four builders: what is in the code env does not depend on who built it. Docker, Podman and BuildKit come with rebake; Buildah is
 * the example of a builder of one's own, loaded from its file.
 */
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetMachine, type Machine } from './fleet-rig.ts';

const LONG = 1_800_000;
const CUSTOM = resolve(import.meta.dirname, '../../../examples/custom-builder/buildah.ts');
/** The env with the most that is compiled, on one base. All envs: `FLEET_ENVS=glm,pulse,… npx vitest …`. */
const ENVS = (process.env['FLEET_ENVS'] ?? 'glm').split(',');

/** What may differ between builders below the code env, each with its reason. */
const DIFFERENCES: readonly { readonly path: RegExp; readonly reason: string }[] = [];

/** Path → type, mode, owner and contents of all that is below the code env, listed by its own Python. */
const LIST = `
import hashlib, json, os, stat
found = {}
for top, folders, files in os.walk('/opt/dataiku/code-env'):
    for name in folders + files:
        path = os.path.join(top, name)
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode): what = 'link ' + os.readlink(path)
        elif stat.S_ISDIR(status.st_mode): what = 'folder'
        else: what = hashlib.sha256(open(path, 'rb').read()).hexdigest()
        found[path] = f'{what} {stat.S_IMODE(status.st_mode):o} {status.st_uid}:{status.st_gid}'
print(json.dumps(found))
`;

type Listing = Readonly<Record<string, string>>;

describeEngine(
  'the example fleet, built by',
  ['docker', 'podman', 'buildkit', 'buildah', 'rootfs', 'plain', 'tls'],
  (state) => {
    const { cli } = state.buildah;
    const builders: Readonly<Record<string, string>> = {
      docker: "builders: { default: 'docker' }",
      podman: "builders: { default: 'podman' }",
      buildkit: "builders: { default: 'buildkit' }",
      buildah: `plugins: [${JSON.stringify(CUSTOM)}],
  builders: { default: { type: 'buildah', options: { command: ${JSON.stringify(cli)} } } }`,
    };
    const machines = new Map<string, Machine>();
    const listings = new Map<string, ReadonlyMap<string, Listing>>();
    const mark = randomBytes(4).toString('hex');

    beforeAll(async () => {
      for (const [name, text] of Object.entries(builders)) {
        const machine = await fleetMachine(state, `builders-${mark}/${name}`, ENVS);
        machine.write(
          'rebake.config.ts',
          machine.read('rebake.config.ts').replace('builders: { default: FLEET_BUILDER }', text),
        );
        machines.set(name, machine);
      }
    });
    afterAll(() => {
      for (const machine of machines.values()) machine[Symbol.dispose]();
    });

    it.each(Object.keys(builders))('%s', { timeout: LONG }, async (name) => {
      const machine = machines.get(name);
      if (machine === undefined) throw new Error(`no machine for ${name}`);
      const targets = ENVS.flatMap((env) => ['--target', `${env}@python+`]);
      const ran = await machine.rebake('apply', '--auto-approve', ...targets);
      expect(`${ran.code} ${ran.err}`).toBe('0 ');
      const found = new Map<string, Listing>();
      for (const env of ENVS) {
        const { out } = await machine.rebake('resolve', '--env', env, '--config', configOf(env));
        found.set(env, await list(machine, out.trim()));
      }
      listings.set(name, found);
    });

    describe('has the same below /opt/dataiku/code-env, but for a documented list, as that of docker when built by', () => {
      it.each(Object.keys(builders).slice(1))('%s', (name) => {
        for (const env of ENVS) {
          const [one, other] = [listings.get('docker')?.get(env) ?? {}, listings.get(name)?.get(env) ?? {}];
          expect(Object.keys(one).length).toBeGreaterThan(100);
          expect(differences(one, other)).toEqual([]);
        }
      });
    });
  },
);

/** A container config of each env that stands on the base `python`. */
function configOf(env: string): string {
  return env === 'movies' ? 'cpu-us' : 'cpu-eu';
}

async function list(machine: Machine, reference: string): Promise<Listing> {
  const image = reference.replace(/:dss-[\d.]+@/, '@');
  const python = join('/opt/dataiku/code-env/bin/python');
  const run = ['run', '--rm', '--network', 'none', '--user', '0', '--entrypoint', python, image, '-B', '-c', LIST];
  return JSON.parse(await machine.docker(...run)) as Listing;
}

function differences(one: Listing, other: Listing): readonly string[] {
  const paths = [...new Set([...Object.keys(one), ...Object.keys(other)])].toSorted();
  return paths
    .filter((path) => one[path] !== other[path] && !DIFFERENCES.some((known) => known.path.test(path)))
    .map((path) => `${path}: ${one[path] ?? 'missing'} / ${other[path] ?? 'missing'}`);
}

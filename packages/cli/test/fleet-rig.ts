/** The example fleet on real engines: part of its envs, its own config file, and the real command as its own process. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { EnginesState } from '@rebake/tool-engines';

const exec = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../../..');
const LAUNCHER = join(ROOT, 'packages/cli/src/launcher.ts');

/** What a command came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One machine with a checkout of the fleet: its folder, and commands run there. */
export interface Machine extends Disposable {
  readonly dir: string;
  rebake(...args: readonly string[]): Promise<Ran>;
  docker(...args: readonly string[]): Promise<string>;
  read(path: string): string;
  write(path: string, text: string): void;
  /** Another machine with the same declaration and no state; the engine is the same. */
  clone(): Machine;
}

/** Config of the example with the named envs only, and its registries under a path of this test's own. */
function partOfTheFleet(text: string, envs: readonly string[], path: string): string {
  const blocks = /^ {4}'?([\w-]+)'?: \{(?:.*\},|\n(?: {6}.*\n)+ {4}\},)\n/gm;
  const [head = '', rest = ''] = text.split('  codeEnvs: {\n');
  const end = rest.indexOf('\n  },\n');
  const kept = rest.slice(0, end + 1).replace(blocks, (block, name: string) => (envs.includes(name) ? block : ''));
  // The biggest env on one base only: building it twice more would show nothing new, and takes a minute each time.
  const light = kept.replace(
    "containerConfigs: 'all',\n      jupyter",
    "containerConfigs: ['cpu-eu', 'cpu-us'],\n      jupyter",
  );
  return `${head.replaceAll('/dss`', `/${path}\``)}  codeEnvs: {\n${light}${rest.slice(end + 1)}`;
}

/** Sets a machine up. `path`: where in the registries its images go. */
export async function fleetMachine(engines: EnginesState, path: string, envs: readonly string[]): Promise<Machine> {
  const dir = mkdtempSync(join(tmpdir(), 'rebake-fleet-'));
  const example = join(ROOT, 'examples/fleet');
  for (const part of ['envs', 'certs', 'kits']) cpSync(join(example, part), join(dir, part), { recursive: true });
  await copyFile(engines.rootfs.path, join(dir, 'bookworm.tar'));
  await copyFile(engines.registries.tls.ca, join(dir, 'us-ca.pem'));
  writeFileSync(
    join(dir, 'rebake.config.ts'),
    partOfTheFleet(readFileSync(join(example, 'rebake.config.ts'), 'utf8'), envs, path),
  );
  return machineIn(dir, engines);
}

function machineIn(dir: string, engines: EnginesState): Machine {
  const env = {
    ...process.env,
    DOCKER_HOST: engines.docker.host,
    DOCKER_CONFIG: engines.docker.configDir,
    FLEET_EU: engines.registries.plain.address,
    FLEET_US: engines.registries.tls.address,
    FLEET_US_CA: './us-ca.pem',
    FLEET_BUILD_CA: engines.ca.path,
    CONTAINER_HOST: engines.podman.host,
    BUILDKIT_HOST: engines.buildkit.address,
    NO_COLOR: '1',
  };
  const run = async (file: string, args: readonly string[]): Promise<Ran> => {
    try {
      const { stdout, stderr } = await exec(file, args, { cwd: dir, env, maxBuffer: 2 ** 28 });
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  };
  return {
    dir,
    rebake: (...args) => run(process.execPath, ['--conditions=@rebake/source', LAUNCHER, ...args]),
    docker: async (...args) => {
      const { code, out, err } = await run(engines.docker.cli, args);
      if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${err}`);
      return out;
    },
    read: (path) => readFileSync(join(dir, path), 'utf8'),
    write: (path, text) => writeFileSync(join(dir, path), text),
    clone: () => {
      const copy = mkdtempSync(join(tmpdir(), 'rebake-fleet-'));
      cpSync(dir, copy, { recursive: true, filter: (source) => !source.startsWith(join(dir, '.rebake')) });
      return machineIn(copy, engines);
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

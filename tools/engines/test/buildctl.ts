// buildctl on the rootfs, for the tests beside it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { EnginesState } from '../src/index.ts';

/** What buildctl has printed, as it prints it. */
export type Watch = (printed: string) => void;

/** Builds `steps` on the rootfs at the daemon, and gives what buildctl prints. */
export async function build(
  { buildkit, docker, rootfs }: EnginesState,
  address: string,
  steps: string,
  options: readonly string[] = [],
  watch?: Watch,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rebake-engines-'));
  try {
    writeFileSync(join(folder, 'Dockerfile'), `FROM scratch\nADD ${basename(rootfs.path)} /\n${steps}`);
    const locals = ['--local', `context=${dirname(rootfs.path)}`, '--local', `dockerfile=${folder}`];
    const args = ['--addr', address, 'build', '--progress', 'plain', '--frontend', 'dockerfile.v0', ...locals];
    const env = { ...process.env, DOCKER_CONFIG: docker.configDir };
    const child = spawn(buildkit.buildctl, [...args, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        printed += chunk;
        watch?.(printed);
      });
    }
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(printed);
    return printed;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

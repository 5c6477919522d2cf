/**
 * Ends what runs in a build. Podman (up to 5.8 at least) does not: when the client goes, a RUN that is running runs on, and one that prints stays
 * for ever. So the RUN is killed, and Podman, with its client still there, takes the build for failed and cleans up after it.
 *
 * Its processes are known by a text that no other has in its /etc/hosts or its environment. What looks for them is a container of the machine's own
 * tools in the machine's own process table: nothing of an image is run in it, since it may do all that the service may.
 */
import type { Podman } from './podman.ts';

/** Arguments: the text. */
const SCRIPT = `rounds=0
while [ "$rounds" -lt 100 ]; do
  for file in $(grep -lsF -e "$1" /proc/[0-9]*/environ /proc/[0-9]*/root/etc/hosts); do
    process=\${file#/proc/}
    kill -KILL "\${process%%/*}"
  done
  rounds=$((rounds + 1))
  sleep 0.2 || sleep 1
done`;

/** An empty tar: two blocks of zeros. */
const EMPTY_TAR = new Uint8Array(1024);

/** Where a shell and its libraries are; the last is not there on every machine. */
const TOOLS = ['/usr', '/bin', '/lib', '/lib64'];

/** Kills what has the text, again and again until the promise settles. Rejects where that cannot be done here. */
export async function stopSteps(podman: Podman, text: string, until: Promise<unknown>): Promise<void> {
  const { signal } = new AbortController();
  const image = await podman.importImage(EMPTY_TAR, signal);
  try {
    const container = await start(podman, image, text, signal);
    await until.catch(() => undefined);
    await podman.discard('containers', container);
  } finally {
    await podman.discard('images', image);
  }
}

async function start(podman: Podman, image: string, text: string, signal: AbortSignal): Promise<string> {
  try {
    return await podman.run(specOf(image, text, TOOLS), signal);
  } catch {
    return podman.run(specOf(image, text, TOOLS.slice(0, -1)), signal);
  }
}

function specOf(image: string, text: string, tools: readonly string[]): Readonly<Record<string, unknown>> {
  const host = { nsmode: 'host' };
  return {
    image,
    name: `rebake-stop-${crypto.randomUUID()}`,
    entrypoint: ['/bin/sh'],
    command: ['-c', SCRIPT, 'sh', text],
    mounts: tools.map((path) => ({ type: 'bind', source: path, destination: path, options: ['ro', 'rbind'] })),
    pidns: host,
    userns: host,
    netns: { nsmode: 'none' },
    privileged: true,
    // A privileged container otherwise asks for limits that not every machine grants.
    r_limits: ['nofile', 'nproc'].map((type) => ({ type, soft: 1024, hard: 1024 })),
    // In case that nobody is there any more to remove it.
    remove: true,
  };
}

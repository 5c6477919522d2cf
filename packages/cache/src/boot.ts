/** Which boot of this machine it is: what was written in an earlier one may never have reached the disk. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { promisify } from 'node:util';

const LINUX = '/proc/sys/kernel/random/boot_id';
const MINUTE_MS = 60_000;

export async function bootId(): Promise<string> {
  try {
    if (process.platform === 'darwin') {
      const { stdout } = await promisify(execFile)('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']);
      return stdout.trim();
    }
    return (await readFile(LINUX, 'utf8')).trim();
  } catch {
    // The minute in which it began: a clock that is set makes it another one, and then blobs are hashed once more.
    return `minute ${Math.round((Date.now() - uptime() * 1000) / MINUTE_MS)}`;
  }
}

// Daemons and hosts that a test owns: they can be killed, hung and cut off, and leave nothing behind.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { isServing, startBuildkitd, startHosts } from '../src/index.ts';
import { describeEngine } from '../src/vitest.ts';
import { build } from './buildctl.ts';

const roots: string[] = [];

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

function newRoot(): string {
  const made = mkdtempSync(join(tmpdir(), 'rebake engines-'));
  roots.push(made);
  return made;
}

const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8').replaceAll('\\040', ' ');
const processes = (): string => execFileSync('ps', ['-e', '-o', 'args='], { encoding: 'utf8' });
const links = (): string => execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' });

describeEngine('a daemon of a test’s own', ['buildkit', 'rootfs', 'tls'], (state) => {
  test('killed within a step, it leaves no mounts and no processes, and one on the same root has its cache', async () => {
    const root = newRoot();
    const daemon = await startBuildkitd({ root });
    const mark = `sleep ${Date.now()}`;
    const began = Promise.withResolvers<void>();
    const broken = build(state, daemon.address, `RUN echo the step has begun && ${mark}\n`, [], (printed) => {
      if (/\d the step has begun/.test(printed)) began.resolve();
    });
    const failed = expect(broken).rejects.toThrow(/error reading from server|EOF|connection/);
    await Promise.race([began.promise, failed]);
    expect(mounts()).toContain(root);
    expect(processes()).toContain(mark);
    await daemon.kill();
    await failed;
    expect(mounts()).not.toContain(root);
    expect(processes()).not.toContain(mark);
    await using next = await startBuildkitd({ root });
    expect(await build(state, next.address, 'RUN true\n')).toMatch(/ADD .*\n#\d+ CACHED/);
  });

  test('hung, it answers no more, and goes on when it may', async () => {
    await using daemon = await startBuildkitd({ root: newRoot() });
    process.kill(daemon.pid, 'SIGSTOP');
    expect(await isServing(daemon.address, undefined, 300)).toBe(false);
    process.kill(daemon.pid, 'SIGCONT');
    expect(await isServing(daemon.address, undefined, 10_000)).toBe(true);
  });

  test('takes mTLS, on a free port', async () => {
    const { tls } = state.buildkit;
    const options = { root: newRoot(), address: 'tcp://127.0.0.1:0', tls: { ca: tls.ca, ...tls.server } };
    await using daemon = await startBuildkitd(options);
    expect(await isServing(daemon.address, tls, 10_000)).toBe(true);
    expect(await isServing(daemon.address, { ...tls, ca: tls.otherCa }, 10_000)).toBe(false);
  });

  test('says why it did not start', async () => {
    const options = { root: newRoot(), config: '[worker.oci]' };
    await expect(startBuildkitd(options)).rejects.toThrow('table oci already exists');
  });
});

describeEngine('hosts', ['buildkit', 'rootfs'], (state) => {
  test('build in their own networks, push to a registry of theirs, and one can be killed and cut off', async () => {
    const hosts = await startHosts({ root: newRoot(), count: 2 });
    const [one, two] = hosts.hosts;
    if (one === undefined || two === undefined) throw new Error('two hosts were asked for');
    const steps = 'RUN cat /proc/net/fib_trie > /routes\nRUN cat /routes\nFROM scratch\nCOPY --from=0 /routes /\n';
    for (const host of [one, two]) {
      const { hostname } = new URL(host.address);
      const image = `${hosts.registry.address}/hosts/${hostname}:1`;
      const log = await build(state, host.address, steps, ['--output', `type=image,name=${image},push=true`]);
      expect(log).toContain(`-- ${hostname}`);
      const tags = await fetch(`${hosts.registry.url}/v2/hosts/${hostname}/tags/list`);
      expect(await tags.json()).toMatchObject({ tags: ['1'] });
    }
    await one.kill();
    expect(await isServing(one.address, undefined, 1000)).toBe(false);
    expect(await isServing(two.address, undefined, 10_000)).toBe(true);
    await one.start();
    expect(await isServing(one.address, undefined, 10_000)).toBe(true);
    await two.unplug();
    expect(await isServing(two.address, undefined, 300)).toBe(false);
    await two.plug();
    expect(await isServing(two.address, undefined, 10_000)).toBe(true);
    // Others may have hosts at the same time: the third number of the addresses is that of the link.
    const link = `rebake${hosts.registry.address.split('.')[2]}@`;
    expect(links()).toContain(link);
    await hosts.stop();
    expect(links()).not.toContain(link);
  });
});

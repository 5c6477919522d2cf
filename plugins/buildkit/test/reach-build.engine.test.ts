/** Builds through ssh and kubectl: images that come back, connections that break, and programs that end while one is open. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Builder } from '@rebake/sdk';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { plugin } from '../src/index.ts';
import { ctxFor, jobOf, keyOf, logOf, once, run, temporaryFolder, tinyJob } from './kit.ts';

describeEngine('builds far away', ['buildkit', 'ssh', 'kube', 'rootfs', 'plain', 'auth', 'tls', 'token'], (state) => {
  const folder = temporaryFolder();
  const ctx = ctxFor(state);
  const bin = join(folder, 'bin');
  const MARK = `REBAKE_TEST_RUN=${run}`;
  const env = {
    ...process.env,
    REBAKE_TEST_RUN: run,
    KUBECONFIG: state.kube.kubeconfig,
    PATH: `${bin}:${process.env['PATH']}`,
  };

  beforeAll(() => {
    // The ssh of a user whose config knows the machine.
    mkdirSync(bin);
    writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${state.ssh.config}' "$@"\n`);
    chmodSync(join(bin, 'ssh'), 0o755);
  });

  /** Processes of a tool that this test, or a program of it, has started. */
  const connections = (tool: string) =>
    readdirSync('/proc').flatMap((pid) => {
      try {
        const [name = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(MARK);
        return name.split('/').at(-1) === tool && isOurs ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });

  describe.each([
    ['ssh', `ssh://${state.ssh.alias}`],
    ['kubectl', `kube-pod://${state.kube.pod}`],
  ])('through %s', (tool, address) => {
    const open = async (): Promise<Builder> => {
      const kind = plugin.builders['buildkit']!;
      const { value, issues } = (await kind.options['~standard'].validate({ address })) as {
        value?: never;
        issues?: unknown;
      };
      if (issues) throw new Error(JSON.stringify(issues));
      return kind.create(value as never, { dir: join(folder, tool), env });
    };

    it('give images, and leave no connection behind', async () => {
      const builder = await open();
      try {
        const base = await builder.build(tinyJob(state, folder, `${tool} base`), ctx());
        const seen = ctx();
        const built = await builder.build(jobOf(`${tool} child`, base, [once(`echo from afar by ${tool}`)]), seen);
        expect(logOf(seen.seen)).toContain(`from afar by ${tool}`);
        expect(await builder.inspect({ key: keyOf(`${tool} child`) }, ctx())).toMatchObject({
          seen: 'yes',
          value: { identity: built.identity },
        });
      } finally {
        await builder.close();
      }
      await expect.poll(() => connections(tool)).toEqual([]);
    });

    it('are lost with their connection, and the next one goes on', async () => {
      const builder = await open();
      try {
        const base = await builder.build(tinyJob(state, folder, `${tool} base`), ctx());
        const seen = ctx({
          onProgress: (progress) => {
            if (progress.type !== 'log' || progress.text !== 'asleep') return;
            for (const pid of connections(tool)) process.kill(pid, 'SIGKILL');
          },
        });
        const job = jobOf(`${tool} lost`, base, [once('echo asleep && exec sleep 100000')]);
        await expect(builder.build(job, seen)).rejects.toMatchObject({
          error: { code: 'ENGINE_LOST', retry: 'backoff' },
        });
        await builder.build(jobOf(`${tool} again`, base, [once(`echo again by ${tool}`)]), ctx());
      } finally {
        await builder.close();
      }
      await expect.poll(() => connections(tool)).toEqual([]);
    });

    it('do not keep a program from its end that has nothing more to do', async () => {
      const script = `
        import { plugin } from './src/index.ts';
        const kind = plugin.builders.buildkit;
        const { value } = await kind.options['~standard'].validate({ address: ${JSON.stringify(address)} });
        const builder = kind.create(value, { dir: ${JSON.stringify(join(folder, 'program'))}, env: process.env });
        const { platforms } = await builder.probe({ signal: new AbortController().signal });
        console.log(platforms.join());
      `;
      const args = ['--conditions=@rebake/source', '--input-type=module', '--eval', script];
      const options = { cwd: join(import.meta.dirname, '..'), env, encoding: 'utf8', timeout: 30_000 } as const;
      expect(execFileSync(process.execPath, args, options).trim()).toMatch(/^linux\//);
      await expect.poll(() => connections(tool)).toEqual([]);
    });
  });
});

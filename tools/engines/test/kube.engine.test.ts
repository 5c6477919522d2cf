// The machine's own kubectl takes the stand-in for a cluster: it finds the pod, and executes in it.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { describeEngine } from '../src/vitest.ts';

const run = promisify(execFile);
const cache = mkdtempSync(join(tmpdir(), 'rebake-engines-'));

afterAll(() => rmSync(cache, { recursive: true }));

describeEngine('kube', ['kube', 'buildkit'], ({ kube }) => {
  const options = ['--kubeconfig', kube.kubeconfig, '--cache-dir', cache];
  const kubectl = async (...args: readonly string[]): Promise<string> =>
    (await run(kube.kubectl, [...options, ...args])).stdout;

  test('has one pod', async () => {
    const { namespace, pod } = kube;
    expect(await kubectl('get', 'pod', pod, '--namespace', namespace, '--output', 'jsonpath={.status.phase}')).toBe(
      'Running',
    );
    await expect(kubectl('get', 'pod', 'other')).rejects.toThrow('pods "other" not found');
    await expect(kubectl('get', 'pod', pod, '--namespace', 'other')).rejects.toThrow('namespaces "other" not found');
    await expect(kubectl('exec', pod, '--container', 'other', '--', 'true')).rejects.toThrow('container other');
  });

  test('executes buildctl, which finds its daemon', async () => {
    const workers = await kubectl(
      'exec',
      kube.pod,
      '--container',
      kube.container,
      '--',
      'buildctl',
      'debug',
      'workers',
    );
    expect(workers).toContain('linux/');
  });

  test('tells the exit code, and what cannot be executed', async () => {
    await expect(kubectl('exec', kube.pod, '--', 'sh', '-c', 'exit 7')).rejects.toMatchObject({ code: 7 });
    await expect(kubectl('exec', kube.pod, '--', 'no-such-program')).rejects.toThrow('executable file not found');
  });

  test('carries bytes in both directions, until either side ends', async () => {
    const child = spawn(kube.kubectl, [...options, 'exec', '-i', kube.pod, '--', 'buildctl', 'dial-stdio']);
    child.stdin.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
    // The daemon's first frame is SETTINGS, type 4 of HTTP/2.
    const [first] = (await once(child.stdout, 'data')) as [Buffer];
    expect(first[3]).toBe(4);
    child.stdin.end();
    await once(child, 'exit');

    const cat = spawn(kube.kubectl, [...options, 'exec', '-i', kube.pod, '--', 'head', '-c', '1000000']);
    let received = 0;
    cat.stdout.on('data', (chunk: Buffer) => (received += chunk.length));
    cat.stdin.on('error', () => undefined);
    cat.stdin.write(Buffer.alloc(1_000_000));
    // Its input stays open: the command's end is what ends it.
    const [code] = (await once(cat, 'close')) as [number];
    expect({ code, received }).toEqual({ code: 0, received: 1_000_000 });
  });
});

/** Files on their way to a real daemon: once, whoever uses them; as they were chosen; without what no digest speaks of. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes } from '@rebake/image';
import type { ContextFile } from '@rebake/image';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { describe, expect, it } from 'vitest';
import { build, daemonAt, onShell, RUN, shellFiles, temporaryFolder, textFile } from './kit.ts';

const MIB = 1024 * 1024;

describeEngine('a context', 'buildkit', ({ buildkit }) => {
  const { daemon, sent } = daemonAt(buildkit.address);
  const folder = temporaryFolder();

  /** A file of random bytes, so that nobody has it. */
  function bigFile(name: string, bytes: number): ContextFile {
    const source = join(folder.path, name);
    const data = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(data.subarray(at, Math.min(at + 65_536, bytes)));
    writeFileSync(source, data);
    return { path: name, source, digest: digestOfBytes(data), exec: false };
  }

  /** Bytes that went over the wire meanwhile. */
  async function bytesSentBy(work: () => Promise<unknown>): Promise<number> {
    const before = sent();
    await work();
    return sent() - before;
  }

  describe('that several builds use', () => {
    const dockerfile = (n: number) => `FROM scratch\nCOPY big.bin /copy-${n}\n`;

    it('is sent once, side by side', async () => {
      const files = [bigFile('big.bin', 20 * MIB)];
      const bytes = await bytesSentBy(() =>
        Promise.all([1, 2, 3, 4, 5].map((n) => build(daemon, { dockerfile: dockerfile(n), files }))),
      );
      expect(bytes).toBeGreaterThan(20 * MIB);
      expect(bytes).toBeLessThan(21 * MIB);
    });

    it('is sent once, one after the other', async () => {
      const files = [bigFile('big.bin', 20 * MIB)];
      const bytes = await bytesSentBy(async () => {
        for (const n of [1, 2, 3, 4, 5]) await build(daemon, { dockerfile: dockerfile(n), files });
      });
      expect(bytes).toBeGreaterThan(20 * MIB);
      expect(bytes).toBeLessThan(21 * MIB);
    });

    it('is sent once, when one begins while another runs that has it', async () => {
      const files = [bigFile('big.bin', 20 * MIB), ...shellFiles()];
      const release = Promise.withResolvers<Uint8Array>();
      const asked = Promise.withResolvers<void>();
      const step = 'RUN --mount=type=secret,id=gate read gate </run/secrets/gate; echo "gate $gate"';
      const secret = () => {
        asked.resolve();
        return release.promise;
      };
      let first: ReturnType<typeof build> | undefined;
      const bytes = await bytesSentBy(async () => {
        const dockerfile = onShell('COPY big.bin /', `ARG RUN=${RUN}`, step);
        first = build(daemon, { dockerfile, files, offer: { secret } });
        await asked.promise;
      });
      const more = await bytesSentBy(() =>
        build(daemon, { dockerfile: onShell('COPY big.bin /', 'RUN echo other'), files }),
      );
      release.resolve(Buffer.from('open\n'));
      expect((await first)?.log).toEqual(['gate open']);
      expect(bytes).toBeGreaterThan(20 * MIB);
      expect(more).toBeLessThan(MIB);
    });
  });

  it('that was sent for a build that was aborted is sent to the one that goes on', async () => {
    const files = [bigFile('big.bin', 20 * MIB)];
    const abort = new AbortController();
    const reason = new Error('enough');
    const aborting = build(daemon, {
      dockerfile: `FROM scratch\nCOPY big.bin /aborted\n`,
      files,
      signal: abort.signal,
      onProgress: ({ type }) => {
        if (type === 'bytes') abort.abort(reason);
      },
    });
    const going = build(daemon, { dockerfile: 'FROM scratch\nCOPY big.bin /going\n', files });
    await expect(aborting).rejects.toBe(reason);
    expect((await going).seen).toContainEqual(expect.objectContaining({ name: 'COPY big.bin /going' }));
  });

  it('of which a file has changed fails all builds that use it, by name, and misleads none afterwards', async () => {
    const file = bigFile('moved.bin', MIB);
    const planned = readFileSync(join(folder.path, 'moved.bin'));
    const both = () =>
      [1, 2].map((n) => build(daemon, { dockerfile: `FROM scratch\nCOPY moved.bin /moved-${n}\n`, files: [file] }));
    writeFileSync(join(folder.path, 'moved.bin'), Buffer.alloc(MIB));
    for (const failed of await Promise.allSettled(both()))
      expect(failed).toMatchObject({
        status: 'rejected',
        reason: { error: { code: 'INPUT_MOVED', words: expect.stringContaining('moved.bin') as string } },
      });
    writeFileSync(join(folder.path, 'moved.bin'), planned);
    for (const { seen } of await Promise.all(both()))
      expect(seen).toContainEqual(expect.objectContaining({ type: 'step' }));
  });

  it('is as it was chosen: a .dockerignore among the files chooses nothing', async () => {
    const files = [textFile('.dockerignore', '*\n'), textFile('kept.txt', 'kept'), ...shellFiles()];
    const dockerfile = onShell('COPY kept.txt .dockerignore /', `RUN RUN=${RUN}; read line </kept.txt; echo "$line"`);
    // Rendering gives every Dockerfile one of its own, which goes before the context's.
    const { log } = await build(daemon, { dockerfile, dockerignore: '', files });
    expect(log).toEqual(['kept']);
  });

  it('carries modes but no extended attributes: a capability of a file here is none of the image', async () => {
    const source = join(folder.path, 'capable');
    writeFileSync(source, 'x');
    execFileSync('/usr/sbin/setcap', ['cap_net_bind_service=ep', source]);
    const files = [{ path: 'capable', source, digest: digestOfBytes('x'), exec: true }, ...shellFiles()];
    const archive: Uint8Array[] = [];
    const receive = async (_exporter: number, chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of chunks) archive.push(chunk);
    };
    await build(daemon, {
      dockerfile: 'FROM scratch\nCOPY capable /\n',
      files,
      outputs: { exporters: [{ type: 'tar', attributes: {} }] },
      offer: { receive },
    });
    const tar = Buffer.concat(archive);
    expect(execFileSync('tar', ['--list', '--verbose', '--xattrs'], { input: tar, encoding: 'utf8' })).toMatch(
      /^-rwxr-xr-x .* capable$/m,
    );
    expect(tar.includes('security.capability')).toBe(false);
  });
});

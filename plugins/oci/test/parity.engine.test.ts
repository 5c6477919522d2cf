/** One spec, with Docker and without an engine: the same files, owners and modes, and the same config. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { candidateTag, digestOfBytes, readContextFile, renderDockerfile, type Digest, type Step } from '@rebake/image';
import type { Job } from '@rebake/sdk';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { expect, it } from 'vitest';
import { context, jobOf, ociBuilder, temporaryFolder } from './kit.ts';

const run = promisify(execFile);
/** What is in the folders that the steps change; of shadow without the day of the change. */
const LIST = `find /opt /home /srv /data /lib -maxdepth 4 -path /usr -prune -o -printf '%p %y %m %U:%G %l\\n' | grep -v '^/lib/' | sort
stat -c '%n %a %u:%g' /etc /etc/passwd /etc/group /etc/shadow /etc/gshadow /usr/lib /usr/lib/added /usr/lib/added/sub
cat /etc/passwd /etc/group /etc/gshadow /opt/one/a.txt /usr/lib/added/sub/b.txt
cut -d: -f1,2,4- /etc/shadow`;

describeEngine('the same spec', ['docker', 'rootfs', 'plain'], (state) => {
  const folder = temporaryFolder();
  const docker = async (...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, DOCKER_HOST: state.docker.host, DOCKER_BUILDKIT: '1' };
    return (await run(state.docker.cli, [...args], { env })).stdout;
  };

  it('comes out of Docker and of this builder as the same image, but for times', { timeout: 300_000 }, async () => {
    const builder = await ociBuilder({ cache: join(folder, 'cache') }, folder);
    const ctx = context();
    const registry = state.registries.plain.address;
    const repository = `oci-parity/${process.pid}-${Date.now()}`;
    const names: string[] = [];
    try {
      const { path, digest } = state.rootfs;
      const files = {
        root: dirname(path),
        files: [{ path: path.slice(dirname(path).length + 1), digest: digest as Digest, exec: false }],
      };
      const below: Job = jobOf(null, [{ step: 'rootfs', files }], {
        env: { LANG: 'C.UTF-8', PATH: '/usr/sbin:/usr/bin:/sbin:/bin', CHANGED: 'no' },
        entrypoint: ['/bin/below'],
      });
      const base = await builder.build(below, ctx);
      const manifest = await builder.push(base, { registry, repository, key: below.key }, ctx);

      const job = jobOf(base, stepsIn(folder), {
        env: { CHANGED: 'yes', BOTH: 'after', NEW: 'a b' },
        buildEnv: { BOTH: 'while', ONLY: 'while' },
        user: 'dataiku',
        workdir: '/srv/work/dir',
        entrypoint: ['/bin/app', 'x y'],
      });
      const built = await builder.build(job, ctx);
      await builder.push(built, { registry, repository, key: job.key }, ctx);
      const ours = `${registry}/${repository}:${candidateTag(job.key)}`;
      names.push(ours);
      await docker('pull', '--quiet', ours);

      const parent = `${registry}/${repository}@${manifest}`;
      const theirs = `oci-parity:${process.pid}`;
      names.push(theirs);
      const place = join(folder, 'context');
      await writeContext(place, job, parent);
      await docker('build', '--quiet', '--network', 'host', '--tag', theirs, place);

      const list = async (name: string) =>
        docker('run', '--rm', '--network', 'none', '--user', '0', '--entrypoint', '/bin/sh', name, '-c', LIST);
      const config = async (name: string) => {
        const text = await docker('inspect', '--format', '{{json .Config}}', name);
        const { Env, User, WorkingDir, Entrypoint, Cmd, Labels } = JSON.parse(text) as Record<string, unknown>;
        return { Env, User, WorkingDir, Entrypoint, Cmd: Cmd ?? null, Labels: Labels ?? null };
      };
      expect(await config(ours)).toEqual(await config(theirs));
      expect((await list(ours)).split('\n')).toEqual((await list(theirs)).split('\n'));
    } finally {
      for (const name of names) await docker('rmi', '--force', name);
      await builder.close();
    }
  });
});

function stepsIn(folder: string): readonly Step[] {
  const root = join(folder, 'files');
  const set = (contents: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(contents)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const files = Object.entries(contents).map(([path, text]) => {
      return { path, digest: digestOfBytes(text), exec: path.endsWith('.sh') };
    });
    return { root, files };
  };
  return [
    { step: 'user', name: 'dataiku', uid: 500, gid: 600, home: '/home/made/dataiku' },
    {
      step: 'copy',
      files: set({ 'a.txt': 'a', 'sub/b.txt': 'b', 'sub/run.sh': '#!/bin/sh\n' }),
      to: '/opt/one',
      owner: '0:0',
    },
    // The folder of the set is there already, and what it is in belongs to somebody else.
    { step: 'copy', files: set({ 'sub/c.txt': 'c', 'new/d.txt': 'd' }), to: '/opt/one/', owner: 'dataiku' },
    { step: 'copy', files: set({ 'sub/b.txt': 'b' }), to: '/data/deep/er', owner: '1234:dataiku' },
    { step: 'copy', files: set({ 'a.txt': 'a' }), to: '/data/alone', owner: '1234' },
    // Through a link of the base: /lib leads to usr/lib.
    { step: 'copy', files: set({ 'sub/b.txt': 'b' }), to: '/lib/added', owner: 'www-data:600' },
    { step: 'copy', files: { root: '/', files: [] }, to: '/opt/empty/folder', owner: '5:5' },
    { step: 'link', folder: '/opt/made/bin', name: 'python', target: '/usr/bin/python3' },
    { step: 'link', folder: '/opt/made/bin', name: 'python', target: '/usr/bin/python3.11' },
    { step: 'link', folder: '/opt', name: 'one', target: '/usr/bin' },
  ];
}

async function writeContext(place: string, job: Job, parent: string): Promise<void> {
  const { dockerfile, files } = renderDockerfile(job.spec, { parent, froms: {} });
  mkdirSync(place, { recursive: true });
  await writeFile(join(place, 'Dockerfile'), dockerfile);
  for (const file of files) {
    const path = join(place, file.path);
    mkdirSync(dirname(path), { recursive: true });
    const chunks: Uint8Array[] = [];
    for await (const chunk of readContextFile(file)) chunks.push(chunk);
    await writeFile(path, Buffer.concat(chunks), { mode: file.exec ? 0o755 : 0o644 });
  }
}

/** A whole image, made without an engine, in real ones: it runs, and is the same image everywhere. */
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { candidateTag, digestOfBytes, type Digest, type Step } from '@rebake/image';
import type { Builder, Built, Job } from '@rebake/sdk';
import type { EnginesState } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { context, jobOf, linesOf, ociBuilder, temporaryFolder } from './kit.ts';
import { GLIBC, locksIn, SUITE } from './locks.ts';

const run = promisify(execFile);
const MINUTES = 60_000;
const ENV = '/opt/dataiku/code-env';

/** Prints what a container is, as the user that it runs as. */
const LOOK = `set -e
echo "who $(whoami 2>/dev/null || echo nobody-knows) $(id -u):$(id -g)"
${ENV}/bin/python -c 'import markupsafe, six; print("imported", six.__version__)'
${ENV}/bin/python -m pip list --format freeze 2>/dev/null | sort | tr '\\n' ' '; echo
/opt/dataiku/bin/python --version
touch "$HOME/written" && echo "home written"
cat /opt/files/sub/file.txt
pwd`;

describeEngine('an image without an engine', ['docker', 'podman', 'plain'], (state) => {
  const folder = temporaryFolder();
  let builder: Builder;
  let base: Built;
  let built: Built;
  let job: Job;
  let baseJob: Job;
  let reference: string;
  const ctx = context();

  beforeAll(async () => {
    const locks = locksIn(join(folder, 'locks'));
    const debs = await locks.debian([]);
    const packages = await locks.python(['six', 'markupsafe', 'requests']);
    await locks.close();
    const files = join(folder, 'files');
    mkdirSync(join(files, 'sub'), { recursive: true });
    writeFileSync(join(files, 'sub', 'file.txt'), 'a file\n');
    chmodSync(folder, 0o755);
    baseJob = jobOf(null, [{ step: 'debian', suite: SUITE, packages: debs, mirror: null }]);
    const steps: readonly Step[] = [
      { step: 'user', name: 'dataiku', uid: 500, gid: 500, home: '/home/dataiku' },
      {
        step: 'python-env',
        prefix: ENV,
        interpreter: '3.11',
        packages: { locked: packages, glibc: GLIBC },
        bytecode: true,
      },
      { step: 'link', folder: '/opt/dataiku/bin', name: 'python', target: `${ENV}/bin/python` },
      {
        step: 'copy',
        files: { root: files, files: [{ path: 'sub/file.txt', digest: digestOfBytes('a file\n'), exec: false }] },
        to: '/opt/files',
        owner: 'dataiku:root',
      },
    ];
    job = jobOf(null, steps, {
      env: { HOME: '/home/dataiku', GREETING: 'hello' },
      user: '500:0',
      workdir: '/home/dataiku/work',
    });
    builder = await ociBuilder({ cache: join(folder, 'cache') }, join(folder, 'own'));
    base = await builder.build(baseJob, ctx);
    built = await builder.build({ ...job, parent: base }, ctx);
    const { address } = state.registries.plain;
    const repository = `oci-images/${process.pid}-${Date.now()}`;
    await builder.push(built, { registry: address, repository, key: job.key }, ctx);
    reference = `${address}/${repository}:${candidateTag(job.key)}`;
  }, 10 * MINUTES);
  afterAll(async () => builder.close());

  it('runs in Docker after a pull, and is the image that was built', { timeout: 5 * MINUTES }, async () => {
    const docker = async (...args: readonly string[]) => {
      const env = { ...process.env, DOCKER_HOST: state.docker.host };
      return (await run(state.docker.cli, [...args], { env })).stdout;
    };
    await docker('pull', '--quiet', reference);
    try {
      expect((await docker('inspect', '--format', '{{.Id}}', reference)).trim()).toBe(built.identity);
      const out = await docker('run', '--rm', '--network', 'none', reference, 'sh', '-c', LOOK);
      expectWorks(out, 'who dataiku 500:0');
      const other = await docker('run', '--rm', '--network', 'none', '--user', '12345:0', reference, 'sh', '-c', LOOK);
      expectWorks(other, 'who nobody-knows 12345:0');
    } finally {
      await docker('rmi', '--force', reference);
    }
  });

  it('runs in Podman after a pull, and is the image that was built', { timeout: 5 * MINUTES }, async () => {
    const [command = '', ...first] = state.podman.cli;
    const podman = async (...args: readonly string[]) =>
      (await run(command, [...first, ...args], { env: { ...process.env, ...state.podman.env } })).stdout;
    await podman('pull', '--quiet', '--tls-verify=false', reference);
    try {
      expect(`sha256:${(await podman('inspect', '--format', '{{.Id}}', reference)).trim()}`).toBe(built.identity);
      expectWorks(await podman('run', '--rm', '--network', 'none', reference, 'sh', '-c', LOOK), 'who dataiku 500:0');
    } finally {
      await podman('rmi', '--force', reference);
    }
  });

  it('is the same image and the same blobs from another folder, cache and user', { timeout: 5 * MINUTES }, async () => {
    const away = mkdtempSync(join(tmpdir(), 'rebake-oci-user-'));
    try {
      chmodSync(away, 0o777);
      writeFileSync(join(away, 'jobs.json'), JSON.stringify([baseJob, job]));
      const script = join(import.meta.dirname, 'build-as.ts');
      const node = ['--conditions=@rebake/source', script, join(away, 'jobs.json'), join(away, 'own')];
      const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--reset-env', process.execPath, ...node];
      const { stdout, stderr, status } = spawnSync('setpriv', nobody, {
        encoding: 'utf8',
        cwd: away,
        env: forUser(away),
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const other = JSON.parse(stdout) as { readonly identity: Digest; readonly manifest: Digest };
      expect(other).toEqual({ identity: built.identity, manifest: await manifestOf(builder, built, state) });
    } finally {
      rmSync(away, { recursive: true, force: true });
    }
  });

  it('takes everything from the cache when it is built again', { timeout: 5 * MINUTES }, async () => {
    const again = await ociBuilder({ cache: join(folder, 'cache') }, join(folder, 'again'));
    const own = context();
    try {
      const parent = await again.build(baseJob, own);
      expect((await again.build({ ...job, parent }, own)).identity).toBe(built.identity);
      expect(linesOf(own).filter((line) => line.startsWith('downloaded'))).toEqual([]);
    } finally {
      await again.close();
    }
  });
});

function expectWorks(out: string, who: string): void {
  const lines = out.split('\n');
  expect(lines).toContain(who);
  expect(lines.find((line) => line.startsWith('imported '))).toMatch(/^imported \d/);
  expect(out).toMatch(/MarkupSafe==|markupsafe==/);
  expect(out).toMatch(/pip==.* requests==/);
  expect(out).toContain('Python 3.11');
  expect(lines).toContain('home written');
  expect(lines).toContain('a file');
  expect(lines).toContain('/home/dataiku/work');
}

function forUser(home: string): NodeJS.ProcessEnv {
  return { ...process.env, HOME: home };
}

async function manifestOf(builder: Builder, image: Built, state: EnginesState): Promise<Digest> {
  const { address } = state.registries.plain;
  const to = { registry: address, repository: `oci-images/${process.pid}-manifest`, key: digestOfBytes('manifest') };
  return builder.push(image, to, context());
}

/**
 * The quickstart, as somebody runs it who is not root and has no engine: locks, Debian bases, Python and R envs. Engines come in afterwards, to
 * say whether they take what was made.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ran } from './fleet-rig.ts';

const exec = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../../..');
const LAUNCHER = join(ROOT, 'packages/cli/src/launcher.ts');
const LONG = 1_800_000;

/** Somebody with a home of their own, no rights, no engine and a cache of their own; root must not be needed anywhere. */
class Somebody implements Disposable {
  readonly home: string;
  readonly work: string;
  private readonly uid: number;

  constructor(uid: number) {
    this.uid = uid;
    this.home = mkdtempSync(join(tmpdir(), 'rebake-quickstart-'));
    this.work = join(this.home, 'work');
    mkdirSync(this.work);
    const example = join(ROOT, 'examples/quickstart');
    for (const part of ['rebake.yaml', 'envs']) cpSync(join(example, part), join(this.work, part), { recursive: true });
    cpSync(join(ROOT, 'examples/fleet/kits'), join(this.work, 'kits'), { recursive: true });
    this.own(this.home);
  }

  async rebake(...args: readonly string[]): Promise<Ran> {
    const { uid, home } = this;
    const env = {
      ...process.env,
      HOME: home,
      // Where an engine would be looked for, none is.
      DOCKER_HOST: `unix://${home}/no-docker`,
      CONTAINER_HOST: `unix://${home}/no-podman`,
      PATH: '/usr/bin:/bin',
      NO_COLOR: '1',
    };
    const user = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups'];
    const command = [process.execPath, '--conditions=@rebake/source', LAUNCHER, ...args];
    try {
      const { stdout, stderr } = await exec('setpriv', [...user, ...command], {
        cwd: this.work,
        env,
        maxBuffer: 2 ** 28,
      });
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  }

  /** Node → identity of its image. */
  async identities(): Promise<ReadonlyMap<string, string>> {
    const { out } = await this.rebake('show', '--json');
    const { nodes } = JSON.parse(out) as {
      readonly nodes: readonly {
        readonly node: { readonly id: string; readonly role: string };
        readonly entry: { readonly output: { readonly identity: string } } | null;
      }[];
    };
    const images = nodes.filter(({ node }) => node.role === 'image');
    return new Map(images.map(({ node, entry }) => [node.id, entry?.output.identity ?? 'none']));
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  private own(path: string): void {
    chownSync(path, this.uid, this.uid);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const below = join(path, entry.name);
      if (entry.isDirectory()) this.own(below);
      else chownSync(below, this.uid, this.uid);
    }
  }
}

describeEngine('the quickstart', ['docker', 'podman', 'crane'], (engines) => {
  let one: Somebody;
  let other: Somebody;
  const ok = async (ran: Promise<Ran>): Promise<string> => {
    const { code, out, err } = await ran;
    expect(`${code} ${code === 0 ? '' : out}${err}`).toMatch(/^0 /);
    return out;
  };
  const run = async (file: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> => {
    const env = { ...process.env, ...more, DOCKER_HOST: engines.docker.host, DOCKER_CONFIG: engines.docker.configDir };
    return (await exec(file, [...args], { env, maxBuffer: 2 ** 28 })).stdout;
  };
  const docker = async (...args: readonly string[]): Promise<string> => run(engines.docker.cli, args);
  const podman = async (...args: readonly string[]): Promise<string> => {
    const [file = '', ...before] = engines.podman.cli;
    return run(file, [...before, ...args], engines.podman.env);
  };
  const clients = { docker, podman };

  beforeAll(() => {
    one = new Somebody(31_001);
    other = new Somebody(31_002);
  });
  afterAll(() => {
    one[Symbol.dispose]();
    other[Symbol.dispose]();
  });

  it('locks, plans and applies without root and without an engine', { timeout: LONG }, async () => {
    expect((await one.rebake('plan')).err).toContain('LOCK_MISSING');
    await ok(one.rebake('lock'));
    await ok(one.rebake('lock', '--check'));
    const written = readdirSync(one.work).toSorted();
    expect(written).toEqual(
      expect.arrayContaining(['debian.python.lock.json', 'pylock.glm.toml', 'pylock.usage.toml']),
    );
    expect((await one.rebake('plan', '--detailed-exitcode')).code).toBe(2);
    await ok(one.rebake('apply', '--auto-approve'));
    expect((await one.rebake('plan', '--detailed-exitcode')).code).toBe(0);
  });

  it(
    'makes the same images for somebody else, in another folder, with nothing in the cache',
    { timeout: LONG },
    async () => {
      for (const name of readdirSync(one.work)) {
        if (/^(pylock|debian)\./.test(name)) cpSync(join(one.work, name), join(other.work, name));
      }
      await ok(other.rebake('apply', '--auto-approve'));
      const identities = await one.identities();
      expect(identities.size).toBeGreaterThan(5);
      expect([...identities.values()]).not.toContain('none');
      expect(await other.identities()).toEqual(identities);
    },
  );

  it.each(['docker', 'podman'] as const)('exports what %s loads and runs', { timeout: LONG }, async (engine) => {
    const client = clients[engine];
    const load = async (node: string): Promise<string> => {
      const archive = join(one.home, 'image.tar');
      await ok(one.rebake('export', node, '--output', archive));
      const said = await client('load', '--input', archive);
      rmSync(archive);
      return (
        said
          .trim()
          .split('\n')
          .at(-1)
          ?.replace(/^Loaded image(?:\(s\)| ID)?: /, '') ?? ''
      );
    };
    const inside = async (image: string, user: string, ...argv: readonly string[]): Promise<string> => {
      const [entrypoint = '', ...args] = argv;
      return client('run', '--rm', '--network', 'none', '--user', user, '--entrypoint', entrypoint, image, ...args);
    };
    const python = '/opt/dataiku/code-env/bin/python';

    const glm = await load('glm@python');
    const imports = 'import glum, sklearn, flask, plotly, scipy; print(sklearn.__version__)';
    expect(await inside(glm, 'dataiku', python, '-c', imports)).toBe('1.4.2\n');
    expect(await inside(glm, 'dataiku', python, '-m', 'pip', 'list')).toMatch(/^scikit-learn +1\.4\.2$/m);
    // As Kubernetes may run it: a uid that nobody knows, in group 0.
    expect(
      await inside(glm, '12345:0', python, '-c', 'import os; open("x", "w"); print(os.getcwd(), os.getuid())'),
    ).toBe('/home/dataiku 12345\n');
    expect(await inside(glm, 'dataiku', 'whoami')).toBe('dataiku\n');
    expect(await inside(glm, 'dataiku', 'dpkg', '-l', 'python3.11')).toMatch(/^ii +python3\.11/m);

    const tables = await load('tables@statistics');
    const r =
      'suppressMessages(library(dplyr)); library(jsonlite); cat(toJSON(summarise(tibble(x = 1:3), s = sum(x))))';
    expect(await inside(tables, 'dataiku', 'Rscript', '-e', r)).toBe('[{"s":6}]');
  });

  it('exports what tools that others wrote find whole', { timeout: LONG }, async () => {
    const archive = join(one.home, 'glm.tar');
    await ok(one.rebake('export', 'glm@python', '--output', archive));
    await run(engines.crane.path, ['validate', '--tarball', archive]);
    const identity = (await one.identities()).get('env/python/glm@python#linux/amd64');
    for (const form of ['docker-archive', 'oci-archive']) {
      const config = await run('skopeo', ['inspect', '--config', '--raw', `${form}:${archive}`]);
      expect(`sha256:${createHash('sha256').update(config).digest('hex')}`).toBe(identity);
    }
  });

  it('rebuilds after an upgrade only what holds something of DSS', { timeout: LONG }, async () => {
    const locks = (): string => readFileSync(join(one.work, 'pylock.glm.toml'), 'utf8');
    const before = locks();
    await ok(one.rebake('upgrade', '14.1.2', '--kit', './kits/14.1.2'));
    await ok(one.rebake('apply', '--auto-approve'));
    expect(locks()).toBe(before);
    expect((await one.rebake('plan', '--detailed-exitcode')).code).toBe(0);
  });
});

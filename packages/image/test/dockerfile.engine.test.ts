// Rendered Dockerfiles on a real engine, of the oldest kind that is supported: what the image holds is what the spec said, byte for byte.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFileHasher, readContextFile, renderDockerfile, type ImageSpec, type Step } from '../src/index.ts';

const run = promisify(execFile);
const NAME = 'rebake-test/rendered';
const TRICKY = 'a "b" \'c\' $HOME ${PATH} \\ `d` #é\t=';

interface Inspected {
  readonly Config: {
    readonly Env: string[];
    readonly User: string;
    readonly WorkingDir: string;
    readonly Entrypoint: string[] | null;
  };
}

describeEngine('a rendered Dockerfile', ['docker', 'wheels'], ({ docker, wheels }) => {
  const work = mkdtempSync(join(tmpdir(), 'rebake-rendered-'));
  const env = { ...process.env, DOCKER_HOST: docker.host, DOCKER_BUILDKIT: '1', DOCKER_CONFIG: docker.configDir };

  async function cli(...args: string[]): Promise<string> {
    const { stdout } = await run(docker.cli, args, { env, maxBuffer: 1 << 26 });
    return stdout;
  }

  /** Builds with Docker's own client from a folder that holds exactly the context. */
  async function build(name: string, spec: ImageSpec, secrets: readonly string[] = []): Promise<string> {
    const context = mkdtempSync(join(work, 'context-'));
    const { dockerfile, dockerignore, files } = renderDockerfile(spec, { parent: docker.baseImage, froms: {} });
    for (const file of files) {
      const path = join(context, file.path);
      mkdirSync(dirname(path), { recursive: true });
      const chunks: Uint8Array[] = [];
      for await (const chunk of readContextFile(file)) chunks.push(chunk);
      writeFileSync(path, Buffer.concat(chunks), { mode: file.exec ? 0o755 : 0o644 });
    }
    const path = join(context, 'Dockerfile');
    writeFileSync(path, dockerfile);
    writeFileSync(`${path}.dockerignore`, dockerignore);
    const mounts = secrets.flatMap((secret) => ['--secret', secret]);
    const args = [
      'build',
      '--no-cache',
      '--progress=plain',
      '--network',
      docker.buildNetwork,
      ...mounts,
      '-t',
      name,
      context,
    ];
    const { stderr } = await run(docker.cli, args, { env, maxBuffer: 1 << 26 });
    return stderr;
  }

  const inImage = async (...argv: string[]): Promise<string> => {
    const [command = '', ...rest] = argv;
    return cli('run', '--rm', '--network=none', '--user=0', '--entrypoint', command, NAME, ...rest);
  };

  let log = '';
  let inspected: Inspected;

  beforeAll(async () => {
    const root = join(work, 'files');
    mkdirSync(join(root, 'sub'), { recursive: true });
    writeFileSync(join(root, 'plain $x "y"'), 'plain');
    writeFileSync(join(root, 'sub/tool'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(root, '.dockerignore'), '*\n');
    const files = createFileHasher({ cacheFile: null, now: () => Date.now() }).tree(root);
    const pipConf = join(work, 'pip.conf');
    writeFileSync(pipConf, `[global]\nindex-url = ${wheels.indexUrl}\n`);
    const script = `import json, os, sys; json.dump([sys.argv[1:], os.environ["VALUE"], os.getcwd(), sorted(os.listdir("/dev/rebake/in"))], open("/opt/ran.json", "w"))`;
    const steps: Step[] = [
      { step: 'user', name: 'someone', uid: 4321, gid: 4321, home: '/home/some one' },
      {
        step: 'fragment',
        place: 'at start',
        text: 'USER someone\nRUN id -u > /tmp/fragment \\',
        files: { root, files: [] },
      },
      {
        step: 'python-env',
        prefix: '/opt/env',
        interpreter: '3.11',
        packages: { requirements: ['tiny-b==1.0.0'] },
        bytecode: true,
      },
      {
        step: 'python-env',
        prefix: '/opt/plain',
        interpreter: '3.11',
        packages: { requirements: [] },
        bytecode: false,
      },
      { step: 'copy', files, to: '/opt/a $HOME \'q\' "r" \\n', owner: 'someone:0' },
      { step: 'copy', files: { root, files: [] }, to: '/opt/empty dir', owner: 'root' },
      {
        step: 'run',
        files,
        mount: '/dev/rebake/in',
        workdir: '/opt/work dir/$x',
        argv: ['/opt/env/bin/python', '-c', script, TRICKY, '*', '', 'two\nlines'],
        env: { VALUE: TRICKY },
      },
    ];
    const spec: ImageSpec = {
      steps,
      env: { TRICKY, PYTHONPATH: '/opt/python' },
      buildEnv: { PYTHONPATH: '', ONLY_BUILD: 'x' },
      user: 'someone',
      workdir: '/home/some one',
      entrypoint: ['/bin/echo', '$HOME', '"'],
    };
    log = await build(NAME, spec, [`id=pip-conf,src=${pipConf}`]);
    [inspected] = JSON.parse(await cli('inspect', NAME)) as [Inspected];
  });

  afterAll(async () => {
    await cli('rmi', '--force', NAME);
    rmSync(work, { recursive: true, force: true });
  });

  it('gives the config of the spec', () => {
    expect(inspected.Config.Env).toContain(`TRICKY=${TRICKY}`);
    expect(inspected.Config.Env).toContain('PYTHONPATH=/opt/python');
    expect(inspected.Config.Env).toContain('ONLY_BUILD=');
    expect(inspected.Config).toMatchObject({
      User: 'someone',
      WorkingDir: '/home/some one',
      Entrypoint: ['/bin/echo', '$HOME', '"'],
    });
  });

  it('makes a user whose home any uid of group 0 can write to', async () => {
    expect(await inImage('stat', '-c', '%u:%g %a', '/home/some one')).toBe('4321:0 775\n');
    expect(await inImage('cat', '/tmp/fragment')).toBe('4321\n');
  });

  it('installs packages, shows what pip says, and keeps nothing of its configuration', async () => {
    expect(log).toMatch(/Successfully installed tiny-a-\S+ tiny-b-1\.0\.0/);
    expect(await inImage('/opt/env/bin/python', '-c', 'import tiny_b; print(tiny_b.__name__)')).toBe('tiny_b\n');
    expect(await inImage('find', '/run', '/mnt', '-mindepth', '1')).toBe('/run/lock\n');
    expect(JSON.stringify(inspected)).not.toContain(wheels.indexUrl);
  });

  it('compiles bytecode that nobody checks by time, or none', async () => {
    const flags = 'import pathlib; print({p.read_bytes()[4] for p in pathlib.Path("/opt/env/lib").rglob("*.pyc")})';
    expect(await inImage('/opt/env/bin/python', '-B', '-c', flags)).toBe('{1}\n');
    expect(await inImage('find', '/opt/plain', '-name', '*.pyc')).toBe('');
  });

  it('copies files with their names, modes and owner, to where it was said', async () => {
    const target = '/opt/a $HOME \'q\' "r" \\n';
    expect(await inImage('find', target, '-printf', '%P %u:%g %m %y\\n')).toBe(
      await sorted(
        [
          ' someone:root 755 d',
          '.dockerignore someone:root 644 f',
          'plain $x "y" someone:root 644 f',
          'sub someone:root 755 d',
          'sub/tool someone:root 755 f',
        ],
        target,
      ),
    );
    expect(await inImage('find', '/opt/empty dir')).toBe('/opt/empty dir\n');
  });

  /** `find` lists in the order of the file system. */
  async function sorted(expected: string[], target: string): Promise<string> {
    const found = (await inImage('find', target, '-printf', '%P %u:%g %m %y\\n')).split('\n').slice(0, -1);
    expect(found.toSorted()).toEqual(expected.toSorted());
    return `${found.join('\n')}\n`;
  }

  it('runs commands with exactly their arguments', async () => {
    const ran: unknown = JSON.parse(await inImage('cat', '/opt/ran.json'));
    expect(ran).toEqual([
      [TRICKY, '*', '', 'two\nlines'],
      TRICKY,
      '/opt/work dir/$x',
      ['.dockerignore', 'plain $x "y"', 'sub'],
    ]);
  });
});

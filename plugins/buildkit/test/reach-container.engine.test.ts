/** Daemons in containers of Docker and Podman: their own client in there, no client of the engine here, and images that come through. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plugin } from '../src/index.ts';
import { ctxFor, fragment, jobOf, keyOf, temporaryFolder, tinyJob } from './kit.ts';
import { ANSWERS, look } from './reach-kit.ts';

describeEngine('a daemon in a container', ['buildkit', 'docker', 'podman', 'ssh', 'rootfs'], (state) => {
  const { buildctl, buildkitd } = state.buildkit;
  const socket = state.buildkit.address.slice('unix://'.length);
  const name = `rebake-reach-${crypto.randomUUID()}`;
  // Nothing else here brings an engine's command: its absence is part of the test.
  const PATH = '/nowhere';
  const engines = {
    docker: {
      cli: [state.docker.cli],
      env: { ...process.env, DOCKER_HOST: state.docker.host },
      image: state.docker.baseImage,
      reach: { PATH, DOCKER_HOST: state.docker.host },
    },
    podman: {
      cli: [...state.podman.cli],
      env: process.env,
      image: state.podman.baseImage,
      reach: { PATH, CONTAINER_HOST: state.podman.host },
    },
  };
  const folder = temporaryFolder();
  type Engine = keyof typeof engines;

  const run = (engine: Engine, ...args: string[]) => {
    const { cli, env } = engines[engine];
    const [command = '', ...first] = cli;
    return execFileSync(command, [...first, ...args], { env, encoding: 'utf8', stdio: 'pipe' });
  };
  const start = (
    engine: Engine,
    suffix: string,
    mounts: readonly string[],
    options: readonly string[],
    command: readonly string[],
  ) => {
    const volumes = mounts.flatMap((mount) => ['--volume', mount]);
    run(
      engine,
      'run',
      '--detach',
      '--name',
      name + suffix,
      '--stop-timeout',
      '0',
      '--network',
      'host',
      ...volumes,
      ...options,
      engines[engine].image,
      ...command,
    );
  };
  /** Commands that run in a container. */
  const processes = (engine: Engine, suffix: string) =>
    run(engine, 'top', name + suffix)
      .split('\n')
      .filter((line) => line.includes('dial-stdio'));

  const client = `${buildctl}:/usr/bin/buildctl:ro`;
  const outside = `${socket}:/run/buildkit/buildkitd.sock`;
  const idle = ['sleep', '1000000'];

  describe.each(['docker', 'podman'] as const)('of %s', (engine) => {
    const at = `${engine}-container://${name}`;
    const env = engines[engine].reach;

    beforeAll(() => {
      start(engine, '', [client, outside], [], idle);
      start(engine, '-empty', [], [], idle);
      start(engine, '-alone', [client], [], idle);
      start(engine, '-stopped', [], [], ['true']);
    });
    afterAll(() => {
      run(engine, 'rm', '--force', '--volumes', ...['', '-empty', '-alone', '-stopped'].map((suffix) => name + suffix));
    });

    it('answers, and leaves no command behind in there', async () => {
      expect(await look(at, { env })).toMatchObject(ANSWERS);
      await expect.poll(() => processes(engine, '')).toEqual([]);
    });

    it('builds an image that comes back through the container', async () => {
      const builder = plugin.builders['buildkit']!.create(await checked({ address: at }), {
        dir: join(folder, engine),
        env,
      });
      const ctx = ctxFor(state);
      try {
        const base = await builder.build(tinyJob(state, folder, `${engine}-base`), ctx());
        const built = await builder.build(jobOf(`${engine}-child`, base, [fragment('ENV A=b')]), ctx());
        expect(await builder.inspect({ key: keyOf(`${engine}-child`) }, ctx())).toMatchObject({
          seen: 'yes',
          value: { identity: built.identity },
        });
      } finally {
        await builder.close();
      }
      await expect.poll(() => processes(engine, '')).toEqual([]);
    });

    it.each([
      [
        'there is no such container',
        `${engine}-container://gone`,
        'backoff',
        /-container:\/\/gone: .*[Nn]o such container|no container with name/,
      ],
      ['it does not run', `${at}-stopped`, 'backoff', /-stopped: .*(not running|container state improper)/],
      ['it holds no buildctl', `${at}-empty`, 'never', /-empty.*buildctl/s],
      ['no daemon runs in it', `${at}-alone`, 'backoff', /-alone: .*buildkitd\.sock/s],
    ])('says so where %s', async (_what, address, retry, words) => {
      expect(await look(address, { env })).toEqual({
        code: 'ENGINE_UNREACHABLE',
        retry,
        words: expect.stringMatching(words),
      });
    });

    it('says so where the engine itself is not there', async () => {
      const nowhere = { DOCKER_HOST: 'unix:///nowhere/x.sock', CONTAINER_HOST: 'unix:///nowhere/x.sock' };
      expect(await look(at, { env: { ...env, ...nowhere } })).toEqual({
        code: 'ENGINE_UNREACHABLE',
        retry: 'backoff',
        words: expect.stringMatching(/-container:.*unix:\/\/\/nowhere\/x\.sock: .*ENOENT/),
      });
    });

    it('answers by ssh, on a host that has the engine', async () => {
      const { alias, config } = state.ssh;
      const far = {
        PATH: process.env['PATH'],
        DOCKER_HOST: `ssh://${alias}`,
        CONTAINER_HOST: `ssh://${alias}${state.podman.socket}`,
      };
      expect(await look(at, { env: far, ssh: { config } })).toMatchObject(ANSWERS);
    });
  });

  describe('that runs in there itself', () => {
    const at = `docker-container://${name}-daemon`;
    const env = engines.docker.reach;

    beforeAll(() => {
      const mounts = [
        client,
        `${buildkitd}:/usr/bin/buildkitd:ro`,
        '/usr/sbin/runc:/usr/bin/runc:ro',
        '/var/lib/buildkit',
      ];
      const free = ['seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'];
      const options = ['--cap-add', 'SYS_ADMIN', ...free.flatMap((one) => ['--security-opt', one])];
      start('docker', '-daemon', mounts, options, ['buildkitd', '--oci-worker=true', '--containerd-worker=false']);
    });
    afterAll(() => {
      run('docker', 'rm', '--force', '--volumes', `${name}-daemon`);
    });

    it('answers when it is up, and is lost when the container is', async () => {
      await expect.poll(() => look(at, { env }), { timeout: 30_000, interval: 100 }).toMatchObject(ANSWERS);
      run('docker', 'kill', `${name}-daemon`);
      expect(await look(at, { env })).toMatchObject({ code: 'ENGINE_UNREACHABLE', retry: 'backoff' });
    });
  });
});

async function checked(options: object): Promise<never> {
  const result = await plugin.builders['buildkit']!.options['~standard'].validate(options);
  if (result.issues) throw new Error(JSON.stringify(result.issues));
  return result.value as never;
}

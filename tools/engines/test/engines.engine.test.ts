// The engines do what other tests rely on: builds with BuildKit, pushes to every registry, packages from our index and from
// the machine's own.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get as httpsGet } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import type { EnginesState } from '../src/index.ts';
import { REGISTRY3_NAMES, REGISTRY_NAMES, serveWheels, writeWheel } from '../src/index.ts';
import { describeEngine } from '../src/vitest.ts';

const run = promisify(execFile);
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'rebake-engines-'));
  folders.push(made);
  return made;
}

async function docker({ docker: engine }: EnginesState, ...args: string[]): Promise<string> {
  const env = { ...process.env, DOCKER_HOST: engine.host, DOCKER_CONFIG: engine.configDir, DOCKER_BUILDKIT: '1' };
  const { stdout, stderr } = await run(engine.cli, args, { env });
  return stdout + stderr;
}

/** Builds, and gives the image ID. `docker build` prints its progress besides. */
async function build(state: EnginesState, dockerfile: string, ...options: string[]): Promise<string> {
  const context = folder();
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  const network = ['--network', state.docker.buildNetwork];
  const ids = ['--iidfile', join(context, 'id')];
  await docker(state, 'build', '--no-cache', '--progress', 'plain', ...network, ...ids, ...options, context);
  return readFileSync(join(context, 'id'), 'utf8');
}

const PYTHON = (state: EnginesState, script: string): string =>
  `FROM ${state.docker.baseImage}\nRUN python3 -m venv /venv && ${script}\n`;

describeEngine('docker', 'docker', (state) => {
  test('runs a build step in the host network, and refuses the bridge that it does not have', async () => {
    const dockerfile = `FROM ${state.docker.baseImage}\nRUN python3 --version\n`;
    await expect(build(state, dockerfile)).resolves.toMatch(/^sha256:[0-9a-f]{64}$/);
    await expect(build(state, dockerfile, '--network', 'default')).rejects.toThrow('network bridge not found');
  });

  test('hands the CA bundle to a build as a secret, and pip reaches the machine’s package index', async () => {
    const mount = '--mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt';
    const install =
      'python3 -m venv /venv && /venv/bin/pip install --no-compile six && /venv/bin/python -c "import six"';
    const dockerfile = `FROM ${state.docker.baseImage}\nRUN ${mount} ${install}\n`;
    await expect(build(state, dockerfile, '--secret', `id=ca,src=${state.ca.path}`)).resolves.toMatch(/^sha256:/);
  });
});

describeEngine('wheels', ['docker', 'wheels'], (state) => {
  test('a build installs a wheel of the shared index, with what it requires', async () => {
    const pip = `/venv/bin/pip install --no-compile --index-url ${state.wheels.indexUrl} tiny_b==1.0.0`;
    const check = `/venv/bin/python -c "import tiny_a, tiny_b; assert (tiny_a.__version__, tiny_b.__version__) == ('1.1.0', '1.0.0')"`;
    await build(state, PYTHON(state, `${pip} && ${check} && /venv/bin/pip check`));
  });

  test('a test serves wheels of its own', async () => {
    const dir = folder();
    writeWheel(dir, { name: 'made_here', version: '0.1', code: 'answer = 42', ballast: 1000 });
    await using index = await serveWheels(dir);
    const pip = `/venv/bin/pip install --no-compile --index-url ${index.indexUrl} made-here`;
    await build(
      state,
      PYTHON(state, `${pip} && /venv/bin/python -c "import made_here; assert made_here.answer == 42"`),
    );
  });
});

for (const name of [...REGISTRY_NAMES, ...REGISTRY3_NAMES]) {
  describeEngine(`registry ${name}`, ['docker', name], (state) => {
    const repository = `${state.registries[name].address}/engines/probe`;

    test('takes a push and gives the image back', async () => {
      // A few bytes of its own: what is tried here is the registry, not the weight of a base.
      const id = await build(state, `FROM scratch\nCOPY Dockerfile /${name}\n`, '--tag', `${repository}:1`);
      await docker(state, 'push', `${repository}:1`);
      await docker(state, 'image', 'rm', `${repository}:1`);
      await docker(state, 'pull', `${repository}:1`);
      expect(await docker(state, 'image', 'inspect', '--format', '{{.Id}}', `${repository}:1`)).toBe(`${id}\n`);
      await docker(state, 'image', 'rm', `${repository}:1`);
    });
  });
}

for (const name of ['auth', 'tls', 'token', 'tls3', 'token3'] as const) {
  describeEngine(`credentials of ${name}`, ['docker', name], (state) => {
    test('a push without them is refused', async () => {
      const tag = `${state.registries[name].address}/engines/stranger:1`;
      const stranger = { ...state, docker: { ...state.docker, configDir: folder() } };
      await docker(state, 'tag', state.docker.baseImage, tag);
      await expect(docker(stranger, 'push', tag)).rejects.toThrow(/no basic auth credentials|denied|unauthorized/);
      await docker(state, 'image', 'rm', tag);
    });
  });
}

describeEngine('registry plain over HTTP', 'plain', (state) => {
  test('a manifest can be deleted', async () => {
    const at = `${state.registries.plain.url}/v2/engines/deleted`;
    const upload = await fetch(`${at}/blobs/uploads/`, { method: 'POST' });
    const digest = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
    const blob = await fetch(`${upload.headers.get('location')}&digest=${digest}`, { method: 'PUT', body: '{}' });
    expect(blob.status).toBe(201);
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', size: 2, digest };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers: [] });
    const put = await fetch(`${at}/manifests/1`, { method: 'PUT', body, headers: { 'Content-Type': type } });
    expect(put.status).toBe(201);
    const removed = await fetch(`${at}/manifests/${put.headers.get('docker-content-digest')}`, { method: 'DELETE' });
    expect(removed.status).toBe(202);
  });
});

describeEngine('registry tls over HTTPS', 'tls', (state) => {
  const statusWith = async (ca: string | undefined): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      httpsGet(`${state.registries.tls.url}/v2/`, ca === undefined ? {} : { ca }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });

  test('is trusted with its CA and with no other', async () => {
    await expect(statusWith(readFileSync(state.registries.tls.ca, 'utf8'))).resolves.toBe(401);
    await expect(statusWith(undefined)).rejects.toThrow(/certificate/);
  });
});

describeEngine('registry token', 'token', (state) => {
  const { realm, username, password, url } = state.registries.token;
  const query = 'service=rebake-engines&scope=repository:engines/none:pull,push';
  const uploadWith = async (token: string): Promise<number> => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`${url}/v2/engines/none/blobs/uploads/`, { method: 'POST', headers })).status;
  };

  test('names its token server, which gives a token to push to who has the password, in both ways', async () => {
    const challenge = (await fetch(`${url}/v2/`)).headers.get('www-authenticate');
    expect(challenge).toBe(`Bearer realm="${realm}",service="rebake-engines"`);
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const got = await fetch(`${realm}?${query}`, { headers: { Authorization: basic } });
    expect(await uploadWith(((await got.json()) as { token: string }).token)).toBe(202);
    const body = new URLSearchParams(`${query}&grant_type=password`);
    body.set('username', username);
    body.set('password', password);
    const posted = await fetch(realm, { method: 'POST', body });
    expect(await uploadWith(((await posted.json()) as { access_token: string }).access_token)).toBe(202);
  });

  test('lets a stranger read only, and knows a wrong password', async () => {
    const { token } = (await (await fetch(`${realm}?${query}`)).json()) as { token: string };
    expect(await uploadWith(token)).toBe(401);
    const wrong = { headers: { Authorization: `Basic ${btoa(`${username}:wrong`)}` } };
    expect((await fetch(`${realm}?${query}`, wrong)).status).toBe(401);
  });
});

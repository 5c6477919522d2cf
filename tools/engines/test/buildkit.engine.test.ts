// The BuildKit daemon does what other tests rely on: steps on the rootfs, pushes to every registry, mTLS.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { REGISTRY_NAMES } from '../src/index.ts';
import { describeEngine } from '../src/vitest.ts';
import { build } from './buildctl.ts';

const run = promisify(execFile);

describeEngine('buildkit', ['buildkit', 'rootfs', 'wheels'], (state) => {
  test('runs a step in the host network, and pip installs from the shared index', async () => {
    const pip = `/venv/bin/pip install --no-compile --index-url ${state.wheels.indexUrl} tiny_a==1.0.0`;
    const step = `RUN python3 -m venv /venv && ${pip} && /venv/bin/python -c "import tiny_a; print('got', tiny_a.__version__)"\n`;
    expect(await build(state, state.buildkit.address, step, ['--no-cache'])).toContain('got 1.0.0');
  });
});

for (const name of REGISTRY_NAMES) {
  describeEngine(`buildkit to registry ${name}`, ['buildkit', name, 'rootfs'], (state) => {
    test('pushes', async () => {
      // A stage of its own: what is tried here is the registry, not the weight of a base.
      const image = `${state.registries[name].address}/engines/buildkit:1`;
      const steps = `RUN echo ${name} > /file\nFROM scratch\nCOPY --from=0 /file /\n`;
      const log = await build(state, state.buildkit.address, steps, ['--output', `type=image,name=${image},push=true`]);
      expect(log).toMatch(/pushing manifest for \S+ .*done/);
    });
  });
}

describeEngine('buildkit over mTLS', 'buildkitTls', ({ buildkit: { buildctl, tls } }) => {
  const workers = async (ca: string): Promise<string> => {
    const files = ['--tlscacert', ca, '--tlscert', tls.cert, '--tlskey', tls.key];
    return (await run(buildctl, ['--addr', tls.address, ...files, 'debug', 'workers'])).stdout;
  };

  test('answers a client of its CA, and is refused by who trusts another', async () => {
    expect(await workers(tls.ca)).toContain('linux/');
    await expect(workers(tls.otherCa)).rejects.toThrow('certificate signed by unknown authority');
  });

  test('refuses an expired client', async () => {
    // With TLS 1.3 the alert comes after the client's handshake: a client that writes at once may see a broken pipe instead.
    const { hostname, port } = new URL(tls.address);
    const [ca, cert, key] = [tls.ca, tls.expired.cert, tls.expired.key].map((path) => readFileSync(path));
    const socket = connect({ host: hostname, port: Number(port), ALPNProtocols: ['h2'], ca, cert, key });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('certificate expired');
  });
});

/**
 * One declaration, two builders: a base that the embedded builder makes without an engine, and on it a code env that has to be compiled, which
 * Docker makes of the same lock.
 */
import { randomBytes } from 'node:crypto';
import type { Entry, NodeId } from '@rebake/sdk';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fleetMachine, type Machine } from './fleet-rig.ts';

const LONG = 600_000;

describeEngine('a code env that has to be compiled', ['docker', 'rootfs', 'plain'], (state) => {
  let machine: Machine;
  beforeAll(async () => {
    const path = `compiled-${randomBytes(4).toString('hex')}`;
    machine = await fleetMachine(state, path, []);
    const registry = `${state.registries.plain.address}/${path}`;
    machine.write(
      'rebake.config.ts',
      `export default {
  version: 1,
  release: { version: '14.1.2' },
  registries: { eu: { url: '${registry}' } },
  baseImages: { python: { type: 'container-exec', from: { rootfs: './bookworm.tar' }, python: ['3.11'] } },
  containerConfigs: { cpu: { engine: 'kubernetes', base: 'python', registry: 'eu' } },
  codeEnvs: {
    plain: { language: 'python', packages: ['six'] },
    compiled: { language: 'python', packages: ['humanize'] },
  },
  builders: { default: 'oci', engine: { type: 'docker' } },
  build: { ca: ${JSON.stringify(state.ca.path)}, network: 'host' },
};
`,
    );
  });
  afterAll(() => machine[Symbol.dispose]());

  it('goes to the builder that can, on the base that the other made', { timeout: LONG }, async () => {
    const locked = await machine.rebake('lock');
    expect(locked.code, locked.err).toBe(0);
    // Nothing this small really needs a compiler.
    const file = 'pylock.compiled.toml';
    machine.write(file, machine.read(file).replace('[tool.rebake]\n', '[tool.rebake]\ncompiles = ["humanize"]\n'));
    const applied = await machine.rebake('apply', '--auto-approve');
    expect(applied.code, applied.err).toBe(0);
    const listed = await machine.rebake('state', 'list', '--json');
    const { entries } = JSON.parse(listed.out) as { entries: Record<NodeId, Entry> };
    const contents = Object.entries(entries).flatMap(([id, entry]) =>
      id.startsWith('publication/') ? [] : [`${id} ${entry.contents.split('@')[0]}`],
    );
    expect(contents.toSorted()).toEqual([
      'base/python#linux/amd64 layers',
      'env/python/compiled@python#linux/amd64 dockerfile',
      'env/python/plain@python#linux/amd64 layers',
    ]);
    const resolved = await machine.rebake('resolve', '--env', 'compiled', '--config', 'cpu');
    const python = '/opt/dataiku/code-env/bin/python';
    const said = await machine.docker(
      'run',
      '--rm',
      '--network',
      'host',
      '--entrypoint',
      python,
      resolved.out.trim(),
      '-c',
      'import humanize; print(humanize.intcomma(12345))',
    );
    expect(said.trim()).toBe('12,345');
    expect(await machine.rebake('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
  });

  it('is an error before anything is built where no other builder is declared', async () => {
    machine.write('rebake.config.ts', machine.read('rebake.config.ts').replace(", engine: { type: 'docker' }", ''));
    const { code, err } = await machine.rebake('plan');
    expect(code).toBe(1);
    expect(err).toContain('error[LOCK_NEEDS_COMPILER]: The code env `compiled` has packages that have to be compiled');
  });
});

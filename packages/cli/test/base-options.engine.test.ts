/** Options of `build-base-image` on a real Docker: files under other paths in the build context, a proxy of the build alone, packages on another base. */
import { randomBytes } from 'node:crypto';
import type { Entry, NodeId } from '@rebake/sdk';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fleetMachine, type Machine } from './fleet-rig.ts';

const LONG = 600_000;
const PROXY = 'http://proxy.example.com:3128';
const PYTHON = '/opt/dataiku/pyenv/bin/python';

describeEngine('bases with options of their own', ['docker', 'rootfs', 'plain'], (state) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await fleetMachine(state, `options-${randomBytes(4).toString('hex')}`, []);
    machine.write('note.txt', 'from elsewhere\n');
    machine.write(
      'rebake.config.ts',
      `export default {
  version: 1,
  release: { version: '14.1.2' },
  baseImages: {
    python: {
      type: 'container-exec', from: { rootfs: './bookworm.tar' }, python: ['3.11'], packages: ['six==1.16.0'],
      proxy: { http: '${PROXY}', no: '*' },
      copyToBuildenv: [{ from: 'note.txt', to: 'opt/notes/' }],
      fragments: { append: 'COPY opt/notes/note.txt /opt/note.txt\\nRUN test "$http_proxy" = ${PROXY}\\n' },
    },
    more: { type: 'container-exec', from: { base: 'python' }, packages: ['six==1.17.0', 'humanize'] },
  },
  containerConfigs: { local: { engine: 'docker', base: 'more' } },
  codeEnvs: {},
  builders: { default: { type: 'docker' } },
  build: { ca: ${JSON.stringify(state.ca.path)}, network: 'host' },
};
`,
    );
  });
  afterAll(() => machine[Symbol.dispose]());

  it('are built as declared, and the proxy is nowhere in the image', { timeout: LONG }, async () => {
    const applied = await machine.rebake('apply', '--auto-approve');
    expect(applied.code, applied.out + applied.err).toBe(0);
    const listed = await machine.rebake('state', 'list', '--json');
    const { entries } = JSON.parse(listed.out) as { entries: Record<NodeId, Entry> };
    const identity = entries['base/more#linux/amd64' as NodeId]?.output.identity ?? '';
    const inside = (...command: readonly string[]): Promise<string> =>
      machine.docker('run', '--rm', '--entrypoint', command[0] ?? '', identity, ...command.slice(1));
    expect(await inside('cat', '/opt/note.txt')).toBe('from elsewhere\n');
    const versions =
      'import humanize, importlib.metadata as m; print([d.version for d in m.distributions(name="six")])';
    expect((await inside(PYTHON, '-c', versions)).trim()).toBe("['1.17.0']");
    const facts = await machine.docker('image', 'inspect', '--format', '{{json .Config.Env}}', identity);
    expect(facts).toContain('PYTHONPATH');
    expect(facts.toLowerCase()).not.toContain('proxy');
    expect(await machine.rebake('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
  });
});

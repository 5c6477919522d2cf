/** `rebake lock` with the real uv, this machine's package index and its Debian mirror: bases, what is on top of them, and envs on both. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/exit.ts';
import { rig, type Rig } from './rig.ts';

const DECLARATION = `version: 1
release: { version: 14.1.2 }
baseImages:
  python: { type: container-exec, from: { debian: { suite: bookworm } }, python: ["3.11"] }
  tools: { type: container-exec, from: { base: python }, systemPackages: [less] }
containerConfigs:
  cpu: { engine: docker, base: python }
  tools: { engine: docker, base: tools, repository: tools }
codeEnvs:
  sources: { language: python, interpreter: "3.11", packages: ["docopt==0.6.2", "pycrypto==2.6.1"], containerConfigs: all }
  six: { language: python, interpreter: "3.11", packages: [six], containerConfigs: all }
builders: { default: oci, docker: docker }
`;

/** This machine, with a home and a cache of the project's own. */
function machine(project: Rig): Readonly<Record<string, string>> {
  const names = ['PATH', 'SSL_CERT_FILE', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'PIP_INDEX_URL', 'UV_DEFAULT_INDEX'];
  const own = Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  return { ...(own as Record<string, string>), REBAKE_CACHE_DIR: project.path('cache') };
}

interface Lock {
  readonly wanted: readonly string[];
  readonly below: string | null;
  readonly packages: readonly { readonly name: string }[];
}

describe('locks of a declaration that needs no engine', () => {
  it('are made parents first, by name or all, and only what is due again', async () => {
    using project = rig({ 'rebake.yaml': DECLARATION });
    const env = machine(project);
    const debian = (name: string): Lock =>
      JSON.parse(readFileSync(project.path(`debian.${name}.lock.json`), 'utf8')) as Lock;

    // What is below comes along: nobody can lock on top of what is not there.
    const first = await project.rebake('lock tools', { env });
    expect(first).toMatchObject({ code: EXIT.done });
    expect(first.out).toMatch(
      /✓ base-python .* packages {2}first lock[^]*✓ base-tools .* packages? {2}first lock[^]*Locks: 2 written/,
    );
    const [python, tools] = [debian('python'), debian('tools')];
    expect(python.below).toBeNull();
    expect(tools.below).toMatch(/^sha256:/);
    expect(tools.packages.map(({ name }) => name)).toContain('less');
    expect(python.packages.map(({ name }) => name)).not.toContain('less');

    const rest = await project.rebake('lock', { env });
    expect(rest).toMatchObject({ code: EXIT.done });
    expect(rest.out).toContain('Locks: 2 written, 2 up to date.');
    const sources = project.read('pylock.sources.toml');
    // The C library is the base's own. One of the two has C in it; the other is for any machine.
    expect(sources).toContain('glibc = "2.36"\ncompiles = ["pycrypto"]\n');
    expect(sources).not.toMatch(/\$DIR|@/);

    expect(await project.rebake('lock --check', { env: { HOME: project.dir } })).toMatchObject({
      code: EXIT.done,
      out: 'Locks: 4 up to date.\n',
    });
    expect((await project.rebake('validate', { env })).err).not.toMatch(/LOCK_(?:MISSING|OUTDATED|INVALID)/);

    // Below the lock of `tools` something changes: it is outdated, and locked again with what is below.
    project.edit('rebake.yaml', '{ suite: bookworm }', '{ suite: bookworm, packages: [nano] }');
    const due = await project.rebake('lock --check', { env });
    expect(due.err).toContain('nano was added');
    const again = await project.rebake('lock tools', { env });
    expect(again.out).toMatch(/✓ base-python .*\+ \d[^]*Locks: 2 written/);
    expect(debian('python').packages.map(({ name }) => name)).toContain('nano');
    expect(debian('tools').below).not.toBe(tools.below);
  });

  it('say what cannot be had, and lock the rest', async () => {
    using project = rig({
      'rebake.yaml': DECLARATION.replace('systemPackages: [less]', 'systemPackages: [no-such-package-zzz]'),
    });
    const env = machine(project);
    const ran = await project.rebake('lock base-python tools six', { env });
    expect(ran.code).toBe(EXIT.failed);
    expect(ran.out).toContain('Locks: 2 written, 1 failed.');
    expect(ran.err).toMatch(/^rebake\.yaml:5:\d+: error\[LOCK_UNRESOLVABLE\]: .*`base\/tools`: .*no-such-package-zzz/m);
    expect(project.read('pylock.six.toml')).toContain('name = "six"');
  });
});

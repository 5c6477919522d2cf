/** Building on a real engine: what comes out, what may be in it, and what must not. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { candidateTag, digestOfBytes } from '@rebake/image';
import type { Digest, Output } from '@rebake/image';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { beforeAll, expect, it } from 'vitest';
import { baseJob, ctxOf, fragment, keyOf, realBuilds } from './kit.ts';

describeEngine('the docker builder', ['docker', 'rootfs', 'wheels'], (state) => {
  const { builder, docker, folder, run, base: realBase, build } = realBuilds(state);
  let base: Output;

  beforeAll(() => {
    base = realBase();
  });

  it('says who the engine is and what it can do', async () => {
    const { ID } = (await docker.info()) as { ID: string };
    const capabilities = await builder.probe(ctxOf());
    expect(capabilities).toMatchObject({
      engine: ID,
      contents: 'dockerfile@2',
      platforms: ['linux/amd64'],
      reproducible: false,
    });
    expect(capabilities.steps).toContain('python-env@1');
  });

  it('builds a base from a root file system: its identity is the image id, its place the candidate name', async () => {
    const name = `rebake/candidate:${candidateTag(keyOf('base'))}`;
    expect((await docker.getImage(name).inspect()).Id).toBe(base.identity);
    expect(base.at).toEqual([{ engine: ((await docker.info()) as { ID: string }).ID, name }]);
    expect(await builder.inspect({ key: keyOf('base') }, ctxOf())).toEqual({ seen: 'yes', value: base });
    expect(await builder.inspect(base.at[0]!, ctxOf())).toEqual({ seen: 'yes', value: base });
  });

  it('gives the same identity again from the engine’s cache', async () => {
    const { output } = await run(baseJob(state, 'base again'));
    expect(output).toMatchObject({ identity: base.identity });
  });

  it('installs packages through an index and an authority that only the build knows, and leaves no secret behind', async () => {
    const marker = crypto.randomUUID();
    const pipConf = join(folder, 'pip.conf');
    writeFileSync(pipConf, `# ${marker}\n[global]\nindex-url = ${state.wheels.indexUrl}\n`);
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, `# ${marker}\n`);
    const { output, log } = await build(
      'env',
      base,
      [
        {
          step: 'python-env',
          prefix: '/opt/env',
          interpreter: '3.11',
          packages: { requirements: ['tiny-b==2.0.0'] },
          bytecode: false,
        },
        fragment('RUN /opt/env/bin/python -c "import tiny_b; print(\'imported\', tiny_b.__name__)"'),
      ],
      {
        spec: {
          env: { GREETING: 'hällo "you" $HOME' },
          user: 'nobody',
          workdir: '/tmp',
          entrypoint: ['/opt/env/bin/python', '-m', 'x y'],
        },
        access: { secrets: { 'pip-conf': { file: pipConf }, ca: { file: ca } } },
      },
    );
    expect(log).toContain('imported tiny_b');

    const built = await docker.getImage(output.identity).inspect();
    const below = await docker.getImage(base.identity).inspect();
    expect(built.RootFS.Layers!.slice(0, below.RootFS.Layers!.length)).toEqual(below.RootFS.Layers);
    expect(built.Config).toMatchObject({
      User: 'nobody',
      WorkingDir: '/tmp',
      Entrypoint: ['/opt/env/bin/python', '-m', 'x y'],
    });
    expect(built.Config.Env).toContain('GREETING=hällo "you" $HOME');

    let bytes = 0;
    let rest = '';
    for await (const chunk of await docker.getImage(output.identity).get()) {
      const text = rest + (chunk as Buffer).toString('latin1');
      expect(text.includes(marker)).toBe(false);
      rest = text.slice(-marker.length);
      bytes += chunk.length;
    }
    expect(bytes).toBeGreaterThan(100_000_000);
  });

  it('leaves out an optional secret that is missing, and does not serve names that are none', async () => {
    const mount = (id: string) => `RUN --mount=type=secret,id=${id} test ! -e /run/secrets/${id} && echo no ${id}`;
    const { log } = await build('no secret', base, [fragment(`${mount('ca')}\n${mount('constructor')}`)], {
      access: { secrets: { ca: { env: 'NOT_SET', optional: true } } },
    });
    expect(log).toEqual(['no ca', 'no constructor']);
  });

  it('fails with the step, its exit code and what pip said', async () => {
    const pipConf = join(folder, 'pip2.conf');
    writeFileSync(pipConf, `[global]\nindex-url = ${state.wheels.indexUrl}\n`);
    const failed = build(
      'no such package',
      base,
      [
        {
          step: 'python-env',
          prefix: '/opt/env',
          interpreter: '3.11',
          packages: { requirements: ['tiny-a==9.9.9'] },
          bytecode: false,
        },
      ],
      { access: { secrets: { 'pip-conf': { file: pipConf } } } },
    );
    await expect(failed).rejects.toMatchObject({
      error: {
        code: 'STEP_FAILED',
        retry: 'never',
        words: expect.stringMatching(/exit code 1[^]*No matching distribution found for tiny-a==9\.9\.9/) as string,
      },
    });
  });

  it('says what the engine has against a Dockerfile', async () => {
    await expect(build('nonsense', base, [fragment('NONSENSE x')])).rejects.toMatchObject({
      error: { code: 'BUILD_REFUSED', words: expect.stringMatching(/unknown instruction: NONSENSE/) as string },
    });
  });

  it('refuses a parent that is not there, or is another by now, before it builds', async () => {
    const at = base.at[0]!;
    const gone: Output = {
      identity: base.identity,
      at: [{ ...at, name: `rebake/candidate:${candidateTag(digestOfBytes('gone'))}` } as typeof at],
    };
    await expect(build('orphan', gone, [fragment('RUN true')])).rejects.toMatchObject({
      error: { code: 'PARENT_MISSING' },
    });
    const other: Output = { identity: digestOfBytes('other'), at: base.at };
    await expect(build('orphan', other, [fragment('RUN true')])).rejects.toMatchObject({
      error: { code: 'PARENT_MISSING' },
    });
  });

  it('builds side by side', async () => {
    const all = ['a', 'b', 'c', 'd'].map((name) =>
      build(`parallel ${name}`, base, [fragment(`RUN echo ${name} > /${name} && echo built ${name}`)]),
    );
    const done = await Promise.all(all);
    expect(done.map(({ log }) => log)).toEqual([['built a'], ['built b'], ['built c'], ['built d']]);
    expect(new Set(done.map(({ output }) => output.identity)).size).toBe(4);
  });

  it('hands proxies to steps, and to nothing that stays', async () => {
    const proxy = { http: 'http://proxy.example.com:3128', no: 'localhost' };
    const { output, log } = await build('proxy', base, [fragment('RUN echo "$http_proxy $NO_PROXY"')], {
      access: { proxy },
    });
    expect(log).toEqual([`${proxy.http} ${proxy.no}`]);
    const image = docker.getImage(output.identity);
    expect(JSON.stringify([await image.inspect(), await image.history()])).not.toContain('proxy.example.com');
  });

  it('names, finds and removes images, and minds its own engine only', async () => {
    const { output } = await build('named', base, [fragment('RUN echo named > /named')]);
    const name = 'rebake-test/named:1';
    const at = await builder.tag(output, name, ctxOf());
    expect(at).toEqual({ ...output.at[0], name });
    expect(await builder.inspect(at, ctxOf())).toEqual({ seen: 'yes', value: { identity: output.identity, at: [at] } });
    expect(await builder.inspect({ engine: 'another', name }, ctxOf())).toEqual({ seen: 'no' });
    await builder.remove({ engine: 'another', name }, ctxOf());
    expect(await builder.inspect(at, ctxOf())).toMatchObject({ seen: 'yes' });
    await builder.remove(at, ctxOf());
    await builder.remove(at, ctxOf());
    expect(await builder.inspect(at, ctxOf())).toEqual({ seen: 'no' });
    expect(await builder.inspect(output.at[0]!, ctxOf())).toMatchObject({ seen: 'yes' });
  });

  it('does not remove what a container still needs', async () => {
    const { output } = await build('used', base, [fragment('RUN echo used > /used')]);
    const container = await docker.createContainer({ Image: output.identity, Cmd: ['true'] });
    try {
      await expect(builder.remove(output.at[0]!, ctxOf())).rejects.toMatchObject({ error: { code: 'IMAGE_IN_USE' } });
    } finally {
      await container.remove();
    }
  });

  it('does not look into registries', async () => {
    const at = { registry: state.registries.plain.address, repository: 'x', manifest: base.identity as Digest };
    expect(await builder.inspect(at, ctxOf())).toMatchObject({ seen: 'unknown', why: { code: 'LOCATION_ELSEWHERE' } });
    await expect(builder.remove(at, ctxOf())).rejects.toMatchObject({ error: { code: 'LOCATION_ELSEWHERE' } });
  });
});

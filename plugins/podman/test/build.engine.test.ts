/** Building on a real Podman, as root and as a user: what comes out, what may be in it, and what must not. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { candidateTag, digestOfBytes, DOCKERFILE_CONTENTS, DOCKERFILE_STEPS } from '@rebake/image';
import type { Digest, Output } from '@rebake/image';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { beforeAll, expect, it } from 'vitest';
import { baseJob, ctxOf, entryOf, fragment, keyOf, nameOf, realBuilds } from './kit.ts';

describeEngine('the podman builder, rootful', ['podman', 'rootfs', 'wheels'], (state) => builds(state, state.podman));

describeEngine('the podman builder, rootless', ['podmanRootless', 'rootfs', 'wheels'], (state) =>
  builds(state, state.podmanRootless),
);

function builds(
  state: Parameters<typeof realBuilds>[0],
  engine: { readonly host: string; readonly socket: string },
): void {
  const { builder, podman, folder, run, base: realBase, build } = realBuilds(state, engine);
  let base: Output;
  let engineId: string;

  beforeAll(async () => {
    base = realBase();
    engineId = (await builder.probe(ctxOf())).engine;
  });

  it('says who the engine is and what it can do', async () => {
    const capabilities = await builder.probe(ctxOf());
    expect(capabilities).toMatchObject({
      engine: expect.stringMatching(/^podman-[0-9a-f]{32}$/) as string,
      contents: DOCKERFILE_CONTENTS,
      platforms: ['linux/amd64'],
      reproducible: false,
    });
    expect(capabilities.steps).toEqual(DOCKERFILE_STEPS);
  });

  it('builds a base from a root file system: its identity is the image id, its place the candidate name', async () => {
    const image = (await podman.image(`localhost/${nameOf('base')}`))!;
    expect(`sha256:${image.Id}`).toBe(base.identity);
    expect(image.ManifestType).toBe('application/vnd.oci.image.manifest.v1+json');
    expect(image.RootFS.Layers).toHaveLength(1);
    expect(base.at).toEqual([{ engine: engineId, name: nameOf('base') }]);
    expect(await builder.inspect({ key: keyOf('base') }, ctxOf())).toEqual({ seen: 'yes', value: base });
    expect(await builder.inspect(base.at[0]!, ctxOf())).toEqual({ seen: 'yes', value: base });
  });

  it('gives the same identity again from what Podman remembers', async () => {
    expect((await run(baseJob(state, 'base again'))).output.identity).toBe(base.identity);
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
        // Where the secrets were in the context, a COPY of everything would find them.
        fragment('COPY . /everything/'),
        fragment(
          'RUN --mount=type=secret,id=ca,required=true cat /run/secrets/ca && find /everything -type f && /opt/env/bin/python -c "import tiny_b; print(\'imported\', tiny_b.__name__)"',
        ),
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
    expect(log).toContain(`# ${marker}`);
    expect(log.filter((line) => line.startsWith('/everything/')).join()).not.toMatch(/secret|dockerfile/i);

    const built = (await podman.image(output.identity))!;
    const below = (await podman.image(base.identity))!;
    expect(built.RootFS.Layers.slice(0, below.RootFS.Layers.length)).toEqual(below.RootFS.Layers);
    expect(built.Config).toMatchObject({
      User: 'nobody',
      WorkingDir: '/tmp',
      Entrypoint: ['/opt/env/bin/python', '-m', 'x y'],
    });
    expect(built.Config['Env']).toContain('GREETING=hällo "you" $HOME');
    expect(built.Config['Labels'] ?? {}).toEqual({});

    let bytes = 0;
    let rest = '';
    for await (const chunk of podman.save(output.identity)) {
      const text = rest + chunk.toString('latin1');
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

  it('carries out every kind of step', async () => {
    const root = join(folder, 'steps');
    mkdirSync(root);
    writeFileSync(join(root, 'script.sh'), '#!/bin/sh\necho "in $PWD as $(id -u) with $A: $(ls /dev/rebake/job)"\n');
    const files = { root, files: [entryOf(root, 'script.sh', true)] };
    const { log } = await build('steps', base, [
      { step: 'user', name: 'worker', uid: 1_500, gid: 1_600, home: '/home/worker' },
      { step: 'copy', files, to: '/opt/scripts', owner: 'worker:worker' },
      { step: 'copy', files: { root, files: [] }, to: '/opt/empty', owner: '0:0' },
      {
        step: 'run',
        files,
        mount: '/dev/rebake/job',
        workdir: '/srv/job',
        argv: ['/dev/rebake/job/script.sh'],
        env: { A: 'a b' },
      },
      fragment('RUN stat -c "%U:%G %a %n" /home/worker /opt/scripts/script.sh /opt/empty; ls -A /dev/rebake || true'),
    ]);
    expect(log).toContain('in /srv/job as 0 with a b: script.sh');
    expect(log).toContain('worker:root 775 /home/worker');
    expect(log).toContain('worker:worker 755 /opt/scripts/script.sh');
    expect(log).toContain('root:root 755 /opt/empty');
  });

  it('builds a whole Dockerfile, with stages and images pinned by what they are', async () => {
    const root = join(folder, 'whole');
    mkdirSync(root);
    writeFileSync(join(root, 'app.txt'), 'app\n');
    writeFileSync(join(root, 'Dockerfile'), 'not this one\n');
    writeFileSync(join(root, '.dockerignore'), '*\n');
    const files = { root, files: ['.dockerignore', 'Dockerfile', 'app.txt'].map((path) => entryOf(root, path)) };
    const text = [
      'ARG BASE=python',
      'FROM ${BASE}:3 AS first',
      'RUN echo from the first stage > /first.txt',
      'FROM python:3',
      'COPY --from=first /first.txt /x/first.txt',
      'COPY --from=tools:1 /etc/debian_version /x/tools.txt',
      'COPY . /x/',
      'RUN head /x/*',
    ].join('\n');
    const { log, seen } = await build(
      'whole',
      null,
      [{ step: 'dockerfile', text, files, froms: ['python:3', 'tools:1'] }],
      { froms: { 'python:3': base, 'tools:1': base } },
    );
    expect(log).toContain('from the first stage');
    expect(log).toContain('not this one');
    expect(log).toContain('==> /x/tools.txt <==');
    const steps = seen.flatMap((progress) => (progress.type === 'step' ? [progress] : []));
    expect(steps.map(({ index }) => index)).toEqual(steps.map((_step, index) => index + 1));
  });

  it('runs a RUN again when the files are others that a user’s own mount lends to it', async () => {
    const root = join(folder, 'lent');
    mkdirSync(root);
    const step = (text: string) => {
      writeFileSync(join(root, 'lent.txt'), text);
      const files = { root, files: [entryOf(root, 'lent.txt')] };
      return fragment(
        'RUN --mount=type=bind,source=lent.txt,target=/dev/lent.txt cat /dev/lent.txt > /kept.txt && cat /kept.txt',
        files,
      );
    };
    expect((await build('lent one', base, [step('one')])).log).toEqual(['one']);
    expect((await build('lent two', base, [step('two')])).log).toEqual(['two']);
  });

  it('gives builds the network that they are to have', async () => {
    // Of two networks, in which Podman would know the step again.
    const probe = (name: string) => fragment(`RUN : ${name}; tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "`);
    const none = await build('offline', base, [probe('none')], { access: { network: 'none' } });
    expect(none.log).toEqual(['lo']);
    const host = await build('online', base, [probe('host')], { access: { network: 'host' } });
    expect(host.log).toEqual(expect.arrayContaining(Object.keys(networkInterfaces())));
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
        words: expect.stringMatching(
          /^RUN python-env\.sh [^]*exit code 1[^]*No matching distribution found for tiny-a==9\.9\.9/,
        ) as string,
      },
    });
    await expect(build('seven', base, [fragment('RUN exit 7')])).rejects.toMatchObject({
      error: { code: 'STEP_FAILED', words: 'RUN exit 7: exit code 7' },
    });
  });

  it('says what Podman has against a Dockerfile, and what it does not know yet', async () => {
    await expect(build('nonsense', base, [fragment('NONSENSE x')])).rejects.toMatchObject({
      error: { code: 'BUILD_REFUSED', words: expect.stringMatching(/Unknown instruction: "NONSENSE"$/) as string },
    });
    await expect(build('heredoc', base, [fragment('RUN <<END\necho in a heredoc\nEND')])).rejects.toMatchObject({
      error: {
        code: 'STEP_UNSUPPORTED',
        retry: 'elsewhere',
        words: expect.stringMatching(/does not know heredocs/) as string,
      },
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
    const { output, log } = await build('proxy', base, [fragment('RUN echo "$http_proxy $no_proxy $NO_PROXY"')], {
      access: { proxy },
    });
    expect(log).toEqual(['http://proxy.example.com:3128 localhost localhost']);
    expect(JSON.stringify(await podman.image(output.identity))).not.toMatch(/proxy\.example\.com|NO_PROXY=|invalid/);
  });

  it('names, finds and removes images, and minds its own engine only', async () => {
    const { output } = await build('named', base, [fragment('RUN echo named > /named')]);
    for (const name of ['rebake-test/named:1', 'registry.example.com/rebake-test/named:1']) {
      const at = await builder.tag(output, name, ctxOf());
      expect(at).toEqual({ ...output.at[0], name });
      expect(await builder.inspect(at, ctxOf())).toEqual({
        seen: 'yes',
        value: { identity: output.identity, at: [at] },
      });
      expect(await builder.inspect({ engine: 'another', name }, ctxOf())).toEqual({ seen: 'no' });
      await builder.remove({ engine: 'another', name }, ctxOf());
      expect(await builder.inspect(at, ctxOf())).toMatchObject({ seen: 'yes' });
      await builder.remove(at, ctxOf());
      await builder.remove(at, ctxOf());
      expect(await builder.inspect(at, ctxOf())).toEqual({ seen: 'no' });
    }
    expect(await builder.inspect(output.at[0]!, ctxOf())).toMatchObject({ seen: 'yes' });
  });

  it('does not look into registries', async () => {
    const at = { registry: state.registries.plain.address, repository: 'x', manifest: base.identity as Digest };
    expect(await builder.inspect(at, ctxOf())).toMatchObject({ seen: 'unknown', why: { code: 'LOCATION_ELSEWHERE' } });
    await expect(builder.remove(at, ctxOf())).rejects.toMatchObject({ error: { code: 'LOCATION_ELSEWHERE' } });
  });

  it('leaves nothing behind that builds work in', async () => {
    expect(await podman.containers()).toEqual([]);
  });
}

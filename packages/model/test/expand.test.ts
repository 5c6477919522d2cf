import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { inputsReference } from '../src/expand/inputs.ts';
import { declaration, imageOf, ledgerOf, nodeOf, portable, publicationsOf, rig } from './rig-expand.ts';

const SMALL = `version: 1
builders: { default: docker }
release: { version: 14.1.2, kit: ./kit }
registries:
  eu: { url: registry.eu.example.com/dss }
  us: { url: registry.us.example.com/dss, pushUrl: push.us.example.com:5000/dss }
baseImages:
  python:     { type: container-exec, from: { rootfs: ./bookworm.tar }, python: ["3.11"], systemPackages: [libgomp1] }
  python-gpu: { type: container-exec, from: { base: python }, systemPackages: [clinfo] }
containerConfigs:
  cpu-eu: { engine: kubernetes, base: python, registry: eu, repository: cpu }
  gpu-us: { engine: kubernetes, base: python-gpu, registry: us }
  lab:    { engine: docker, base: python, tags: [latest] }
codeEnvs:
  glm: { language: python, interpreter: "3.11", packages: { file: envs/glm.txt } }
  embeddings:
    language: python
    packages: [sentence-transformers]
    containerConfigs: [gpu-us]
    jupyter: true
    resources: { mode: script, script: envs/resources_init.py }
    fragments: { atStart: "RUN first", atEnd: "COPY certs/ /opt/certs/", files: [certs] }
`;
const FILES = {
  'rebake.yaml': SMALL,
  'bookworm.tar': 'a tar',
  'kit/python/dataiku/__init__.py': 'kit',
  'kit/R/code.R': 'kit',
  'kit/web/error.html': 'kit',
  'kit/dss-version.json': '{"product_version":"14.1.2"}',
  'kit/unused': 'never counts',
  'envs/glm.txt':
    "# glm\nscipy==1.11.4; python_version<'3.12'\nscipy==1.13.1; python_version>='3.12'\nFlask == 2.2.5\n",
  'envs/resources_init.py': 'print("hello")\n',
  'certs/company.pem': 'pem',
};

describe('a small fleet', () => {
  it('is these nodes', async () => {
    const { expansion, diagnostics, loading } = await rig(FILES);
    expect([...loading, ...diagnostics]).toEqual([]);
    const shown = expansion.nodes.map((node) => {
      const { inputs, ...rest } = portable(node) as { inputs: Record<string, { digest: string; shown?: string }> };
      return {
        ...rest,
        inputs: Object.fromEntries(
          Object.entries(inputs).map(([key, { digest, shown }]) => [
            key,
            `${digest.slice(7, 15)}${shown === undefined ? '' : ` ${shown}`}`,
          ]),
        ),
      };
    });
    await expect(stringify(shown, { lineWidth: 140 })).toMatchFileSnapshot('goldens/small.yaml');
  });

  it('binds every env and every base to what a config pulls', async () => {
    const { expansion } = await rig(FILES);
    expect(
      expansion.bindings.map(({ env, config, pullName, tag }) => `${env ?? '-'} ${config} ${pullName}:${tag}`),
    ).toEqual([
      '- cpu-eu registry.eu.example.com/dss/cpu/base:dss-14.1.2',
      '- gpu-us registry.us.example.com/dss/python-gpu/base:dss-14.1.2',
      '- lab python/base:latest',
      'glm cpu-eu registry.eu.example.com/dss/cpu/pyenv-glm:dss-14.1.2',
      'glm gpu-us registry.us.example.com/dss/python-gpu/pyenv-glm:dss-14.1.2',
      'glm lab python/pyenv-glm:latest',
      'embeddings gpu-us registry.us.example.com/dss/python-gpu/pyenv-embeddings:dss-14.1.2',
    ]);
    expect(expansion.registries.map((one) => one.host)).toEqual([
      'registry.eu.example.com',
      'push.us.example.com:5000',
      'registry.us.example.com',
    ]);
  });

  it('says how each registry is reached', async () => {
    const text = SMALL.replace('eu.example.com/dss }', 'eu.example.com/dss, ca: eu.pem, parallel: 4 }');
    const { expansion } = await rig({ ...FILES, 'rebake.yaml': text, 'eu.pem': '' });
    expect(expansion.registries[0]).toMatchObject({ host: 'registry.eu.example.com', atOnce: 4 });
    expect(expansion.registries[0]?.ca).toMatch(/^\/.*\/eu\.pem$/);
    expect(expansion.registries[1]).not.toHaveProperty('atOnce');
  });

  it('has parents before children, and each node once', async () => {
    const { expansion } = await rig(FILES);
    const done = new Set<string>();
    for (const node of expansion.nodes) {
      expect(done.has(node.id)).toBe(false);
      for (const parent of node.parents) expect(done.has(parent)).toBe(true);
      done.add(node.id);
    }
  });

  it('is the same in TypeScript', async () => {
    const yaml = await rig(FILES);
    const { 'rebake.yaml': _, ...others } = FILES;
    const { parse } = await import('yaml');
    const body = JSON.stringify(parse(SMALL), null, 2);
    const typescript = await rig({ ...others, 'rebake.config.ts': `export default ${body};\n` });
    expect(portable(typescript.expansion.nodes)).toEqual(portable(yaml.expansion.nodes));
    expect(typescript.expansion.bindings).toEqual(yaml.expansion.bindings);
  });

  it('knows where each input stands', async () => {
    const { expansion, root } = await rig(FILES);
    const { inputs } = nodeOf(expansion, 'env/python/glm@python#linux/amd64');
    expect(inputs['packages/flask']).toMatchObject({
      shown: 'flask==2.2.5',
      at: { file: `${root}/envs/glm.txt`, line: 4, column: 1, path: 'codeEnvs.glm.packages.file' },
    });
    expect(inputs['interpreter']?.at).toMatchObject({ line: 15, path: 'codeEnvs.glm.interpreter' });
  });
});

describe('what a change makes stale', () => {
  async function changed(change: Readonly<Record<string, string>>): Promise<string[]> {
    const before = await rig(FILES);
    const after = await rig({ ...FILES, ...change });
    const keys: string[] = [];
    for (const node of after.expansion.nodes) {
      const was = before.expansion.nodes.find((one) => one.id === node.id);
      if (was === undefined) {
        keys.push(`+ ${node.id}`);
        continue;
      }
      const [a, b] = [ledgerOf(was), ledgerOf(node)];
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        if (a[key] !== b[key]) keys.push(`${node.id} ${key}`);
      if (
        was.role === 'image' &&
        node.role === 'image' &&
        JSON.stringify(portable(was.spec)) !== JSON.stringify(portable(node.spec))
      ) {
        expect(ledgerOf(was)).not.toEqual(ledgerOf(node));
      }
    }
    return keys.filter((key) => !key.startsWith('publication') || !key.includes('tags/'));
  }

  it('a new release: every base, no env', async () => {
    const change = {
      'rebake.yaml': SMALL.replaceAll('14.1.2', '14.1.3'),
      'kit/dss-version.json': '{"product_version":"14.1.3"}',
    };
    expect(await changed(change)).toEqual(
      ['base/python#linux/amd64', 'base/python-gpu#linux/amd64'].flatMap((id) => [
        `${id} kit/dss-version.json`,
        `${id} release/version`,
      ]),
    );
  });

  it.each<[string, Readonly<Record<string, string>>, string[]]>([
    [
      'comments, order and spelling of packages',
      {
        'envs/glm.txt':
          'flask==2.2.5 # web\nscipy == 1.13.1 ; python_version >= "3.12"\nSciPy==1.11.4;python_version<\'3.12\'',
      },
      [],
    ],
    ['a part of the kit that images do not take', { 'kit/unused': 'else' }, []],
    ['CR in text', { 'envs/glm.txt': FILES['envs/glm.txt'].replaceAll('\n', '\r\n') }, []],
    [
      'a package',
      { 'envs/glm.txt': `${FILES['envs/glm.txt']}numpy\n` },
      ['python', 'python-gpu'].map((base) => `env/python/glm@${base}#linux/amd64 packages/numpy`),
    ],
    [
      'a file that a fragment copies',
      { 'certs/company.pem': 'new' },
      ['env/python/embeddings@python-gpu#linux/amd64 fragment-files/certs/company.pem'],
    ],
    [
      'the script of resources',
      { 'envs/resources_init.py': 'x' },
      ['env/python/embeddings@python-gpu#linux/amd64 resources/script'],
    ],
    ['the root file system', { 'bookworm.tar': 'other' }, ['base/python#linux/amd64 from/rootfs']],
    [
      'a file of the kit',
      { 'kit/R/code.R': 'new' },
      ['base/python#linux/amd64 kit/R', 'base/python-gpu#linux/amd64 kit/R'],
    ],
    [
      'jupyter',
      { 'rebake.yaml': SMALL.replace('    jupyter: true\n', '') },
      ['env/python/embeddings@python-gpu#linux/amd64 jupyter'],
    ],
  ])('%s', async (_, change, keys) => {
    expect((await changed(change)).toSorted()).toEqual(keys);
  });

  it('a new config: envs set to all publish there, and nothing else', async () => {
    const more = SMALL.replace('codeEnvs:', '  cpu-us: { engine: kubernetes, base: python, registry: us }\ncodeEnvs:');
    expect(await changed({ 'rebake.yaml': more })).toEqual([
      '+ publication/push.us.example.com:5000/dss/python/pyenv-glm',
    ]);
  });

  it('a new name: another node with the same ledger and the same spec', async () => {
    const before = await rig(FILES);
    const after = await rig({ ...FILES, 'rebake.yaml': SMALL.replace('  glm:', '  other:') });
    const a = imageOf(before.expansion, 'env/python/glm@python#linux/amd64');
    const b = imageOf(after.expansion, 'env/python/other@python#linux/amd64');
    expect(ledgerOf(b)).toEqual(ledgerOf(a));
    expect(b.spec).toEqual(a.spec);
    expect(b.parents).toEqual(a.parents);
  });
});

describe('publications', () => {
  it('put what published bases are built on into their registries, without a tag', async () => {
    const { expansion } = await rig(FILES);
    const tagless = publicationsOf(expansion).filter((one) => one.tags.length === 0);
    expect(tagless.map((one) => `${one.id} ${one.parents.join()}`)).toEqual([
      'publication/push.us.example.com:5000/dss/python/base base/python#linux/amd64',
    ]);
  });

  it('are shared by configs with the same base, registry and repository', async () => {
    const containerConfigs =
      '{ a: { engine: kubernetes, base: python, registry: eu }, b: { engine: docker, base: python, registry: eu, tags: [b] } }';
    const { expansion } = await rig({ 'rebake.yaml': declaration({ containerConfigs }) });
    expect(
      publicationsOf(expansion).map(
        (one) => `${one.repository} ${one.tags.join()} ${one.because.map((where) => where.path).join()}`,
      ),
    ).toEqual([
      'dss/python/base b,dss-14.1.2 containerConfigs.a,containerConfigs.b',
      'dss/python/pyenv-glm b,dss-14.1.2 containerConfigs.a,containerConfigs.b',
    ]);
    expect(expansion.bindings.filter((one) => one.env === 'glm').map((one) => one.tag)).toEqual(['dss-14.1.2', 'b']);
  });

  it('hand bases over to a DSS on the same engine, under the names it looks for', async () => {
    const baseImages =
      '{ python: { type: container-exec, from: { image: a }, python: ["3.11"], repository: dku-exec-base-x1, tags: ["dss-${release.version}", latest] } }';
    const { expansion } = await rig({ 'rebake.yaml': declaration({ baseImages }) });
    const [one] = publicationsOf(expansion);
    expect([one?.id, one?.registry, one?.tags]).toEqual([
      'publication/engine/dku-exec-base-x1',
      null,
      ['dss-14.1.2', 'latest'],
    ]);
  });
});

describe('images', () => {
  it('follow the images of a Dockerfile, for each platform', async () => {
    const files = {
      'rebake.yaml': declaration({
        baseImages:
          '{ python: { type: container-exec, from: { dockerfile: d/Dockerfile, context: d/ctx, args: { V: "12" } }, python: ["3.11"] } }',
        containerConfigs:
          '{ a: { engine: docker, base: python }, b: { engine: docker, base: python, platform: linux/arm64, repository: arm } }',
      }),
      'd/Dockerfile': 'ARG V=11\nFROM tools:${TARGETARCH} AS t\nFROM debian:$V\nCOPY --from=t /a /a\nCOPY x /x\n',
      'd/ctx/x': 'x',
    };
    const { expansion, diagnostics } = await rig(files);
    expect(diagnostics).toEqual([]);
    const base = imageOf(expansion, 'base/python#linux/arm64');
    expect(base.parents).toEqual(['external/tools:arm64#linux/arm64', 'external/debian:12#linux/arm64']);
    expect(base.spec.steps[0]).toMatchObject({
      step: 'dockerfile',
      froms: ['tools:arm64', 'debian:12'],
      files: { files: [{ path: 'x' }] },
    });
    expect(Object.keys(base.inputs)).toEqual([
      'from/context/x',
      'from/dockerfile',
      'platform',
      'python/3.11',
      'release/version',
      'user',
    ]);
    expect(imageOf(expansion, 'base/python#linux/amd64').parents[0]).toBe('external/tools:amd64#linux/amd64');
  });

  it('refuse a Dockerfile that cannot be followed on the platform of a config', async () => {
    const files = {
      'rebake.yaml': declaration({
        baseImages: '{ python: { type: container-exec, from: { dockerfile: Dockerfile }, python: ["3.11"] } }',
        containerConfigs:
          '{ a: { engine: docker, base: python }, b: { engine: docker, base: python, platform: linux/arm64, repository: arm } }',
      }),
      Dockerfile: 'FROM --platform=linux/amd64 a AS x\nFROM --platform=$TARGETPLATFORM a\n',
    };
    const { diagnostics } = await rig(files);
    expect(diagnostics.map(({ code, where }) => `${code} ${where?.path}`)).toEqual([
      'DOCKERFILE_REFERENCE_UNKNOWN containerConfigs.b.platform',
    ]);
  });

  it('join fragments so that a missing newline breaks nothing, in the order of DSS, in its folder', async () => {
    const fragments =
      '{ atEnd: "RUN e", afterPackages: "RUN d\\r\\n\\n", afterCondaPackages: "RUN c", beforePackages: " ", atStart: "RUN a" }';
    const { expansion } = await rig({
      'rebake.yaml': declaration({ codeEnvs: `{ glm: { language: python, fragments: ${fragments} } }` }),
    });
    const { steps } = imageOf(expansion, 'env/python/glm@python#linux/amd64').spec;
    expect(steps.map((step) => (step.step === 'fragment' ? `${step.place}: ${step.text}` : step.step))).toEqual([
      'at-start: WORKDIR /opt/dataiku\nRUN a\n',
      'after-conda-packages: RUN c\n',
      'python-env',
      'after-packages: RUN d\n',
      'at-end: RUN e\n',
    ]);
  });

  it('use the builtin interpreter and the user of the base where the env names none', async () => {
    const baseImages =
      '{ python: { type: container-exec, from: { image: a }, python: ["3.9", "3.11"], user: { name: svc, uid: 1000 } } }';
    const { expansion } = await rig({
      'rebake.yaml': declaration({ baseImages, codeEnvs: '{ glm: { language: python } }' }),
    });
    const { spec, inputs } = imageOf(expansion, 'env/python/glm@python#linux/amd64');
    expect([spec.user, spec.workdir, inputs['interpreter']?.shown]).toEqual(['svc', '/home/svc', '3.9']);
  });

  it('add a kernel for notebooks unless it is listed', async () => {
    const codeEnvs =
      '{ a: { language: python, jupyter: true, packages: [zope] }, b: { language: python, jupyter: true, packages: ["ipykernel<6"] }, c: { language: r, jupyter: true, packages: [zoo] } }';
    const baseImages = '{ python: { type: container-exec, from: { image: a }, python: ["3.11"], r: true } }';
    const { expansion } = await rig({ 'rebake.yaml': declaration({ codeEnvs, baseImages }) });
    const packages = ['python/a', 'python/b', 'r/c'].map((id) => {
      const [step] = imageOf(expansion, `env/${id}@python#linux/amd64`).spec.steps;
      return step?.step === 'python-env' ? step.packages : step?.step === 'r-packages' ? step.names : null;
    });
    expect(packages).toEqual([
      { requirements: ['ipykernel', 'zope'] },
      { requirements: ['ipykernel<6'] },
      ['IRkernel', 'zoo'],
    ]);
  });
});

it('the page of inputs is that of the table', async () => {
  await expect(inputsReference()).toMatchFileSnapshot('../../../docs/reference/inputs.md');
});

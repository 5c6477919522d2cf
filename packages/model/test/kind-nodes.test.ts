/** Nodes that plugins give: what is a node, what is a graph, and what is told of everything else. */
import { digestOf, STEP_VERSIONS, type Image, type Node, type NodeId, type Where } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { checkNodes, type CheckedNodes, type Surroundings } from '../src/expand/kind-nodes.ts';

const AT: Where = { file: 'rebake.yaml', line: 9, column: 3, path: 'nodes.docs' };
const FILES = { root: '/site', files: [{ path: 'pages/a.md', digest: digestOf('a'), exec: false }] };
const FILE = {
  name: 'six-1.17.0-py2.py3-none-any.whl',
  url: 'https://files.example.com/six',
  size: 1,
  digest: digestOf('s'),
};
const LOCKED = [{ name: 'six', version: '1.17.0', marker: null, direct: false, wheels: [FILE], sdist: null }];
const DEBS = [
  { name: 'bash', version: '5.2-1', architecture: 'amd64', path: 'pool/bash.deb', size: 1, digest: digestOf('d') },
];

const base: Image = {
  id: 'base/python#linux/amd64' as NodeId,
  kind: 'base image',
  role: 'image',
  inputs: {},
  parents: [],
  because: [],
  platform: 'linux/amd64',
  builder: 'docker',
  spec: { steps: [], env: {} },
};
const image = {
  id: 'site/docs',
  kind: 'site',
  role: 'image',
  inputs: { page: { digest: digestOf('a'), shown: 'Hello' } },
  parents: [base.id],
  because: [AT],
  platform: 'linux/amd64',
  builder: 'docker',
  spec: { steps: [{ step: 'copy', files: FILES, to: '/site', owner: 'root:root' }], env: { A: 'b' } },
};
const readers = {
  id: 'readers/docs',
  kind: 'readers',
  role: 'publication',
  inputs: {},
  parents: ['site/docs'],
  because: [],
  registry: null,
  repository: 'docs',
  tags: ['v1'],
};
const debian = {
  id: 'external/debian:12#linux/amd64',
  kind: 'external image',
  role: 'external',
  inputs: {},
  parents: [],
  because: [],
  ref: 'debian:12',
  platform: 'linux/amd64',
};

function around(...nodes: readonly Node[]): Surroundings {
  return {
    nodes: new Map([base, ...nodes].map((node) => [node.id, node])),
    owners: new Map(),
    builders: new Set(['docker']),
  };
}

const check = (given: unknown, to = around()): CheckedNodes => checkNodes('docs', given, to, AT);

describe('nodes of a plugin', () => {
  it('come parents first, each as a copy that nobody changes any more', () => {
    const given = [readers, image, debian];
    const { nodes, problems } = check(given);
    expect(problems).toEqual([]);
    expect(nodes.map(({ id }) => id)).toEqual(['site/docs', debian.id, 'readers/docs']);
    expect(nodes[0]).toEqual({ ...image, inputs: { page: { digest: digestOf('a'), shown: 'Hello' } } });
    given[1] = { ...image, id: 'changed' };
    expect(nodes[0]?.id).toBe('site/docs');
  });

  it('are asked for by the declaration, where they do not say by what', () => {
    const { nodes } = check([image, readers, { ...debian, because: [{ file: 7 }, null] }]);
    expect(nodes.map(({ because }) => because)).toEqual([[AT], [AT], [AT]]);
    const other = { file: 'pages.yaml', line: 1, column: 2, path: 'x' };
    expect(check([{ ...image, because: [other] }]).nodes[0]?.because).toEqual([other]);
  });

  it('have inputs that are shown in one line, at places that are places', () => {
    const digest = digestOf('x');
    const inputs = { a: { digest, shown: `two\nlines ${'x'.repeat(100)}`, at: AT }, b: { digest, shown: 7, at: 'x' } };
    const { nodes } = check([{ ...image, inputs }]);
    expect(nodes[0]?.inputs['a']).toEqual({ digest, shown: `two lines ${'x'.repeat(69)}…`, at: AT });
    expect(nodes[0]?.inputs['b']).toEqual({ digest });
  });

  it('may stand on the same image of somebody else’s as other nodes', () => {
    const to = around();
    check([debian, { ...image, parents: [debian.id] }], to);
    const more = { ...image, id: 'site/more', parents: [debian.id] };
    expect(checkNodes('more', [debian, more], to, AT)).toMatchObject({ nodes: [{ id: 'site/more' }], problems: [] });
    const other = { ...debian, ref: 'debian:13' };
    expect(checkNodes('more', [other], to, AT).problems).toEqual([
      `The nodes \`more\`: \`${debian.id}\` has the id of one of the nodes \`docs\``,
    ]);
  });

  it('may use every step that there is', () => {
    const steps = [
      { step: 'rootfs', files: FILES },
      { step: 'fragment', place: 'append', text: 'RUN true\n', files: FILES },
      { step: 'system-packages', family: 'rhel', names: ['x'] },
      { step: 'user', name: 'u', uid: 1000, gid: 0, home: '/home/u' },
      { step: 'python-env', prefix: '/e', interpreter: '3.11', packages: { requirements: ['x'] }, bytecode: false },
      {
        step: 'python-env',
        prefix: '/e',
        interpreter: '3.11',
        packages: { locked: LOCKED, glibc: '2.36' },
        bytecode: true,
      },
      { step: 'debian', suite: 'bookworm', packages: DEBS, mirror: null },
      { step: 'link', folder: '/x', name: 'python', target: '/y' },
      { step: 'r-packages', library: '/r', from: 'cran', names: [] },
      { step: 'copy', files: FILES, to: '/x', owner: 'root:root' },
      { step: 'run', files: FILES, mount: '/m', workdir: '/w', argv: ['true'], env: {} },
    ];
    const spec = { steps, env: {}, buildEnv: {}, user: 'u', workdir: '/', entrypoint: ['/x'] };
    expect(check([{ ...image, parents: [], spec }]).problems).toEqual([]);
    const layout = { step: 'layout', files: FILES, name: null };
    expect(check([{ ...image, parents: [], spec: { steps: [layout], env: {} } }]).problems).toEqual([]);
    const whole = { step: 'dockerfile', text: 'FROM debian:12\n', files: FILES, froms: ['debian:12'] };
    expect(check([debian, { ...image, parents: [debian.id], spec: { steps: [whole], env: {} } }]).problems).toEqual([]);
    const place = { registry: 'registry.example.com', repository: 'dss/glm', tag: null };
    const delegate = { step: 'delegate', kind: 'dss/code-env-images', request: { name: 'glm' }, at: [place] };
    expect(check([{ ...image, spec: { steps: [delegate], env: {} } }]).problems).toEqual([]);
    const names = new Set([...steps, layout, whole, delegate].map(({ step }) => step));
    expect([...names].toSorted()).toEqual(Object.keys(STEP_VERSIONS).toSorted());
  });

  const withStep = (step: unknown): unknown => [{ ...image, spec: { steps: [step], env: {} } }];
  const [copy] = image.spec.steps;

  it.each<[string, unknown]>([
    ['The nodes `docs` are no list', {}],
    ['The nodes `docs`: number 2 is no node', [image, 'site']],
    ['number 1 has no id that can be used', [{ ...image, id: undefined }]],
    ['number 1 has no id that can be used', [{ ...image, id: '__proto__' }]],
    ['number 1 has no id that can be used', [{ ...image, id: 'a b' }]],
    ['number 1 has no id that can be used', [{ ...image, id: '-x' }]],
    ['number 1 has no id that can be used', [{ ...image, id: 'x+' }]],
    ['number 1 has no id that can be used', [{ ...image, id: 'x\n' }]],
    ['number 1 has no id that can be used', [{ ...image, id: 'x'.repeat(301) }]],
    ['`site/docs` has no `kind`, a few words on one line', [{ ...image, kind: 'a\nb' }]],
    ['`site/docs` has a role that is none of', [{ ...image, role: 'index' }]],
    ['`site/docs` has `parents` that are no list of different ids', [{ ...image, parents: 'base' }]],
    ['`site/docs` has `parents` that are no list of different ids', [{ ...image, parents: [base.id, base.id] }]],
    ['`site/docs` has no `inputs`', [{ ...image, inputs: [] }]],
    ['`site/docs` has an input `x` without a digest', [{ ...image, inputs: { x: { digest: 'sha256:1' } } }]],
    ['`site/docs` has an input `x` without a digest', [{ ...image, inputs: { x: 'y' } }]],
    ['`site/docs` has an input whose key is not one line', [{ ...image, inputs: { 'x\n': { digest: digestOf(1) } } }]],
    ['`site/docs` is for a builder that is not declared', [{ ...image, builder: 'podman' }]],
    ['`site/docs` has a platform that is none of', [{ ...image, platform: 'linux/riscv64' }]],
    ['`site/docs` has no `spec`', [{ ...image, spec: null }]],
    ['`site/docs` has a `spec` without `steps`', [{ ...image, spec: { env: {} } }]],
    [
      '`site/docs` has a `spec` with a `env` that cannot be used',
      [{ ...image, spec: { steps: [copy], env: { A: 1 } } }],
    ],
    ['`spec` with a `entrypoint` that cannot', [{ ...image, spec: { steps: [copy], env: {}, entrypoint: '/x' } }]],
    ['has a step that this rebake does not know: number 1', withStep({ step: 'layers' })],
    ['has a step that this rebake does not know: number 1', withStep({ step: 'toString' })],
    ['has a step that this rebake does not know: number 1', withStep(null)],
    ['has a step `copy` with a `to` that cannot be used', withStep({ ...copy, to: 7 })],
    ['has a step `copy` with a `files` that cannot be used', withStep({ ...copy, files: { root: 'here', files: [] } })],
    [
      'has a step `copy` with a `files` that cannot be used',
      withStep({ ...copy, files: { root: '/', files: [{ path: '../x', digest: digestOf(1), exec: true }] } }),
    ],
    [
      'has a step `rootfs` that is not the first',
      [{ ...image, spec: { steps: [copy, { step: 'rootfs', files: FILES }], env: {} } }],
    ],
    ['`site/docs` stands on `theme`, which is no node', [{ ...image, parents: ['theme'] }]],
    ['`site/docs` stands on nothing', [{ ...image, parents: [] }]],
    ['`site/docs` stands on a publication', [image, readers, { ...image, parents: ['readers/docs'] }].slice(1)],
    [
      'stands on `external/debian:12#linux/amd64`, which is for linux/arm64',
      [
        { ...debian, platform: 'linux/arm64' },
        { ...image, parents: [debian.id] },
      ],
    ],
    ['is external, and stands on something all the same', [{ ...debian, parents: [base.id] }]],
    ['has a `ref` that is no image reference', [{ ...debian, ref: 'https://x' }]],
    ['`readers/docs` publishes something else than one image', [{ ...readers, parents: [] }]],
    ['`readers/docs` publishes something else than one image', [debian, { ...readers, parents: [debian.id] }]],
    ['has a `registry` that is neither', [image, { ...readers, registry: 'https://x' }]],
    ['has a `repository` that is no repository path', [image, { ...readers, repository: '../x' }]],
    ['has `tags` that are no different tags', [image, { ...readers, tags: ['a', 'a'] }]],
    ['has `tags` that are no different tags', [image, { ...readers, tags: ['rebake-1'] }]],
    [
      '`readers/again` publishes to `the engine/docs`, where another node publishes',
      [image, readers, { ...readers, id: 'readers/again' }],
    ],
    ['`site/docs` has the id of another of them', [image, image]],
    [`\`${base.id}\` has the id of a node of the declaration`, [{ ...image, id: base.id }]],
    [
      'stands on itself',
      [
        { ...image, id: 'a', parents: ['b'] },
        { ...image, id: 'b', parents: ['a'] },
      ],
    ],
    [
      'number 1 cannot be read',
      [
        {
          get id() {
            throw new Error('no');
          },
        },
      ],
    ],
  ])('are none of them in the graph where one is none: %s', (words, given) => {
    const to = around();
    const before = to.nodes.size;
    const { nodes, problems } = check(given, to);
    expect(problems).toEqual(expect.arrayContaining([expect.stringContaining(words)]));
    expect(problems.join()).not.toMatch(/undefined|\[object/);
    expect([nodes, to.nodes.size]).toEqual([[], before]);
  });

  it('that are all wrong are not all told', () => {
    expect(check(Array.from({ length: 100 }, () => ({}))).problems).toHaveLength(5);
  });
});

import { describe, expect, it } from 'vitest';
import type { Node } from '@rebake/sdk';
import { means, selectNodes, shortNames } from '../src/index.ts';
import { distance, nearest } from '../src/nearest.ts';
import { external, id, image, publication } from './scene.ts';

const BASE = 'base/python#linux/amd64';
const GLM = 'env/python/glm@python#linux/amd64';
const NLP = 'env/python/nlp@python#linux/amd64';
const PUB = 'publication/registry.test:5000/dss/cpu/pyenv-glm';

const nodes: readonly Node[] = [
  external('external/docker.io/library/debian:12#linux/amd64'),
  image(BASE, ['external/docker.io/library/debian:12#linux/amd64']),
  image(GLM, [BASE]),
  image(NLP, [BASE]),
  image('env/r/stats@r#linux/amd64'),
  publication(PUB, GLM),
];

function names(...targets: readonly string[]): readonly string[] {
  const selected = selectNodes(nodes, targets, 'alone');
  return selected.ok
    ? selected.nodes
    : selected.problems.map(({ code, target, candidates }) => `${code} ${target}: ${candidates.join(' ')}`);
}

describe('names of one node', () => {
  it.each([
    [GLM, GLM],
    ['glm', GLM],
    ['python/glm', GLM],
    ['env/glm', GLM],
    ['env/python/glm', GLM],
    ['glm@python', GLM],
    ['python/glm@python', GLM],
    ['env/glm@python', GLM],
    ['glm#linux/amd64', GLM],
    ['glm@python#linux/amd64', GLM],
    ['base/python', BASE],
    ['python', BASE],
    ['pyenv-glm', PUB],
    ['cpu/pyenv-glm', PUB],
    ['publication/pyenv-glm', PUB],
    ['debian:12', 'external/docker.io/library/debian:12#linux/amd64'],
  ])('%s', (typed, node) => {
    expect(names(typed)).toEqual([node]);
  });

  it.each([
    'lm',
    'base/glm',
    'glm@r',
    'glm#linux/arm64',
    'glm@',
    'glm#',
    'env/',
    '/glm',
    '',
    '@python',
    '#linux/amd64',
    'env/thon/glm',
    'glm/python',
  ])('not %j', (typed) => {
    expect(nodes.filter((node) => means(typed, node.id))).toEqual([]);
  });

  it('does not take a part of the role for the role', () => {
    expect(means('en/glm', id(GLM))).toBe(false);
    expect(means('env/glm', id('environment/python/glm'))).toBe(false);
    expect(means('glm', id('glm'))).toBe(true);
  });
});

describe('selectNodes', () => {
  it('takes the needed ancestors along, parents first', () => {
    expect(selectNodes(nodes, ['glm'])).toEqual({
      ok: true,
      nodes: ['external/docker.io/library/debian:12#linux/amd64', BASE, GLM],
    });
    expect(selectNodes(nodes, ['glm'], 'with-ancestors')).toEqual(selectNodes(nodes, ['glm']));
  });

  it('takes descendants along with a plus, and what those need', () => {
    const more = [...nodes, image('tool'), image('env/python/x@python#linux/amd64', [BASE, 'tool'])];
    const selected = selectNodes(more, ['base/python+']);
    expect(selected.ok && [...selected.nodes].toSorted()).toEqual(
      more
        .map((node) => node.id)
        .filter((name) => !name.includes('/r/'))
        .toSorted(),
    );
    expect(names('glm+')).toEqual([GLM, PUB]);
  });

  it('joins targets, each node once', () => {
    expect(names('nlp', 'glm', 'glm+')).toEqual([GLM, NLP, PUB].toSorted());
    expect(names()).toEqual([]);
  });

  it('prefers a whole id, even if it ends in a plus or is the end of another', () => {
    const odd = [image('c++'), image('c+'), image('x/c++', ['c++'])];
    expect(selectNodes(odd, ['c++'], 'alone')).toEqual({ ok: true, nodes: ['c++'] });
    expect(selectNodes(odd, ['c+++'], 'alone')).toEqual({ ok: true, nodes: ['c++', 'x/c++'] });
  });

  it('names all that an ambiguous target may mean', () => {
    const two = [...nodes, image('env/r/glm@r#linux/amd64')];
    expect(selectNodes(two, ['glm', 'r/glm'])).toEqual({
      ok: false,
      problems: [{ code: 'TARGET_AMBIGUOUS', target: 'glm', candidates: [GLM, 'env/r/glm@r#linux/amd64'] }],
    });
    const many = Array.from({ length: 12 }, (_, at) => image(`env/l${at}/same`));
    const selected = selectNodes(many, ['same+']);
    expect(!selected.ok && selected.problems[0]?.candidates).toEqual([
      'env/l0/same',
      'env/l1/same',
      'env/l10/same',
      'env/l11/same',
      'env/l2/same',
      'env/l3/same',
      'env/l4/same',
      'env/l5/same',
    ]);
  });

  it('suggests the nearest names for an unknown one, and tells all problems at once', () => {
    expect(names('gml', 'stast+', 'qqqqqqqq')).toEqual([
      `TARGET_UNKNOWN gml: ${GLM}`,
      'TARGET_UNKNOWN stast+: env/r/stats@r#linux/amd64',
      'TARGET_UNKNOWN qqqqqqqq: ',
    ]);
    expect(names('env/python/glmm@python')).toEqual([`TARGET_UNKNOWN env/python/glmm@python: ${GLM}`]);
  });
});

describe('shortNames', () => {
  const short = (...ids: readonly string[]): readonly (string | undefined)[] => {
    const all = shortNames(ids.map(id));
    return ids.map((name) => all.get(id(name)));
  };

  it('drops platform, base and language while the name stays unique', () => {
    expect(short(GLM, BASE, PUB)).toEqual(['env/glm', 'base/python', 'publication/pyenv-glm']);
    expect(short(GLM, 'env/r/glm@python#linux/amd64')).toEqual(['env/python/glm', 'env/r/glm']);
    expect(short(GLM, 'env/python/glm@gpu#linux/amd64')).toEqual(['env/python/glm@python', 'env/python/glm@gpu']);
    expect(short(GLM, 'env/python/glm@python#linux/arm64')).toEqual([GLM, 'env/python/glm@python#linux/arm64']);
    expect(short('external/debian@sha256:12#linux/amd64')).toEqual(['external/debian']);
    expect(short('alone', 'base/x')).toEqual(['alone', 'base/x']);
  });

  it('shortens only what stays unique at each step', () => {
    expect(short(GLM, 'env/python/glm@gpu#linux/amd64', 'env/python/glm@gpu#linux/arm64')).toEqual([
      'env/python/glm@python',
      'env/python/glm@gpu#linux/amd64',
      'env/python/glm@gpu#linux/arm64',
    ]);
  });

  it('takes an id that is given twice for one', () => {
    expect(shortNames([id(GLM), id(GLM)])).toEqual(new Map([[id(GLM), 'env/glm']]));
  });

  it('falls back to whole ids where short names of different kinds meet', () => {
    expect(short('a/x@b@c', 'a/x@b@d', 'a/x@b')).toEqual(['a/x@b@c', 'a/x@b@d', 'a/x']);
    expect(short('a@b#c', 'a@b#d#e', 'a@b')).toEqual(['a@b#c', 'a@b#d#e', 'a@b']);
  });

  it('gives names that mean their node', () => {
    const all = nodes.map((node) => node.id);
    for (const [node, name] of shortNames(all)) expect(all.filter((other) => means(name, other))).toEqual([node]);
  });
});

describe('distance', () => {
  it.each([
    ['', '', 0],
    ['glm', 'glm', 0],
    ['glm', 'gml', 1],
    ['glm', 'gl', 1],
    ['gl', 'glm', 1],
    ['glm', 'xlm', 1],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['abcd', 'badc', 2],
    ['abc', 'cab', 2],
    ['', 'abc', 3],
  ])('of %j and %j is %i', (a, b, far) => {
    expect(distance(a, b, 10)).toBe(far);
    expect(distance(b, a, 10)).toBe(far);
  });

  it('gives up above the limit', () => {
    expect(distance('kitten', 'sitting', 3)).toBe(3);
    expect(distance('kitten', 'sitting', 2)).toBe(3);
    expect(distance('a', 'abcdef', 2)).toBe(3);
    expect(distance('aaaaaaaa', 'bbbbbbbb', 2)).toBe(3);
  });
});

describe('nearest', () => {
  it('sorts by distance, keeps the order of equals, and leaves out what is far', () => {
    const items = ['glm', 'gl', 'glmm', 'nothing', 'xglm'];
    expect(nearest('glmm', items, (item) => item, 3)).toEqual(['glmm', 'glm', 'gl']);
    expect(nearest('x', ['y', 'xy', 'abc'], (item) => item, 3)).toEqual(['y', 'xy']);
  });
});

import type { Cause, Digest, Entry, Node, NodeId } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { judge, keyOf, own } from '../src/index.ts';
import { digest, external, id, image, input, inputs, publication, Scene, SOMEWHERE } from './scene.ts';

const one = digest('one');
const two = digest('two');

describe('own', () => {
  it('counts keys and digests', () => {
    expect(own(inputs({ a: '1', b: '2' }))).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(own(inputs({ a: '1', b: '2' }))).toBe(own(inputs({ b: '2', a: '1' })));
    expect(own(inputs({ a: '1' }))).not.toBe(own(inputs({ a: '2' })));
    expect(own(inputs({ a: '1' }))).not.toBe(own(inputs({ b: '1' })));
    expect(own(inputs({ a: '1' }))).not.toBe(own(inputs({ a: '1', b: '1' })));
  });

  it('does not count what is for people', () => {
    expect(own({ a: { digest: one } })).toBe(own({ a: { digest: one, shown: 'one', at: SOMEWHERE } }));
  });

  it('takes any name for a key', () => {
    const hostile = JSON.parse(`{"__proto__": {"digest": "${one}"}, "constructor": {"digest": "${two}"}}`) as Record<
      string,
      { digest: Digest }
    >;
    expect(own(hostile)).not.toBe(own({}));
    expect(own(hostile)).not.toBe(own({ constructor: { digest: two } } as never));
  });
});

describe('keyOf', () => {
  it('counts inputs, contents class and parents in their order, and nothing else', () => {
    const node = image('a');
    const key = keyOf(node, 'dockerfile@1', [one, two]);
    expect(keyOf(image('b', ['p'], { builder: 'other' }), 'dockerfile@1', [one, two])).toBe(key);
    expect(keyOf(node, 'dockerfile@2', [one, two])).not.toBe(key);
    expect(keyOf(node, 'dockerfile@1', [two, one])).not.toBe(key);
    expect(keyOf(node, 'dockerfile@1', [one])).not.toBe(key);
    expect(keyOf(image('a', [], { inputs: { text: '2' } }), 'dockerfile@1', [one, two])).not.toBe(key);
  });
});

describe('judge', () => {
  const scene = new Scene(
    external('external/x'),
    image('p'),
    image('node', ['p', 'external/x'], { inputs: { b: '1', a: '1' } }),
    publication('pub', 'node'),
  ).built();
  const entry = scene.entries.get(id('node'))!;
  const parents = new Map<NodeId, Digest>(scene.nodes.map((node) => [node.id, scene.identity(node.id)]));
  const roleOf = (name: NodeId): Node['role'] | undefined => scene.nodes.find((node) => node.id === name)?.role;
  const codes = (causes: readonly Cause[]): readonly string[] =>
    causes.map((cause) => ('key' in cause ? `${cause.code} ${cause.key}` : cause.code));

  function judged(
    node: Node,
    more: { entry?: Partial<Entry>; contents?: string; parents?: ReadonlyMap<NodeId, Digest> } = {},
  ): readonly Cause[] {
    return judge(node, { ...entry, ...more.entry }, more.contents ?? entry.contents, more.parents ?? parents, roleOf);
  }

  it('finds nothing where everything equals the entry', () => {
    expect(judged(scene.node('node'))).toEqual([]);
  });

  it('says where a node without an entry was asked for', () => {
    expect(judge(scene.node('node'), undefined, '', parents, roleOf)).toEqual([
      { code: 'NEVER_BUILT', because: [SOMEWHERE] },
    ]);
  });

  it('tells inputs apart, sorted by the bytes of their keys', () => {
    const node = image('node', ['p', 'external/x'], { inputs: { z: '1', '\u{1f600}': '1', '\uffee': '1', b: '2' } });
    expect(judged(node)).toEqual([
      { code: 'INPUT_REMOVED', key: 'a', from: input('1') },
      { code: 'INPUT_CHANGED', key: 'b', from: input('1'), to: input('2') },
      { code: 'INPUT_ADDED', key: 'z', to: input('1') },
      { code: 'INPUT_ADDED', key: '\uffee', to: input('1') },
      { code: 'INPUT_ADDED', key: '\u{1f600}', to: input('1') },
    ]);
  });

  it('compares digests, not texts', () => {
    const node = {
      ...scene.node('node'),
      inputs: { a: { digest: digest('1') }, b: { digest: digest('1'), shown: 'other words' } },
    };
    expect(judged(node)).toEqual([]);
  });

  it('is not fooled by names of the language', () => {
    expect(
      codes(judged({ ...scene.node('node'), inputs: { ...inputs({ a: '1', b: '1' }), toString: input('1') } })),
    ).toEqual(['INPUT_ADDED toString']);
    const before = { ...entry.inputs, toString: input('1') };
    expect(codes(judged(scene.node('node'), { entry: { inputs: before } }))).toEqual(['INPUT_REMOVED toString']);
  });

  it('compares the contents class of images alone', () => {
    expect(judged(scene.node('node'), { contents: 'layers@1' })).toEqual([
      { code: 'CONTENTS_CHANGED', from: 'dockerfile@1', to: 'layers@1' },
    ]);
    expect(judge(scene.node('pub'), scene.entries.get(id('pub')), 'whatever', parents, roleOf)).toEqual([]);
    expect(judge(scene.node('external/x'), scene.entries.get(id('external/x')), 'whatever', parents, roleOf)).toEqual(
      [],
    );
  });

  it('names parents by their role, in the order of the node, after the contents class', () => {
    const moved = new Map([
      [id('p'), one],
      [id('external/x'), two],
    ]);
    expect(judged(scene.node('node'), { parents: moved, contents: 'layers@1' })).toEqual([
      { code: 'CONTENTS_CHANGED', from: 'dockerfile@1', to: 'layers@1' },
      { code: 'PARENT_CHANGED', parent: 'p', from: scene.identity('p'), to: one },
      { code: 'EXTERNAL_MOVED', parent: 'external/x', from: scene.identity('external/x'), to: two },
    ]);
  });

  it('says null for a parent that is new', () => {
    expect(
      judged(scene.node('node'), { entry: { parents: { [id('external/x')]: scene.identity('external/x') } } }),
    ).toEqual([{ code: 'PARENT_CHANGED', parent: 'p', from: null, to: scene.identity('p') }]);
  });

  it('names a parent that is none any more as a removed input', () => {
    const before = { ...entry.parents, [id('gone')]: one };
    expect(judged(scene.node('node'), { entry: { parents: before } })).toEqual([
      { code: 'INPUT_REMOVED', key: 'parent/gone', from: { digest: one, shown: 'gone' } },
    ]);
  });

  it('names both where one parent has taken the place of another', () => {
    const before = { [id('gone')]: one, [id('external/x')]: scene.identity('external/x') };
    expect(codes(judged(scene.node('node'), { entry: { parents: before } }))).toEqual([
      'PARENT_CHANGED',
      'INPUT_REMOVED parent/gone',
    ]);
  });

  it('does not compare a parent that is not known yet', () => {
    expect(judged(scene.node('node'), { parents: new Map([[id('external/x'), two]]) }).map(({ code }) => code)).toEqual(
      ['EXTERNAL_MOVED'],
    );
    expect(judged(scene.node('node'), { parents: new Map() })).toEqual([]);
  });

  it('notices the same parents in another order by the key', () => {
    const node = image('node', ['external/x', 'p'], { inputs: { b: '1', a: '1' } });
    expect(judged(node)).toEqual([
      { code: 'EXTERNAL_MOVED', parent: 'external/x', from: null, to: scene.identity('external/x') },
    ]);
    expect(judged(node, { entry: { key: null } })).toEqual([]);
    expect(judged(node, { parents: new Map([[id('p'), scene.identity('p')]]) })).toEqual([]);
  });

  it('does not ask the key where an order cannot differ', () => {
    const single = new Scene(image('p'), image('node', ['p'])).built();
    const known = new Map([[id('p'), single.identity('p')]]);
    expect(
      judge(single.node('node'), { ...single.entries.get(id('node'))!, key: one }, 'dockerfile@1', known, roleOf),
    ).toEqual([]);
    expect(
      judge(single.node('p'), { ...single.entries.get(id('p'))!, key: one }, 'dockerfile@1', known, roleOf),
    ).toEqual([]);
  });
});

/** What comes from the engine's API or from a state file is checked before it is used. */
import { candidateTag } from '@rebake/image';
import type { Progress } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { readJsonLines } from '../src/json-lines.ts';
import type { EngineLine } from '../src/json-lines.ts';
import { imageOf, infoOf } from '../src/engine-answers.ts';
import { candidateName, checkBelow, parseName, pullReference, registryName } from '@rebake/sdk/building';
import { transferProgress } from '../src/transfer-progress.ts';

const digest = `sha256:${'a'.repeat(64)}` as const;

async function read(...chunks: (string | Buffer)[]): Promise<EngineLine[]> {
  async function* stream() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const lines: EngineLine[] = [];
  for await (const line of readJsonLines(stream())) lines.push(line);
  return lines;
}

describe('lines of progress', () => {
  it('are read across chunks, with the fields that have the right type', async () => {
    const text = Buffer.from(
      '{"status":"Größe","id":"a","progressDetail":{"current":1,"total":2}}\r\n{"aux":{"Digest":"d"}}\n{"status":7}',
    );
    expect(await read(text.subarray(0, 14), text.subarray(14))).toEqual([
      { status: 'Größe', id: 'a', current: 1, total: 2 },
      { digest: 'd' },
      {},
    ]);
  });

  it('carry errors, the detailed one first; what is no object is passed over', async () => {
    expect(
      await read('{"error":"short","errorDetail":{"message":"long"}}\n{"error":"only"}\nnull\n[]\ngarbage\n'),
    ).toEqual([{ error: 'long' }, { error: 'only' }]);
  });

  it('become bytes over all layers, and log lines', () => {
    const seen: Progress[] = [];
    const take = transferProgress((progress) => seen.push(progress));
    take({ id: 'a', status: 'Preparing' });
    take({ id: 'a', status: 'Pushing', current: 10, total: 100 });
    take({ id: 'b', status: 'Pushing', current: 5, total: 0 });
    take({ id: 'a', status: 'Pushing', current: 10, total: 100 });
    take({ id: 'a', status: 'Pushed' });
    take({ status: 'latest: digest: x' });
    take({ digest });
    expect(seen).toEqual([
      { type: 'log', text: 'a: Preparing' },
      { type: 'bytes', done: 10, of: 100 },
      { type: 'bytes', done: 15, of: 105 },
      { type: 'log', text: 'a: Pushed' },
      { type: 'log', text: 'latest: digest: x' },
    ]);
  });
});

describe('names', () => {
  it('are repository and tag', () => {
    expect(parseName('reg.example.com:5000/a/b:1')).toEqual({ repository: 'reg.example.com:5000/a/b', tag: '1' });
    expect(parseName(candidateName(digest))).toEqual({ repository: 'rebake/candidate', tag: candidateTag(digest) });
  });

  it.each(['a', `a@${digest}`, 'a:b/../../containers/json?x=', 'A:b', '', 'a:b c', 'a:b\n'])('cannot be %j', (name) => {
    expect(() => parseName(name)).toThrow(/NAME_INVALID/);
  });

  it('in registries are checked, too', () => {
    expect(pullReference({ registry: 'r.example.com', repository: 'a/b', manifest: digest })).toBe(
      `r.example.com/a/b@${digest}`,
    );
    expect(() => pullReference({ registry: 'r.example.com', repository: '../x', manifest: digest })).toThrow(
      /NAME_INVALID/,
    );
    expect(() => pullReference({ registry: 'r.example.com', repository: 'x', manifest: 'sha256:zz' })).toThrow(
      /NAME_INVALID/,
    );
  });

  it('of registries are read by Docker as they are meant', () => {
    expect(registryName('localhost', 'a', '1')).toEqual({ repository: 'localhost/a', tag: '1' });
    expect(() => registryName('intranet', 'a', '1')).toThrow(/NAME_INVALID/);
  });
});

describe('an engine about itself', () => {
  const info = {
    ID: 'ABCD:EFGH',
    OSType: 'linux',
    Architecture: 'aarch64',
    DriverStatus: [['Backing Filesystem', 'extfs']],
  };

  it('has an id and a platform', () => {
    expect(infoOf(info, 'x')).toEqual({ id: 'ABCD:EFGH', platform: 'linux/arm64' });
  });

  it.each([
    [
      { ...info, DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']] },
      /ENGINE_UNSUPPORTED: x keeps its images in containerd's store/,
    ],
    [{ ...info, OSType: 'windows' }, /ENGINE_UNSUPPORTED: x runs on windows/],
    [{ ...info, Architecture: 'riscv64' }, /ENGINE_UNSUPPORTED: x runs on linux\/riscv64/],
    [{ ...info, ID: '' }, /ENGINE_ANSWER_INVALID/],
    [{ ...info, ID: 'a\nb' }, /ENGINE_ANSWER_INVALID/],
    ['<html>', /ENGINE_ANSWER_INVALID/],
    [null, /ENGINE_ANSWER_INVALID/],
  ])('is refused for %j', (answer, expected) => {
    expect(() => infoOf(answer, 'x')).toThrow(expected);
  });
});

describe('an engine about an image', () => {
  it('gives its id and its layers', () => {
    expect(imageOf({ Id: digest, RootFS: { Type: 'layers', Layers: [digest] } })).toEqual({
      id: digest,
      layers: [digest],
    });
    expect(imageOf({ Id: digest, RootFS: { Type: 'layers' } })).toEqual({ id: digest, layers: [] });
  });

  it.each([
    { Id: '../x', RootFS: {} },
    { Id: digest, RootFS: { Layers: ['x'] } },
    { Id: digest, RootFS: { Layers: {} } },
    { Id: digest },
  ])('is refused for %j', (answer) => {
    expect(() => imageOf(answer)).toThrow(/ENGINE_ANSWER_INVALID/);
  });
});

describe('what was built', () => {
  const image = (...layers: string[]) => ({ id: digest, layers: layers.map((layer) => `sha256:${layer}` as const) });

  it('begins with the layers of its parent', () => {
    checkBelow(image('a', 'b'), image('a', 'b', 'c'));
    checkBelow(image('a'), image('a'));
    checkBelow(null, image('a'));
  });

  it.each([[['b', 'a']], [['a']], [[]]])('is refused with the layers %j on a parent of a and b', (layers) => {
    expect(() => checkBelow(image('a', 'b'), image(...layers))).toThrow(/PARENT_NOT_BELOW/);
  });
});

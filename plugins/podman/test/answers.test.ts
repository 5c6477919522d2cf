/** What comes from Podman is checked before it is used. */
import { describe, expect, it } from 'vitest';
import { imageOf, infoOf, versionOf } from '../src/answers.ts';
import { readJsonLines } from '../src/json-lines.ts';
import type { PodmanLine } from '../src/json-lines.ts';

const hex = 'a'.repeat(64);
const digest = `sha256:${hex}` as const;
const version = { text: '4.3.1', major: 4, minor: 3 };

describe('a version', () => {
  it('is that of the API', () => {
    expect(versionOf('4.3.1', 'x')).toEqual(version);
    expect(versionOf('5.8.0-rc1', 'x')).toEqual({ text: '5.8.0-rc1', major: 5, minor: 8 });
  });

  it.each([undefined, '', '4', 'four', '4.3', '4.3.1\n'])('is none: %j', (header) => {
    expect(() => versionOf(header, 'x')).toThrow(/ENGINE_UNSUPPORTED: x is no Podman/);
  });

  it('can be too old', () => {
    expect(() => versionOf('3.4.4', 'x')).toThrow(
      /ENGINE_UNSUPPORTED: x is Podman 3\.4\.4; rebake needs 4\.0 or later/,
    );
  });
});

describe('a Podman about itself', () => {
  const info = {
    host: { arch: 'arm64', os: 'linux', hostname: 'build1', idMappings: { gidmap: null, uidmap: null } },
    store: { graphRoot: '/var/lib/containers/storage', graphDriverName: 'overlay' },
  };
  const rootless = (uid: number) => ({
    ...info,
    host: {
      ...info.host,
      idMappings: {
        uidmap: [
          { container_id: 0, host_id: uid, size: 1 },
          { container_id: 1, host_id: 100_000, size: 65_536 },
        ],
      },
    },
  });

  it('has a platform, and an id that stays', () => {
    expect(infoOf(info, version, 'x')).toEqual({
      id: expect.stringMatching(/^podman-[0-9a-f]{32}$/) as string,
      platform: 'linux/arm64',
      version,
    });
    expect(infoOf({ ...info, version: {} }, { ...version, minor: 9 }, 'y').id).toBe(infoOf(info, version, 'x').id);
  });

  it('is another with another storage, owner or machine, and another way is none where the machine has a name', () => {
    const other = { ...info, store: { ...info.store, graphRoot: '/other' } };
    const machine = { ...info, host: { ...info.host, hostname: 'localhost.localdomain' } };
    const all = [
      infoOf(info, version, 'x'),
      infoOf(other, version, 'x'),
      infoOf(rootless(1000), version, 'x'),
      infoOf(rootless(1001), version, 'x'),
      infoOf(machine, version, 'ssh://core@127.0.0.1:1/run/a'),
      infoOf(machine, version, 'ssh://core@127.0.0.1:2/run/a'),
    ];
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it.each([
    [{ ...info, host: { ...info.host, os: 'windows' } }, /ENGINE_UNSUPPORTED: x runs on windows/],
    [{ ...info, host: { ...info.host, arch: 's390x' } }, /ENGINE_UNSUPPORTED: x runs on linux\/s390x/],
    [{ ...info, store: { graphRoot: 7 } }, /ENGINE_ANSWER_INVALID/],
    [{ host: info.host }, /ENGINE_ANSWER_INVALID/],
    ['<html>', /ENGINE_ANSWER_INVALID/],
    [null, /ENGINE_ANSWER_INVALID/],
  ])('is refused for %j', (answer, expected) => {
    expect(() => infoOf(answer, version, 'x')).toThrow(expected);
  });
});

describe('a Podman about an image', () => {
  it('gives its id and its layers', () => {
    expect(imageOf({ Id: hex, RootFS: { Type: 'layers', Layers: [digest] } })).toEqual({
      id: digest,
      layers: [digest],
    });
    expect(imageOf({ Id: digest, RootFS: { Type: 'layers', Layers: null } })).toEqual({ id: digest, layers: [] });
  });

  it.each([
    { Id: '../x', RootFS: {} },
    { Id: hex, RootFS: { Layers: ['x'] } },
    { Id: hex, RootFS: { Layers: {} } },
    { Id: hex },
    null,
  ])('is refused for %j', (answer) => {
    expect(() => imageOf(answer)).toThrow(/ENGINE_ANSWER_INVALID/);
  });
});

describe('lines', () => {
  async function read(...chunks: (string | Buffer)[]): Promise<PodmanLine[]> {
    async function* stream() {
      for (const chunk of chunks) yield Buffer.from(chunk);
    }
    const lines: PodmanLine[] = [];
    for await (const line of readJsonLines(stream())) lines.push(line);
    return lines;
  }

  it('are read across chunks, with the fields that have the right type', async () => {
    const text = Buffer.from('{"stream":"Größe\\n"}\r\n{"manifestdigest":"d","images":["i",7]}\n{"stream":7}');
    expect(await read(text.subarray(0, 14), text.subarray(14))).toEqual([
      { stream: 'Größe\n' },
      { manifest: 'd', images: ['i'] },
      {},
    ]);
  });

  it('carry errors, the detailed one first; what is no object is passed over', async () => {
    expect(
      await read('{"error":"short","errorDetail":{"message":"long"}}\n{"error":"only"}\nnull\n[]\ngarbage\n'),
    ).toEqual([{ error: 'long' }, { error: 'only' }]);
  });
});

/** Configs and manifests: what the spec says, what the image below had, and nothing that differs from build to build. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes } from '@rebake/image';
import { afterAll, describe, expect, it } from 'vitest';
import { historyOf, writeDocuments, type Parts } from '../src/config/document.ts';
import { mergeEnv } from '../src/config/env.ts';
import { CONTENTS } from '../src/contents.ts';
import { context, jobOf, ociBuilder, temporaryFolder } from './kit.ts';
import { documentsOf } from './files.ts';
import { rootfsOf } from './tar.ts';

const folder = temporaryFolder();
const layout = join(folder, 'layout');
const builder = await ociBuilder({ cache: join(folder, 'cache'), store: { layout } }, folder);
afterAll(async () => builder.close());

function configOf(below: Parts['below'], spec: Partial<Parts['spec']>, hasSteps = true) {
  const parts: Parts = {
    spec: { steps: [], env: {}, ...spec },
    platform: 'linux/arm64',
    below,
    parent: null,
    hasSteps,
    layers: [],
    history: [],
  };
  const document = JSON.parse(Buffer.from(writeDocuments(parts).config).toString()) as {
    readonly config: Readonly<Record<string, unknown>>;
  };
  return document;
}

describe('a config', () => {
  const BELOW = {
    architecture: 'arm64',
    os: 'linux',
    variant: 'v8',
    container: 'abc',
    docker_version: '20.10',
    created: '2020-02-02T02:02:02Z',
    config: {
      Hostname: 'builder',
      Image: 'sha256:x',
      Env: ['PATH=/bin', 'A=1', 'B=2'],
      Cmd: ['bash'],
      Labels: { maintainer: 'somebody' },
      Healthcheck: { Test: ['CMD', 'true'], Interval: 30_000_000_000 },
      ExposedPorts: { '80/tcp': {} },
      User: 'app',
      WorkingDir: '/srv',
    },
  };

  it('keeps of the image below all that says how it runs, and nothing of how it came to be', () => {
    expect(configOf(BELOW, {}, false)).toEqual({
      architecture: 'arm64',
      os: 'linux',
      variant: 'v8',
      created: '1970-01-01T00:00:00Z',
      config: {
        Env: ['PATH=/bin', 'A=1', 'B=2'],
        Cmd: ['bash'],
        Labels: { maintainer: 'somebody' },
        Healthcheck: { Test: ['CMD', 'true'], Interval: 30_000_000_000 },
        ExposedPorts: { '80/tcp': {} },
        User: 'app',
        WorkingDir: '/srv',
      },
      history: [],
      rootfs: { type: 'layers', diff_ids: [] },
    });
  });

  it('replaces variables where they are, and adds others by name', () => {
    const { config } = configOf(BELOW, { env: { Z: 'z', A: 'new', C: '' }, buildEnv: { B: 'while', T: 'while' } });
    expect(config['Env']).toEqual(['PATH=/bin', 'A=new', 'B=', 'T=', 'C=', 'Z=z']);
  });

  it('is root’s where there are steps and no user, as steps run as root', () => {
    expect(configOf(BELOW, {}).config['User']).toBe('root');
    expect(configOf(BELOW, { user: '1:2' }).config['User']).toBe('1:2');
  });

  it('forgets the command of the image below with a new entrypoint', () => {
    const { config } = configOf(BELOW, { entrypoint: ['/bin/app'] });
    expect([config['Entrypoint'], config['Cmd']]).toEqual([['/bin/app'], undefined]);
  });

  it('has one line of history for each layer of the image below, whatever that says', () => {
    const two = [{ created_by: 'a' }, { created_by: 'ENV', empty_layer: true }, { created_by: 'b' }];
    expect(historyOf({ history: two }, 2)).toEqual([
      { created_by: 'a' },
      { created_by: 'ENV', empty_layer: true },
      { created_by: 'b' },
    ]);
    for (const document of [{ history: two }, {}, { history: 'none' }, { history: [null] }])
      expect(historyOf(document, 3).filter((entry) => entry.empty_layer !== true)).toHaveLength(3);
  });
});

describe('an environment', () => {
  it('is not misled by names that begin alike, or by variables without a value', () => {
    expect(mergeEnv(['AB=1', 'A=2', 'BARE'], { A: '3', BARE: 'x' })).toEqual(['AB=1', 'A=3', 'BARE=x']);
  });
});

describe(`the contents class ${CONTENTS}`, () => {
  it('stands for these bytes: raise it with every change of them', async () => {
    const ground = rootfsOf(folder, {
      'etc/': '',
      'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
      'etc/group': 'root:x:0:\n',
      'etc/shadow': { text: 'root:*::0:99999:7:::\n', mode: 0o640, owner: '0:42' },
      'opt/': { text: '', mode: 0o700, owner: '3:4' },
    });
    const ctx = context();
    const base = await builder.build(jobOf(null, [ground]), ctx);
    writeFileSync(join(folder, 'a.txt'), 'a');
    const files = { root: folder, files: [{ path: 'a.txt', digest: digestOfBytes('a'), exec: true }] };
    const image = await builder.build(
      jobOf(
        base,
        [
          { step: 'user', name: 'dataiku', uid: 500, gid: 501, home: '/home/dataiku' },
          { step: 'link', folder: '/opt/bin', name: 'python', target: '/usr/bin/python3' },
          { step: 'copy', files, to: '/opt/data', owner: 'dataiku:root' },
        ],
        { env: { GREETING: 'hello' }, user: '500:0', workdir: '/home/dataiku/work', entrypoint: ['/bin/app'] },
      ),
      ctx,
    );
    const { config, manifest, diffIds } = await documentsOf(layout, image);
    expect({ diffIds, history: config.history.map(({ created_by }) => created_by) }).toMatchInlineSnapshot(`
      {
        "diffIds": [
          "sha256:8e35dc503e0b2d0d987f93f07b2e3b380502a7b8f6382469631cb53bf53059cd",
          "sha256:426fb9a063f0355ec8b1c5fa28358a2ce559522bf5f7e7df7c404a6101e9f4b7",
          "sha256:816c924a94baf51047e0cdaa1dc741c095d0541cbd0c240af9a947afe965d1fe",
          "sha256:a70f21f929df55b8c48d63250ca607bba52e94aec1c2054d8ed69ceeb2b94177",
          "sha256:7aad8e8b1a8c22bf533699811067c41c09384be88be263b01ca8febd268afb01",
        ],
        "history": [
          "rebake rootfs",
          "rebake config",
          "rebake user dataiku",
          "rebake link /opt/bin/python -> /usr/bin/python3",
          "rebake copy /opt/data",
          "rebake workdir /home/dataiku/work",
          "rebake config",
        ],
      }
    `);
    expect(manifest.annotations).toEqual({
      'dev.rebake.contents': CONTENTS,
      'dev.rebake.base.identity': base.identity,
      'dev.rebake.base.layers': '1',
      'org.opencontainers.image.base.digest': expect.stringMatching(/^sha256:/) as string,
    });
    expect(config.created).toBe('1970-01-01T00:00:00Z');
    expect(image.identity).toMatchInlineSnapshot(
      `"sha256:6b90a0eb5096e8cfd7154ec12c9ef353f2f8eaf4147984dc85202dee83f04489"`,
    );
  });
});

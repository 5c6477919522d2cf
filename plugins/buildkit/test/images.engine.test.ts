/** What images are made of: compression, attestations, caches, and the same identity wherever and whenever they are built. */
import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { candidateTag, digestOfBytes } from '@rebake/image';
import type { Digest, Output, Step } from '@rebake/image';
import type { Builder } from '@rebake/sdk';
import { startBuildkitd } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuildkitOptions } from '../src/index.ts';
import {
  baseJob,
  buildkitBuilder,
  ctxFor,
  fragment,
  jobOf,
  keyOf,
  logOf,
  once,
  placeOf,
  registryClient,
  repositoryOf,
  temporaryFolder,
  tinyJob,
} from './kit.ts';

const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
const ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';
const INDEX = 'application/vnd.oci.image.index.v1+json';

interface RawManifest {
  readonly mediaType: string;
  readonly layers: readonly {
    readonly mediaType: string;
    readonly digest: Digest;
    readonly annotations?: Record<string, string>;
  }[];
  readonly manifests: readonly { readonly digest: Digest; readonly platform: { readonly os: string } }[];
}

describeEngine('images that BuildKit builds', ['buildkit', 'rootfs', 'plain', 'wheels'], (state) => {
  const folder = temporaryFolder();
  const ctx = ctxFor(state);
  const client = registryClient(state);
  const { address } = state.buildkit;
  const repository = repositoryOf(state, 'plain', 'images');
  const place = placeOf(repository);
  const open: Builder[] = [];
  afterAll(() => Promise.all(open.map((builder) => builder.close())));

  async function builderOf(options: BuildkitOptions): Promise<Builder> {
    const builder = await buildkitBuilder({ address, repository, ...options }, join(folder, crypto.randomUUID()));
    open.push(builder);
    return builder;
  }

  /** A manifest or index as it is. */
  async function raw(reference: string, path = place.repository): Promise<RawManifest> {
    const accept = `${INDEX}, application/vnd.oci.image.manifest.v1+json`;
    const answer = await fetch(`${state.registries.plain.url}/v2/${path}/manifests/${reference}`, {
      headers: { accept },
    });
    expect(answer.status).toBe(200);
    return (await answer.json()) as RawManifest;
  }

  async function blob(digest: Digest): Promise<Record<string, unknown>> {
    const answer = await fetch(`${state.registries.plain.url}/v2/${place.repository}/blobs/${digest}`);
    return (await answer.json()) as Record<string, unknown>;
  }

  let base: Output;
  beforeAll(async () => {
    base = await (await builderOf({})).build(tinyJob(state, folder), ctx());
  });

  describe('their layers', () => {
    const step = once('echo same > /same');

    it('are gzip where nothing else is said, and zstd with the same identity where it is', async () => {
      const [gzip, zstd, all] = [
        await builderOf({}),
        await builderOf({ compression: 'zstd' }),
        await builderOf({ compression: { type: 'zstd', level: 5, force: true } }),
      ];
      const identity = (await gzip.build(jobOf('gzip', base, [step]), ctx())).identity;
      expect(await zstd.build(jobOf('zstd', base, [step]), ctx())).toMatchObject({ identity });
      expect(await all.build(jobOf('all zstd', base, [step]), ctx())).toMatchObject({ identity });
      const types = async (name: string) =>
        (await raw(candidateTag(keyOf(name)))).layers.map(({ mediaType }) => mediaType);
      expect(await types('gzip')).toEqual([GZIP, GZIP]);
      expect(await types('zstd')).toEqual([GZIP, ZSTD]);
      expect(await types('all zstd')).toEqual([ZSTD, ZSTD]);
    });

    it('are told of by the daemon that built them, under the record that is given', async () => {
      const marker = `told of ${crypto.randomUUID()}`;
      const built = await (await builderOf({})).build(jobOf('told of', base, [once(`echo ${marker}`)]), ctx());
      const [at, ref] = built.record!.split('#');
      expect(at).toBe(address);
      const { stdout, stderr } = await promisify(execFile)(state.buildkit.buildctl, [
        '--addr',
        at!,
        'debug',
        'logs',
        ref!,
      ]);
      expect(stdout + stderr).toContain(marker);
    });

    it('can be recompressed under the same key', async () => {
      const job = jobOf('again', base, [step]);
      const { identity } = await (await builderOf({})).build(job, ctx());
      expect((await raw(candidateTag(job.key))).layers.map(({ mediaType }) => mediaType)).toEqual([GZIP, GZIP]);
      const zstd = await builderOf({ compression: { type: 'zstd', force: true } });
      expect(await zstd.build(job, ctx())).toMatchObject({ identity });
      expect((await raw(candidateTag(job.key))).layers.map(({ mediaType }) => mediaType)).toEqual([ZSTD, ZSTD]);
    });
  });

  describe('attestations', () => {
    /** Statements about an image that are in its index. */
    async function statements(reference: string): Promise<readonly Record<string, unknown>[]> {
      const index = await raw(reference);
      expect(index.mediaType).toBe(INDEX);
      const about = index.manifests.filter(({ platform }) => platform.os === 'unknown');
      const all = await Promise.all(about.map(async ({ digest }) => (await raw(digest)).layers));
      return Promise.all(all.flat().map(async ({ digest }) => blob(digest)));
    }

    it('say how an image was built, beside it: its identity and its children do not change', async () => {
      const step = once('echo attested > /attested');
      const { identity } = await (await builderOf({})).build(jobOf('not attested', base, [step]), ctx());
      const builder = await builderOf({ provenance: 'max' });
      const built = await builder.build(jobOf('attested', base, [step]), ctx());
      expect(built.identity).toBe(identity);
      const [statement] = await statements(candidateTag(keyOf('attested')));
      expect(JSON.stringify(statement)).toMatch(/slsa\.dev\/provenance.*echo attested/s);

      expect(await builder.inspect(built.at[0]!, ctx())).toMatchObject({
        seen: 'yes',
        value: { identity, at: built.at },
      });
      const child = await builder.build(jobOf('on attested', built, [once('test -e /attested')]), ctx());
      expect(child.identity).not.toBe(identity);

      const to = placeOf(repositoryOf(state, 'auth', 'attested'));
      const manifest = await builder.push(built, { ...to, key: keyOf('attested') }, ctx());
      const signal = ctx().signal;
      const seen = await client.resolve({ ...to, reference: manifest }, { signal, platform: 'linux/amd64' });
      expect(seen).toMatchObject({ seen: 'yes', value: { identity } });
      const layout = await buildkitBuilder({ address, provenance: 'min' }, join(folder, 'attested'));
      open.push(layout);
      const fetched = await layout.fetch({ identity, at: [{ ...to, manifest }] }, keyOf('attested'), ctx());
      expect(await layout.inspect(fetched, ctx())).toMatchObject({ seen: 'yes', value: { identity } });
      await layout.build(
        jobOf('on attested, in a layout', { identity, at: [fetched] }, [once('test -e /attested')]),
        ctx(),
      );
    });

    it('do not say which proxies this machine has', async () => {
      const builder = await builderOf({ provenance: 'max' });
      const proxy = { http: 'http://user:secret@proxy.example.com:3128' };
      await builder.build(jobOf('proxied', base, [once('echo proxied')], { access: { proxy } }), ctx());
      const all = JSON.stringify(await statements(candidateTag(keyOf('proxied'))));
      expect(all).toContain('slsa.dev/provenance');
      expect(all).not.toContain('proxy.example.com');
    });

    it('say what is in an image, by a generator of ours', async () => {
      const scan = `set -eu
test -e "$BUILDKIT_SCAN_SOURCE/listed"
cat > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json" <<JSON
{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document", "predicate": {
  "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "test",
  "documentNamespace": "https://example.com/test",
  "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: test"]},
  "packages": [{"name": "listed", "SPDXID": "SPDXRef-Package-listed", "downloadLocation": "NONE", "filesAnalyzed": false}]}}
JSON
`;
      writeFileSync(join(folder, 'scan.sh'), scan);
      chmodSync(join(folder, 'scan.sh'), 0o644);
      const files = { root: folder, files: [{ path: 'scan.sh', digest: digestOfBytes(scan), exec: false }] };
      const plain = await builderOf({});
      await plain.build(
        jobOf('generator', base, [{ step: 'copy', files, to: '/', owner: '0:0' }], {
          spec: { entrypoint: ['/bin/sh', '/scan.sh'] },
        }),
        ctx(),
      );
      const generator = `${repository}:${candidateTag(keyOf('generator'))}`;
      const builder = await builderOf({ sbom: { generator }, provenance: 'min' });
      const step = once('touch /listed');
      const built = await builder.build(jobOf('listed', base, [step]), ctx());
      const all = await statements(candidateTag(keyOf('listed')));
      expect(new Set(all.map(({ predicateType }) => predicateType))).toEqual(
        new Set(['https://slsa.dev/provenance/v1', 'https://spdx.dev/Document']),
      );
      expect(JSON.stringify(all)).toContain('SPDXRef-Package-listed');
      expect(await plain.build(jobOf('not listed', base, [step]), ctx())).toMatchObject({ identity: built.identity });
    });
  });

  describe('a cache', () => {
    const says = 'this step is run';
    const step = (name: string): Step => once(`echo ${says} && echo ${name} > /cached`);

    it.each([
      ['inline', { type: 'inline' }],
      ['registry', { type: 'registry', repository: repositoryOf(state, 'plain', 'cache') }],
    ] as const)('of type %s serves a daemon that has nothing', async (name, cache) => {
      const builder = await builderOf({ cache });
      expect((await builder.probe(ctx())).reproducible).toBe(name !== 'inline');
      const first = ctx();
      const job = jobOf(`cached ${name}`, base, [step(name)]);
      const { identity } = await builder.build(job, first);
      expect(logOf(first.seen)).toContain(says);
      await using empty = await startBuildkitd({ root: join(folder, `cache ${name}`) });
      const other = await builderOf({ address: empty.address, cache });
      const second = ctx();
      const built = await other.build({ ...job, key: keyOf(`${name} elsewhere`) }, second);
      expect(logOf(second.seen)).not.toContain(says);
      expect(second.seen).toContainEqual(
        expect.objectContaining({ type: 'step', name: expect.stringMatching(/\(cached\)$/) as string }),
      );
      // An inline cache brings times into the image.
      if (name === 'registry') expect(built.identity).toBe(identity);
      await other.close();
    });

    it('that cannot be asked is left aside', async () => {
      const cache = { type: 'registry', repository: '127.0.0.1:1/nobody/home' } as const;
      const builder = await builderOf({ cache });
      const own = ctx();
      await builder.build(jobOf('cache nowhere', base, [step('nowhere')]), own);
      expect(logOf(own.seen)).toContainEqual(
        expect.stringMatching(
          /^rebake: the cache 127\.0\.0\.1:1\/nobody\/home:test-cache-nowhere.* is left aside: /,
        ) as string,
      );
    });

    it('is left alone with noCache', async () => {
      const [builder, anew] = [await builderOf({}), await builderOf({ noCache: true })];
      const job = jobOf('anew', base, [step('anew')]);
      const logs = [ctx(), ctx(), ctx()];
      const built = [
        await builder.build(job, logs[0]!),
        await builder.build(job, logs[1]!),
        await anew.build(job, logs[2]!),
      ];
      expect(logs.map(({ seen }) => logOf(seen).includes(says))).toEqual([true, false, true]);
      expect(new Set(built.map(({ identity }) => identity)).size).toBe(1);
    });
  });

  it('come out the same on two daemons that know nothing, with an env of Python in them', async () => {
    const pipConf = join(folder, 'pip.conf');
    writeFileSync(pipConf, `[global]\nindex-url = ${state.wheels.indexUrl}\n`);
    const packages = { requirements: ['tiny-b==2.0.0'] };
    const steps: readonly Step[] = [
      { step: 'user', name: 'dataiku', uid: 500, gid: 500, home: '/home/dataiku' },
      { step: 'python-env', prefix: '/opt/env', interpreter: '3.11', packages, bytecode: true },
      fragment('RUN date +%N > /dev/null && mkdir /made && touch /made/by-the-build'),
    ];
    const identities: Digest[][] = [];
    for (const name of ['one', 'two']) {
      await using daemon = await startBuildkitd({ root: join(folder, `fresh ${name}`) });
      const compression = { type: 'zstd', level: 1 } as const;
      const builder = await buildkitBuilder({ address: daemon.address, compression }, join(folder, `same ${name}`));
      const below = await builder.build(baseJob(state, `same base ${name}`), ctx());
      const access = { secrets: { 'pip-conf': { file: pipConf } } };
      const above = await builder.build(jobOf(`same ${name}`, below, steps, { access }), ctx());
      identities.push([below.identity, above.identity]);
      if (name === 'two') {
        // What packages bring keeps its time, so that the bytecode that came with it is read.
        const own = ctx();
        const check =
          'RUN python3 -v -c "import json.decoder" 2>&1 | grep -c "bytecode is stale" || echo none is stale';
        await builder.build(jobOf('fresh bytecode', above, [fragment(check)]), own);
        expect(logOf(own.seen)).toContain('none is stale');
      }
      await builder.close();
    }
    expect(identities[1]).toEqual(identities[0]);
  });
});

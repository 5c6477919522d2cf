/** What becomes of a build: layouts written and read, archives, several outputs at once, caches, attestations, and the daemon's own record. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { openLayout } from '@rebake/image';
import type { Descriptor, Digest, Layout } from '@rebake/image';
import { startBuildkitd } from '@rebake/tool-engines';
import type { Buildkitd } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDaemon, newRef } from '../src/index.ts';
import type { ContentTarget, Daemon, Outputs } from '../src/index.ts';
import {
  build,
  connector,
  daemonAt,
  manifestOf,
  never,
  onShell,
  RUN,
  shellFiles,
  temporaryFolder,
  textFile,
} from './kit.ts';

const TO_LAYOUT: Outputs = { exporters: [{ type: 'oci', attributes: { tar: 'false' } }] };

/** What an exporter answered, as a layout names it. */
function descriptorOf(answer: Readonly<Record<string, string>>): Descriptor {
  return JSON.parse(Buffer.from(answer['containerimage.descriptor']!, 'base64').toString()) as Descriptor;
}

describeEngine('an image layout', ['buildkit', 'plain'], ({ buildkit, registries }) => {
  const { daemon } = daemonAt(buildkit.address);
  const folder = temporaryFolder();
  let layout: Layout;
  let own: Buildkitd;
  let other: Daemon;

  beforeAll(async () => {
    layout = openLayout(join(folder.path, 'layout'));
    // Whatever it has of an image, it has from the layout.
    own = await startBuildkitd({ root: join(folder.path, 'daemon') });
    other = createDaemon(connector(own.address));
  });
  afterAll(async () => {
    await other.close();
    await own.kill();
  });

  /** The layout as a target that lists what was written to it. */
  function listing(): ContentTarget & { readonly written: string[] } {
    const written: string[] = [];
    return {
      written,
      has: (digest) => layout.has(digest),
      read: (digest, range) => layout.read(digest, range),
      writes: () => layout.writes(),
      abortWrite: (ref) => layout.abortWrite(ref),
      beginWrite(ref) {
        written.push(ref);
        return layout.beginWrite(ref);
      },
    };
  }

  const files = [...shellFiles(), textFile('base.txt', `base ${RUN}`), textFile('child.txt', `child ${RUN}`)];
  const baseDockerfile = onShell('COPY base.txt /');
  let base: Descriptor;

  it('gets the image, and of the next one only what it has not', async () => {
    const exportTo = listing();
    const { answer } = await build(daemon, {
      dockerfile: baseDockerfile,
      files,
      outputs: TO_LAYOUT,
      offer: { exportTo },
    });
    base = descriptorOf(answer);
    await layout.name('base', base);
    const stored = await layout.image('base');
    expect(stored?.identity).toBe(answer['containerimage.config.digest']);
    expect(stored?.layers).toHaveLength(2);
    const first = exportTo.written.length;
    expect(first).toBe(4);

    const child = await build(daemon, {
      dockerfile: `${baseDockerfile}COPY child.txt /\n`,
      files,
      outputs: TO_LAYOUT,
      offer: { exportTo },
    });
    await layout.name('child', descriptorOf(child.answer));
    expect((await layout.image('child'))?.layers.slice(0, 2)).toEqual(stored?.layers);
    // A layer, the config, the manifest.
    expect(exportTo.written).toHaveLength(first + 3);
  });

  it('gives images to build on', async () => {
    const { answer, log } = await build(other, {
      dockerfile: 'FROM base\nRUN read line </base.txt; echo "$line"\nCOPY child.txt /\n',
      files,
      attributes: { 'context:base': `oci-layout://store@${base.digest}` },
      outputs: TO_LAYOUT,
      offer: { layouts: { store: layout }, exportTo: layout },
    });
    expect(log).toEqual([`base ${RUN}`]);
    await layout.name('other', descriptorOf(answer));
    const [stored, parent] = await Promise.all([layout.image('other'), layout.image('base')]);
    expect(stored?.config.diffIds.slice(0, 2)).toEqual(parent?.config.diffIds);
  });

  it('that lacks what is built on it fails the build with the digest', async () => {
    const digest = `sha256:${'0'.repeat(64)}` as Digest;
    const missing = build(other, {
      dockerfile: 'FROM base\nCOPY child.txt /\n',
      files,
      attributes: { 'context:base': `oci-layout://store@${digest}` },
      offer: { layouts: { store: layout } },
    });
    await expect(missing).rejects.toMatchObject({ error: { words: expect.stringContaining(digest) as string } });
  });

  it('takes the same image from many builds at once', async () => {
    const target = openLayout(join(folder.path, 'busy'));
    const dockerfile = onShell('COPY child.txt /');
    const many = await Promise.all(
      Array.from({ length: 4 }, () =>
        build(daemon, { dockerfile, files, outputs: TO_LAYOUT, offer: { exportTo: target } }),
      ),
    );
    const [digest, ...others] = new Set(many.map(({ answer }) => manifestOf(answer)));
    expect(others).toEqual([]);
    await target.name('image', descriptorOf(many[0]!.answer));
    expect((await target.image(digest!))?.layers).toHaveLength(2);
    expect(target.writes()).toEqual([]);
  });

  it('gets attestations beside the image when they are wanted', async () => {
    // Stands for a scanner: what it writes is taken as it is.
    const statement = JSON.stringify({
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType: 'https://spdx.dev/Document',
      predicate: { spdxVersion: 'SPDX-2.3' },
    });
    const scanner = `${registries.plain.address}/buildkit-client/scanner-${RUN}`;
    await build(daemon, {
      dockerfile: onShell(
        `ENV STATEMENT=${JSON.stringify(statement)}`,
        `ENTRYPOINT ["/bin/sh", "-c", "echo \\"$STATEMENT\\" > $BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"]`,
      ),
      files,
      outputs: { exporters: [{ type: 'image', attributes: { name: scanner, push: 'true' } }] },
    });
    const { answer } = await build(daemon, {
      dockerfile: baseDockerfile,
      files,
      attributes: { 'attest:provenance': 'mode=max', 'attest:sbom': `generator=${scanner}` },
      outputs: TO_LAYOUT,
      offer: { exportTo: layout },
    });
    const document = async <T>(digest: Digest) =>
      JSON.parse(Buffer.from(await layout.readDocument(digest, 1e6)).toString()) as T;
    const index = descriptorOf(answer);
    const { manifests } = await document<{ manifests: Described[] }>(index.digest);
    expect(manifests.map(({ annotations }) => annotations?.['vnd.docker.reference.type'])).toEqual([
      undefined,
      'attestation-manifest',
    ]);
    const { layers } = await document<{ layers: Described[] }>(manifests[1]!.digest);
    expect(layers.map(({ annotations }) => annotations?.['in-toto.io/predicate-type'])).toEqual([
      'https://spdx.dev/Document',
      expect.stringMatching(/^https:\/\/slsa.dev\/provenance\//),
    ]);
    await layout.name('attested', index);
    expect((await layout.image('attested'))?.identity).toBe((await layout.image('base'))?.identity);
  });
});

interface Described {
  readonly digest: Digest;
  readonly annotations?: Readonly<Record<string, string>>;
}

describeEngine('outputs', ['buildkit', 'plain'], ({ buildkit, registries }) => {
  const { daemon } = daemonAt(buildkit.address);
  const files = [textFile('hello.txt', `hello ${RUN}`)];
  const dockerfile = 'FROM scratch\nCOPY hello.txt /\n';
  const image = `${registries.plain.address}/buildkit-client/${RUN}`;

  /** Takes archives; lists what is in them. */
  function archives() {
    const taken = new Map<number, Buffer>();
    const receive = async (exporter: number, archive: AsyncIterable<Uint8Array>) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of archive) chunks.push(chunk);
      taken.set(exporter, Buffer.concat(chunks));
    };
    const list = (exporter: number) =>
      execFileSync('tar', ['--list'], { input: taken.get(exporter), encoding: 'utf8' }).split('\n');
    return { receive, taken, list };
  }

  it('may be several at once', async () => {
    const { receive, taken, list } = archives();
    const { answer } = await build(daemon, {
      dockerfile,
      files,
      offer: { receive },
      outputs: {
        exporters: [
          { type: 'image', attributes: { name: `${image}:several`, push: 'true' } },
          { type: 'oci', attributes: {} },
          { type: 'docker', attributes: { name: 'several:1' } },
          { type: 'tar', attributes: {} },
        ],
      },
    });
    expect(manifestOf(answer)).toMatch(/^sha256:/);
    expect([...taken.keys()].toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    expect(list(1)).toEqual(expect.arrayContaining(['index.json', 'oci-layout']));
    expect(list(2)).toEqual(expect.arrayContaining(['manifest.json']));
    expect(list(3)).toContain('hello.txt');
    const response = await fetch(`http://${registries.plain.address}/v2/buildkit-client/${RUN}/manifests/several`, {
      method: 'HEAD',
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    });
    expect(response.headers.get('docker-content-digest')).toBe(manifestOf(answer));
  });

  it('is told in the old fields too', async () => {
    const { answer } = await build(daemon, {
      dockerfile,
      files,
      outputs: { exporter: 'image', exporterAttributes: { name: `${image}:old` } },
    });
    expect(answer['image.name']).toBe(`${image}:old`);
  });

  it('that nobody takes is a failure of the build', async () => {
    const outputs = { exporters: [{ type: 'oci', attributes: {} }] };
    await expect(build(daemon, { dockerfile, files, outputs })).rejects.toMatchObject({
      error: { code: 'BUILD_REFUSED' },
    });
    const fault = new Error('no room');
    const receive = () => Promise.reject(fault);
    await expect(build(daemon, { dockerfile, files, outputs, offer: { receive } })).rejects.toBe(fault);
  });

  describe('the record of a build', () => {
    it('is kept by the daemon under the name that the build was given', async () => {
      const ref = newRef();
      const outputs = { exporters: [{ type: 'image', attributes: { name: 'recorded:1' } }] };
      const { answer } = await build(daemon, { dockerfile, files, outputs, request: { ref } });
      expect(await daemon.history(ref, never)).toMatchObject({
        ref,
        error: null,
        endedAt: expect.any(Number) as number,
        result: { digest: manifestOf(answer) },
      });
    });

    it('says why it failed', async () => {
      const ref = newRef();
      const failed = build(daemon, { dockerfile: 'FROM scratch\nCOPY missing.txt /\n', files, request: { ref } });
      await expect(failed).rejects.toMatchObject({ error: { code: 'BUILD_REFUSED' } });
      expect((await daemon.history(ref, never))?.error).toContain('missing.txt');
    });

    it('is none of a build that was not', async () => {
      expect(await daemon.history(newRef(), never)).toBeNull();
    });
  });
});

describeEngine('a cache', ['buildkit', 'plain'], ({ registries }) => {
  const folder = temporaryFolder();
  let own: Buildkitd;
  let daemon: Daemon;

  beforeAll(async () => {
    own = await startBuildkitd({ root: join(folder.path, 'daemon') });
    daemon = createDaemon(connector(own.address));
  });
  afterAll(async () => {
    await daemon.close();
    await own.kill();
  });

  const files = shellFiles();
  const dockerfile = (name: string) => onShell(`RUN echo ${name} ${RUN} > /made`);
  const repository = `${registries.plain.address}/buildkit-client/cache-${RUN}`;

  it.each([
    ['registry', { ref: `${repository}:registry`, mode: 'max', 'image-manifest': 'true', 'oci-mediatypes': 'true' }],
    ['inline', {}],
  ])(
    'of type %s is written by one build and read by the next, once the daemon has forgotten all',
    async (type, attributes) => {
      const image = `${repository}:${type}-image`;
      const exporters = [{ type: 'image', attributes: { name: image, push: 'true' } }];
      const ref = type === 'inline' ? image : `${repository}:registry`;
      await build(daemon, {
        dockerfile: dockerfile(type),
        files,
        outputs: { exporters },
        request: { cacheExports: [{ type, attributes }] },
      });
      expect(await daemon.prune({ all: true }, never)).toBeGreaterThan(0);
      const { seen } = await build(daemon, {
        dockerfile: dockerfile(type),
        files,
        outputs: { exporters },
        request: { cacheImports: [{ type: 'registry', attributes: { ref } }] },
      });
      const steps = seen.flatMap((one) => (one.type === 'step' ? [one.name] : []));
      expect(steps).toContainEqual(expect.stringMatching(/^RUN echo .*\(cached\)$/));
    },
  );

  it('that cannot be read is none, that cannot be written fails the build', async () => {
    const nowhere = { type: 'registry', attributes: { ref: '127.0.0.1:1/nowhere/cache' } };
    await build(daemon, { dockerfile: dockerfile('unread'), files, request: { cacheImports: [nowhere] } });
    const failed = build(daemon, { dockerfile: dockerfile('unwritten'), files, request: { cacheExports: [nowhere] } });
    await expect(failed).rejects.toMatchObject({ error: { code: 'REGISTRY_UNREACHABLE', retry: 'backoff' } });
  });
});

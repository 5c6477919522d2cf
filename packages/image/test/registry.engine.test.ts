// The registry client against real registries: without login, with basic auth, with TLS of a private authority, with tokens.
import { randomUUID } from 'node:crypto';
import type { RegistryName } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import {
  BuildFailure,
  createCredentialStore,
  createRegistryClient,
  digestOfBytes,
  type Credentials,
  type RegistryClient,
} from '../src/index.ts';
import { MANIFEST_TYPE, INDEX_TYPE, tinyImage, tinyIndex, type TinyImage } from './fake-registry.ts';

const NAMES: readonly RegistryName[] = ['plain', 'auth', 'tls', 'token'];
const signal = AbortSignal.timeout(170_000);
const options = { signal };

describeEngine('the registry client', NAMES, ({ registries, docker }) => {
  // What a run leaves behind is in repositories of its own.
  const repository = `rebake-test/${randomUUID()}`;
  const login = createCredentialStore({ configDir: docker.configDir, env: {} });
  const clients: RegistryClient[] = [];

  function client(
    credentials: (host: string) => Promise<Credentials | null> = login,
    ca = registries.tls.ca,
  ): RegistryClient {
    const access = (host: string) => ({ host, ...(host === registries.tls.address ? { ca } : {}) });
    const made = createRegistryClient({ access, credentials, env: {} });
    clients.push(made);
    return made;
  }

  afterAll(async () => {
    for (const made of clients) await made.close();
  });

  const registry = client();
  const plain = registries.plain.address;

  /** By hand, as the distribution spec has it, into the registry without login. */
  async function push({ blobs, manifestBytes }: TinyImage, to: string, tag: string): Promise<void> {
    const base = `${registries.plain.url}/v2/${to}`;
    for (const [digest, body] of blobs) {
      const opened = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
      const location = new URL(opened.headers.get('location') ?? '', base);
      location.searchParams.set('digest', digest);
      const done = await fetch(location, { method: 'PUT', body });
      expect(done.status).toBe(201);
    }
    await put(to, tag, manifestBytes, MANIFEST_TYPE);
  }

  async function put(to: string, tag: string, body: string, type: string): Promise<void> {
    const url = `${registries.plain.url}/v2/${to}/manifests/${tag}`;
    const done = await fetch(url, { method: 'PUT', body, headers: { 'content-type': type } });
    expect(done.status).toBe(201);
  }

  const large = tinyImage('amd64', ['small', 'x'.repeat(3 << 20)]);

  it('sees what was pushed, and what was not', async () => {
    await push(large, repository, 'one');
    const at = { registry: plain, repository, reference: 'one' };
    const { identity, manifest } = large;
    const found = { identity, manifest, top: manifest, mediaType: MANIFEST_TYPE };
    expect(await registry.resolve(at, options)).toEqual({ seen: 'yes', value: found });
    expect(await registry.resolve({ ...at, reference: large.manifest }, options)).toEqual({
      seen: 'yes',
      value: found,
    });
    expect(await registry.head(at, options)).toEqual({ seen: 'yes', value: { manifest: large.manifest } });
    expect(await registry.config({ ...at, identity: large.identity }, options)).toMatchObject({
      value: { diffIds: large.diffIds },
    });
    for (const missing of [
      { ...at, reference: 'two' },
      { ...at, repository: `${repository}/none` },
      { ...at, reference: digestOfBytes('none') },
    ]) {
      expect(await registry.resolve(missing, options)).toEqual({ seen: 'no' });
      expect(await registry.head(missing, options)).toEqual({ seen: 'no' });
    }
    expect(await registry.config({ ...at, identity: digestOfBytes('none') }, options)).toEqual({ seen: 'no' });
  });

  it('moves tags without changing a byte', async () => {
    const other = tinyImage('amd64', ['another layer']);
    await push(other, repository, 'moving');
    await registry.tag({ registry: plain, repository, manifest: large.manifest }, 'moving', options);
    const seen = await registry.head({ registry: plain, repository, reference: 'moving' }, options);
    expect(seen).toEqual({ seen: 'yes', value: { manifest: large.manifest } });
  });

  it('mounts within a registry', async () => {
    const progress: number[][] = [];
    const to = { registry: plain, repository: `${repository}/mounted`, tag: 'x' };
    const onBytes = (...bytes: number[]): void => void progress.push(bytes);
    const { digest } = await registry.copy({ registry: plain, repository, manifest: large.manifest }, to, {
      signal,
      onBytes,
    });
    expect(digest).toBe(large.manifest);
    expect(await registry.resolve({ ...to, reference: 'x' }, options)).toMatchObject({
      value: { identity: large.identity },
    });
    const total = [...large.blobs.values()].reduce((sum, blob) => sum + blob.length, 0);
    expect(progress.at(-1)).toEqual([total, total]);
  });

  describe.each(NAMES.filter((name) => name !== 'plain'))('with the registry %s', (name) => {
    const { address } = registries[name];
    const at = { registry: address, repository, reference: 'copied' };

    it('copies there and back, tags and removes', async () => {
      expect(await registry.head(at, options)).toEqual({ seen: 'no' });
      const { digest } = await registry.copy(
        { registry: plain, repository, manifest: large.manifest },
        { ...at, tag: 'copied' },
        options,
      );
      expect(digest).toBe(large.manifest);
      expect(await registry.resolve(at, options)).toMatchObject({
        value: { identity: large.identity, manifest: large.manifest },
      });
      const back = { registry: plain, repository: `${repository}/back-from-${name}`, tag: 'x' };
      await registry.copy({ ...at, manifest: digest }, back, options);
      expect(await registry.head({ ...back, reference: 'x' }, options)).toMatchObject({ value: { manifest: digest } });
      await registry.copy(
        { ...at, manifest: digest },
        { ...at, repository: `${repository}/mounted`, tag: 'x' },
        options,
      );
      await registry.tag({ ...at, manifest: digest }, 'more', options);
      expect(await registry.head({ ...at, reference: 'more' }, options)).toMatchObject({ value: { manifest: digest } });
      await registry.remove({ ...at, manifest: digest }, options);
      expect(await registry.head(at, options)).toEqual({ seen: 'no' });
      await registry.remove({ ...at, manifest: digest }, options);
    });

    it('is denied to who has no login, or a wrong one', async () => {
      const denied = { seen: 'unknown', why: { code: 'REGISTRY_DENIED', retry: 'never' } };
      const wrong = client(async () => ({ username: 'rebake', password: 'wrong' }));
      expect(await wrong.head(at, options)).toMatchObject(denied);
      const nobody = client(async () => null);
      // The token server lets anybody read.
      expect(await nobody.head(at, options)).toMatchObject(name === 'token' ? { seen: 'no' } : denied);
      const copied = nobody.copy(
        { registry: plain, repository, manifest: large.manifest },
        { ...at, tag: 'x' },
        options,
      );
      await expect(copied).rejects.toBeInstanceOf(BuildFailure);
      await expect(copied).rejects.toMatchObject({ error: { code: 'REGISTRY_DENIED' } });
    });
  });

  it('does not trust a certificate of an authority that nobody named', async () => {
    const at = { registry: registries.tls.address, repository, reference: 'x' };
    const untrusting = createRegistryClient({
      access: (host) => ({ host, ca: '/etc/ssl/certs/ca-certificates.crt' }),
      credentials: login,
      env: {},
    });
    clients.push(untrusting);
    expect(await untrusting.head(at, options)).toMatchObject({
      seen: 'unknown',
      why: { code: 'REGISTRY_TLS', retry: 'never' },
    });
    // Without a bundle this machine is spoken to without TLS first; the registry then says what it speaks.
    const plainly = createRegistryClient({ access: (host) => ({ host }), credentials: login, env: {} });
    clients.push(plainly);
    expect(await plainly.head(at, options)).toMatchObject({
      seen: 'unknown',
      why: { code: 'REGISTRY_TLS', retry: 'never' },
    });
    const missing = client(login, '/no/such/ca.pem');
    expect(await missing.head(at, options)).toMatchObject({
      seen: 'unknown',
      why: { code: 'REGISTRY_TLS', words: expect.stringMatching(/\/no\/such\/ca\.pem/) as unknown },
    });
  });

  it('copies an index with all of its images', async () => {
    const images = { amd64: tinyImage('amd64', ['one']), arm64: tinyImage('arm64', ['two']) };
    for (const image of Object.values(images)) await push(image, repository, 'part');
    const index = tinyIndex(images);
    await put(repository, 'index', index.bytes, INDEX_TYPE);
    const to = { registry: registries.auth.address, repository: `${repository}/index`, tag: 'x' };
    const { digest } = await registry.copy({ registry: plain, repository, manifest: index.digest }, to, options);
    expect(digest).toBe(index.digest);
    for (const [architecture, { identity }] of Object.entries(images)) {
      const platform = architecture === 'amd64' ? 'linux/amd64' : 'linux/arm64';
      expect(await registry.resolve({ ...to, reference: 'x' }, { signal, platform })).toMatchObject({
        value: { identity, top: index.digest },
      });
    }
  });

  it('asks for a thousand references at once', async () => {
    const at = { registry: registries.token.address, repository: `${repository}/many` };
    await registry.copy({ registry: plain, repository, manifest: large.manifest }, { ...at, tag: 'x' }, options);
    const references = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 'x' : `none-${i}`));
    const seen = await Promise.all(references.map(async (reference) => registry.head({ ...at, reference }, options)));
    expect(seen.map((one) => one.seen)).toEqual(references.map((reference) => (reference === 'x' ? 'yes' : 'no')));
  });
});

/** Between a real Podman and real registries: what is pushed is what was built, and what is fetched is that again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { candidateTag, createRegistryClient, digestOfBytes } from '@rebake/image';
import type { Output } from '@rebake/image';
import type { EnginesState, RegistryName } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ctxOf,
  entryOf,
  jobOf,
  keyOf,
  nameOf,
  podmanBuilder,
  rawPodman,
  smallBaseJob,
  temporaryFolder,
} from './kit.ts';
import type { CtxOptions } from './kit.ts';

const REGISTRIES = ['plain', 'auth', 'tls', 'token'] as const;

describeEngine('the podman builder and registries, rootful', ['podman', ...REGISTRIES], (state) =>
  transfers(state, state.podman),
);

describeEngine('the podman builder and registries, rootless', ['podmanRootless', ...REGISTRIES], (state) =>
  transfers(state, state.podmanRootless),
);

function transfers(state: EnginesState, engine: { readonly host: string; readonly socket: string }): void {
  const builder = podmanBuilder({ host: engine.host });
  const podman = rawPodman(engine.socket);
  const repository = `rebake-test/${crypto.randomUUID()}`;
  const folder = temporaryFolder();
  const client = createRegistryClient({
    access: (host) => optionsFor(state, host).registry,
    credentials: async (host) => optionsFor(state, host).credentials?.[host] ?? null,
  });
  let image: Output;

  /** Puts a file with these contents on a parent. */
  async function withFile(name: string, parent: Output, text: string, ctx = ctxOf()): Promise<Output> {
    writeFileSync(join(folder.path, name), text);
    const files = { root: folder.path, files: [entryOf(folder.path, name)] };
    return builder.build(jobOf(name, parent, [{ step: 'copy', files, to: '/data', owner: '0:0' }]), ctx);
  }

  const buildSmall = async () =>
    withFile('small', await builder.build(smallBaseJob(folder.path, 'small base'), ctxOf()), repository);

  beforeAll(async () => {
    image = await buildSmall();
  });

  afterAll(async () => {
    folder.remove();
    for (const name of ['refetched', 'fetched again', 'fetched', 'small', 'small base'])
      await podman.remove(`localhost/${nameOf(name)}`);
    await client.close();
    await builder.close();
  });

  const address = (name: RegistryName) => state.registries[name].address;
  const allowed = (name: RegistryName) => ctxOf(optionsFor(state, address(name)));
  const push = (registry: string, ctx = ctxOf()) =>
    builder.push(image, { registry, repository, key: keyOf('small') }, ctx);

  describe.each(REGISTRIES)('%s', (name) => {
    it('gets the image as its candidate, with its identity, and Podman keeps no name of it', async () => {
      const registry = address(name);
      const ctx = allowed(name);
      const manifest = await push(registry, ctx);
      expect(ctx.seen.some(({ type }) => type === 'log')).toBe(true);
      const reference = candidateTag(keyOf('small'));
      const { signal } = new AbortController();
      expect(await client.resolve({ registry, repository, reference }, { signal })).toEqual({
        seen: 'yes',
        value: {
          identity: image.identity,
          manifest,
          top: manifest,
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
        },
      });
      expect(await podman.image(image.identity)).toMatchObject({ RepoTags: [`localhost/${nameOf('small')}`] });
    });
  });

  it('is not let into a registry without a login, and says so', async () => {
    const auth = address('auth');
    await expect(push(auth)).rejects.toMatchObject({ error: { code: 'REGISTRY_DENIED', retry: 'never' } });
    const wrong = { credentials: { [auth]: { username: 'rebake', password: 'wrong' } } };
    await expect(push(auth, ctxOf(wrong))).rejects.toMatchObject({ error: { code: 'REGISTRY_DENIED' } });
  });

  it('says when a login is of a kind that Podman takes for no push', async () => {
    const ctx = ctxOf({ credentials: { [address('auth')]: { identityToken: 'x' } } });
    await expect(push(address('auth'), ctx)).rejects.toMatchObject({
      error: { code: 'ENGINE_UNSUPPORTED', words: expect.stringMatching(/identity token/) as string },
    });
  });

  it('says when there is nothing to push', async () => {
    const nothing = { identity: digestOfBytes('nothing'), at: [] };
    const to = { registry: address('plain'), repository, key: keyOf('small') };
    await expect(builder.push(nothing, to, ctxOf())).rejects.toMatchObject({ error: { code: 'IMAGE_MISSING' } });
  });

  it('pushes the same candidate twice at a time', async () => {
    const [one, other] = await Promise.all([push(address('plain')), push(address('plain'))]);
    expect(one).toBe(other);
  });

  it('ends a push that is cancelled', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const ctx = ctxOf({ signal: abort.signal, onProgress: () => abort.abort(reason) });
    await expect(push(address('plain'), ctx)).rejects.toBe(reason);
  });

  it('brings back what was removed, from the registry that has it, with the same identity', async () => {
    const manifest = await push(address('auth'), allowed('auth'));
    await builder.remove(image.at[0]!, ctxOf());
    expect(await builder.inspect(image.at[0]!, ctxOf())).toEqual({ seen: 'no' });
    expect(await podman.image(image.identity)).toBeNull();

    const known: Output = {
      identity: image.identity,
      at: [
        { registry: '127.0.0.1:1', repository, manifest },
        { registry: address('auth'), repository, manifest },
      ],
    };
    const at = await builder.fetch(known, keyOf('fetched'), allowed('auth'));
    expect(await builder.inspect(at, ctxOf())).toEqual({ seen: 'yes', value: { identity: image.identity, at: [at] } });
    const { RepoTags, RepoDigests } = (await podman.image(image.identity))!;
    expect(RepoTags).toEqual([`localhost/${nameOf('fetched')}`]);
    expect(RepoDigests.filter((name) => !name.startsWith('localhost/'))).toEqual([]);

    await builder.remove(at, ctxOf());
    expect(await podman.image(image.identity)).toBeNull();
  });

  it('keeps nothing that is not what was asked for', async () => {
    const registry = address('plain');
    image = await buildSmall();
    const manifest = await push(registry);
    const wrong: Output = { identity: digestOfBytes('something else'), at: [{ registry, repository, manifest }] };
    await expect(builder.fetch(wrong, keyOf('fetched again'), ctxOf())).rejects.toMatchObject({
      error: { code: 'IDENTITY_MISMATCH' },
    });
    expect(await builder.inspect({ key: keyOf('fetched again') }, ctxOf())).toEqual({ seen: 'no' });
    const missing: Output = { ...wrong, at: [{ registry, repository, manifest: digestOfBytes('no manifest') }] };
    await expect(builder.fetch(missing, keyOf('fetched again'), ctxOf())).rejects.toMatchObject({
      error: { code: 'REGISTRY_NOT_FOUND' },
    });
    const gone: Output = { ...wrong, at: [{ registry: '127.0.0.1:1', repository, manifest }] };
    await expect(builder.fetch(gone, keyOf('fetched again'), ctxOf())).rejects.toMatchObject({
      error: { code: 'REGISTRY_UNREACHABLE', retry: 'backoff' },
    });
  });

  it('builds on an image of a private registry, pinned by digest', async () => {
    const manifest = await push(address('tls'), allowed('tls'));
    await builder.remove(image.at[0]!, ctxOf());
    const external: Output = { identity: image.identity, at: [{ registry: address('tls'), repository, manifest }] };
    const built = await withFile('refetched', external, 'on top', allowed('tls'));
    const below = (await podman.image(image.identity))!;
    const above = (await podman.image(built.identity))!;
    expect(above.RootFS.Layers.slice(0, below.RootFS.Layers.length)).toEqual(below.RootFS.Layers);
    await podman.remove(`${address('tls')}/${repository}@${manifest}`);
  });
}

/** A context for whoever may use a registry. */
function optionsFor(
  state: EnginesState,
  host: string,
): CtxOptions & { readonly registry: { host: string; ca?: string } } {
  const registry = Object.values(state.registries).find((one) => one.address === host);
  if (!registry) throw new Error(`no registry ${host}`);
  const ca = 'ca' in registry ? registry.ca : undefined;
  return {
    ...('username' in registry
      ? { credentials: { [host]: { username: registry.username, password: registry.password } } }
      : {}),
    ...(ca === undefined ? {} : { ca: { [host]: ca } }),
    registry: { host, ...(ca === undefined ? {} : { ca }) },
  };
}

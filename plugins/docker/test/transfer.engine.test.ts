/** Between a real engine and real registries: what is pushed is what was built, and what is fetched is that again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { candidateTag, digestOfBytes } from '@rebake/image';
import type { Digest, Output } from '@rebake/image';
import type { EnginesState } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ctxOf,
  dockerBuilder,
  entryOf,
  jobOf,
  keyOf,
  rawEngine,
  removeAll,
  smallBaseJob,
  temporaryFolder,
} from './kit.ts';

describeEngine('the docker builder and registries', ['docker', 'plain', 'auth', 'token'], (state) => {
  const builder = dockerBuilder({ host: state.docker.host });
  const docker = rawEngine(state);
  const keys = ['base', 'small', 'fetched', 'fetched again', 'refetched'].map(keyOf);
  const repository = `rebake-test/${crypto.randomUUID()}`;
  const folder = temporaryFolder();
  let image: Output;

  /** Puts a file with these contents on a parent. */
  async function withFile(name: string, parent: Output, text: string, ctx = ctxOf()): Promise<Output> {
    writeFileSync(join(folder.path, name), text);
    const files = { root: folder.path, files: [entryOf(folder.path, name)] };
    return builder.build(jobOf(name, parent, [{ step: 'copy', files, to: '/data', owner: '0:0' }]), ctx);
  }

  const buildSmall = async () =>
    withFile('small', await builder.build(smallBaseJob(folder.path, 'base'), ctxOf()), repository);

  beforeAll(async () => {
    image = await buildSmall();
  });

  afterAll(async () => {
    folder.remove();
    await removeAll(
      state,
      keys.map((key) => `rebake/candidate:${candidateTag(key)}`),
    );
    await builder.close();
  });

  const logins = (name: 'auth' | 'token') => {
    const { address, username, password } = state.registries[name];
    return { credentials: { [address]: { username, password } } };
  };
  const push = (registry: string, ctx = ctxOf()) =>
    builder.push(image, { registry, repository, key: keyOf('small') }, ctx);

  describe.each(['plain', 'auth', 'token'] as const)('%s', (name) => {
    it('gets the image as its candidate, with its identity, and the engine keeps no name of it', async () => {
      const { address } = state.registries[name];
      const ctx = ctxOf(name === 'plain' ? {} : logins(name));
      const digest = await push(address, ctx);
      expect(ctx.seen.some(({ type }) => type === 'log')).toBe(true);
      if (name !== 'token') {
        const manifest = await manifestOf(state, name, repository, candidateTag(keyOf('small')));
        expect(manifest).toMatchObject({ digest, config: image.identity });
      }
      const { RepoTags } = await docker.getImage(image.identity).inspect();
      expect(RepoTags).toEqual([`rebake/candidate:${candidateTag(keyOf('small'))}`]);
    });
  });

  it('is not let into a registry without a login, and says so', async () => {
    await expect(push(state.registries.auth.address)).rejects.toMatchObject({
      error: { code: 'REGISTRY_DENIED', retry: 'never' },
    });
    const wrong = { credentials: { [state.registries.auth.address]: { username: 'rebake', password: 'wrong' } } };
    await expect(push(state.registries.auth.address, ctxOf(wrong))).rejects.toMatchObject({
      error: { code: 'REGISTRY_DENIED' },
    });
  });

  it('says when a registry is not there', async () => {
    await expect(push('127.0.0.1:1')).rejects.toMatchObject({
      error: { code: 'REGISTRY_UNREACHABLE', retry: 'backoff' },
    });
  });

  it('says when there is nothing to push', async () => {
    const nothing = { identity: digestOfBytes('nothing'), at: [] };
    const to = { registry: state.registries.plain.address, repository, key: keyOf('small') };
    await expect(builder.push(nothing, to, ctxOf())).rejects.toMatchObject({ error: { code: 'IMAGE_MISSING' } });
  });

  it('pushes the same candidate twice at a time, and neither takes the name from the other', async () => {
    const { address } = state.registries.plain;
    const [one, other] = await Promise.all([push(address), push(address)]);
    expect(one).toBe(other);
  });

  it('brings back what was removed, from the registry that has it, with the same identity', async () => {
    const { address } = state.registries.auth;
    const manifest = await push(address, ctxOf(logins('auth')));
    await builder.remove(image.at[0]!, ctxOf());
    expect(await builder.inspect(image.at[0]!, ctxOf())).toEqual({ seen: 'no' });
    await expect(docker.getImage(image.identity).inspect()).rejects.toMatchObject({ statusCode: 404 });

    const known: Output = {
      identity: image.identity,
      at: [
        { registry: '127.0.0.1:1', repository, manifest },
        { registry: address, repository, manifest },
      ],
    };
    const at = await builder.fetch(known, keyOf('fetched'), ctxOf(logins('auth')));
    expect(await builder.inspect(at, ctxOf())).toEqual({ seen: 'yes', value: { identity: image.identity, at: [at] } });
    const { RepoTags, RepoDigests } = await docker.getImage(image.identity).inspect();
    expect({ RepoTags, RepoDigests }).toEqual({
      RepoTags: [`rebake/candidate:${candidateTag(keyOf('fetched'))}`],
      RepoDigests: [],
    });

    await builder.remove(at, ctxOf());
    await expect(docker.getImage(image.identity).inspect()).rejects.toMatchObject({ statusCode: 404 });
  });

  it('keeps nothing that is not what was asked for', async () => {
    const { address } = state.registries.plain;
    image = await buildSmall();
    const manifest = await push(address);
    const wrong: Output = {
      identity: digestOfBytes('something else'),
      at: [{ registry: address, repository, manifest }],
    };
    await expect(builder.fetch(wrong, keyOf('fetched again'), ctxOf())).rejects.toMatchObject({
      error: { code: 'IDENTITY_MISMATCH' },
    });
    expect(await builder.inspect({ key: keyOf('fetched again') }, ctxOf())).toEqual({ seen: 'no' });
    const missing: Output = {
      ...wrong,
      at: [{ registry: address, repository, manifest: digestOfBytes('no manifest') }],
    };
    await expect(builder.fetch(missing, keyOf('fetched again'), ctxOf())).rejects.toMatchObject({
      error: { code: 'REGISTRY_NOT_FOUND' },
    });
  });

  it('builds on an image of a private registry, pinned by digest', async () => {
    const { address } = state.registries.auth;
    const manifest = await push(address, ctxOf(logins('auth')));
    const external: Output = { identity: image.identity, at: [{ registry: address, repository, manifest }] };
    const built = await withFile('refetched', external, 'on top', ctxOf(logins('auth')));
    const below = await docker.getImage(image.identity).inspect();
    const above = await docker.getImage(built.identity).inspect();
    expect(above.RootFS.Layers!.slice(0, below.RootFS.Layers!.length)).toEqual(below.RootFS.Layers);
  });
});

async function manifestOf(
  state: EnginesState,
  name: 'plain' | 'auth',
  repository: string,
  tag: string,
): Promise<{ digest: string | null; config: Digest }> {
  const registry = state.registries[name];
  const login =
    'username' in registry ? { authorization: `Basic ${btoa(`${registry.username}:${registry.password}`)}` } : {};
  const answer = await fetch(`${registry.url}/v2/${repository}/manifests/${tag}`, {
    headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json', ...login } as Record<string, string>,
  });
  const { config } = (await answer.json()) as { config: { digest: Digest } };
  return { digest: answer.headers.get('docker-content-digest'), config: config.digest };
}

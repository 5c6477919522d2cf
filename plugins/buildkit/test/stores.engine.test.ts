/** Images in a repository and in a layout: built, found, fetched, pushed, named and removed, over registries of every kind. */
import { join } from 'node:path';
import { candidateTag, digestOfBytes, openLayout } from '@rebake/image';
import type { Output } from '@rebake/image';
import type { Builder } from '@rebake/sdk';
import type { RegistryName } from '@rebake/tool-engines';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildkitBuilder,
  ctxFor,
  fragment,
  jobOf,
  keyOf,
  once,
  placeOf,
  registryClient,
  repositoryOf,
  temporaryFolder,
  tinyJob,
} from './kit.ts';

const KINDS: readonly RegistryName[] = ['plain', 'auth', 'tls', 'token'];

describeEngine('a builder over BuildKit', ['buildkit', 'rootfs', ...KINDS], (state) => {
  const folder = temporaryFolder();
  const ctx = ctxFor(state);
  const client = registryClient(state);
  const { signal } = new AbortController();
  const { address } = state.buildkit;
  const open: Builder[] = [];
  afterAll(() => Promise.all(open.map((builder) => builder.close())));

  /** A builder whose images are in a layout of its own, or in a repository. */
  async function builderOf(options: { name: string; repository?: string }): Promise<Builder> {
    const { name, repository } = options;
    const where = repository === undefined ? {} : { repository };
    const builder = await buildkitBuilder({ address, ...where }, join(folder, name));
    open.push(builder);
    return builder;
  }

  /** Layers and identity of an image in a repository, as anybody sees them. */
  async function seenAt(place: { registry: string; repository: string }, reference: string) {
    const seen = await client.resolve({ ...place, reference }, { signal, platform: 'linux/amd64' });
    if (seen.seen !== 'yes') throw new Error(JSON.stringify(seen));
    const config = await client.config({ ...place, identity: seen.value.identity }, { signal });
    return { ...seen.value, layers: config.seen === 'yes' ? config.value.diffIds : null };
  }

  describe.each(KINDS)('with its images in a repository of the registry %s', (kind) => {
    const repository = repositoryOf(state, kind, 'store');
    const place = placeOf(repository);
    let builder: Builder;
    let base: Output;
    let child: Output;

    beforeAll(async () => {
      builder = await builderOf({ name: `repository ${kind}`, repository });
      base = await builder.build(tinyJob(state, folder, `${kind} base`), ctx());
      child = await builder.build(jobOf(`${kind} child`, base, [once('echo child > /child')]), ctx());
    });

    it('has the same engine on every machine that names it, and no names for other engines', async () => {
      const other = await builderOf({ name: `repository ${kind} elsewhere`, repository });
      for (const one of [builder, other])
        expect(await one.probe(ctx())).toMatchObject({
          engine: `repository:${repository}`,
          reproducible: true,
          lacks: ['engine-names'],
          parallel: 4,
        });
      expect(await other.inspect({ key: keyOf(`${kind} child`) }, ctx())).toEqual({
        seen: 'yes',
        value: { identity: child.identity, at: child.at },
      });
      const grandchild = await other.build(jobOf(`${kind} grandchild`, child, [once('test -e /child')]), ctx());
      const tag = candidateTag(keyOf(`${kind} grandchild`));
      expect((await seenAt(place, tag)).identity).toBe(grandchild.identity);
    });

    it('keeps candidates as tags, on top of their parents', async () => {
      const below = await seenAt(place, candidateTag(keyOf(`${kind} base`)));
      const above = await seenAt(place, candidateTag(keyOf(`${kind} child`)));
      expect(below.identity).toBe(base.identity);
      expect(above).toMatchObject({
        identity: child.identity,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
      });
      expect(above.layers!.slice(0, below.layers!.length)).toEqual(below.layers);
      expect(child.at).toEqual([
        { engine: `repository:${repository}`, name: `rebake/candidate:${candidateTag(keyOf(`${kind} child`))}` },
      ]);
    });

    it.each(KINDS)('pushes to the registry %s as the candidate, and fetches from there', async (target) => {
      const to = placeOf(repositoryOf(state, target, `pushed-from-${kind}`));
      const key = keyOf(`pushed from ${kind} to ${target}`);
      const manifest = await builder.push(child, { ...to, key }, ctx());
      expect(await seenAt(to, candidateTag(key))).toMatchObject({ identity: child.identity, manifest });

      const from: Output = { identity: child.identity, at: [{ ...to, manifest }] };
      const fetched = await builder.fetch(from, key, ctx());
      expect(fetched).toEqual({ engine: `repository:${repository}`, name: `rebake/candidate:${candidateTag(key)}` });
      expect(await builder.inspect(fetched, ctx())).toMatchObject({ seen: 'yes', value: { identity: child.identity } });
    });

    it('removes a candidate, and not another one of the same image', async () => {
      const [first, second] = [
        jobOf(`${kind} one`, base, [once('touch /same')]),
        jobOf(`${kind} two`, base, [once('touch /same')]),
      ];
      const [one, two] = [await builder.build(first, ctx()), await builder.build(second, ctx())];
      expect(one.identity).toBe(two.identity);
      await builder.remove(one.at[0]!, ctx());
      await builder.remove(one.at[0]!, ctx());
      expect(await builder.inspect(one.at[0]!, ctx())).toEqual({ seen: 'no' });
      expect(await client.head({ ...place, reference: candidateTag(first.key) }, { signal })).toEqual({ seen: 'no' });
      expect(await builder.inspect(two.at[0]!, ctx())).toMatchObject({ seen: 'yes' });
      await builder.build(jobOf(`${kind} on two`, two, [once('test -e /same')]), ctx());
    });

    it('gives no names but those of candidates', async () => {
      const name = `rebake/candidate:${candidateTag(keyOf(`${kind} another`))}`;
      expect(await builder.tag(child, name, ctx())).toEqual({ engine: `repository:${repository}`, name });
      expect((await seenAt(place, candidateTag(keyOf(`${kind} another`)))).identity).toBe(child.identity);
      await expect(builder.tag(child, 'another:1', ctx())).rejects.toMatchObject({ error: { code: 'NAME_INVALID' } });
      const elsewhere = { engine: `repository:${repository}`, name: 'another:1' };
      expect(await builder.inspect(elsewhere, ctx())).toEqual({ seen: 'no' });
    });
  });

  describe('with its images in a layout', () => {
    const dir = join(folder, 'layout');
    let builder: Builder;
    let base: Output;
    let child: Output;
    let engine: string;

    beforeAll(async () => {
      builder = await builderOf({ name: 'layout' });
      ({ engine } = await builder.probe(ctx()));
      base = await builder.build(tinyJob(state, folder, 'layout base'), ctx());
      child = await builder.build(jobOf('layout child', base, [once('echo child > /child')]), ctx());
    });

    it('has an engine of its own, with names that others find', async () => {
      const capabilities = await builder.probe(ctx());
      expect(capabilities).toMatchObject({
        engine: expect.stringMatching(/^layout:[0-9a-f-]{36}$/) as string,
        lacks: [],
      });
      const another = await builderOf({ name: 'another layout' });
      expect((await another.probe(ctx())).engine).not.toBe(engine);
      expect(await another.inspect(child.at[0]!, ctx())).toEqual({ seen: 'no' });
    });

    it('keeps candidates under names, on top of their parents', async () => {
      const layout = openLayout(join(dir, 'layout'));
      const name = `rebake/candidate:${candidateTag(keyOf('layout child'))}`;
      const [below, above] = [
        await layout.image(`rebake/candidate:${candidateTag(keyOf('layout base'))}`),
        await layout.image(name),
      ];
      expect(above!.identity).toBe(child.identity);
      expect(above!.config.diffIds.slice(0, below!.config.diffIds.length)).toEqual(below!.config.diffIds);
      expect(child.at).toEqual([{ engine, name }]);
      expect(await builder.inspect({ key: keyOf('layout child') }, ctx())).toEqual({
        seen: 'yes',
        value: { identity: child.identity, at: child.at },
      });
    });

    it.each(KINDS)('pushes to the registry %s, and fetches from there into another layout', async (target) => {
      const to = placeOf(repositoryOf(state, target, 'pushed-from-layout'));
      const key = keyOf(`pushed from the layout to ${target}`);
      const manifest = await builder.push(child, { ...to, key }, ctx());
      expect(await seenAt(to, candidateTag(key))).toMatchObject({ identity: child.identity, manifest });

      const other = await builderOf({ name: `layout for ${target}` });
      const fetched = await other.fetch({ identity: child.identity, at: [{ ...to, manifest }] }, key, ctx());
      expect(await other.inspect(fetched, ctx())).toMatchObject({ seen: 'yes', value: { identity: child.identity } });
      const grandchild = jobOf(`on what came from ${target}`, { identity: child.identity, at: [fetched] }, [
        once('test -e /child'),
      ]);
      await other.build(grandchild, ctx());
    });

    it('names images, and takes names away', async () => {
      const at = await builder.tag(child, 'dss/base:14', ctx());
      expect(at).toEqual({ engine, name: 'dss/base:14' });
      expect(await builder.inspect(at, ctx())).toEqual({ seen: 'yes', value: { identity: child.identity, at: [at] } });
      await builder.remove({ engine: 'another', name: 'dss/base:14' }, ctx());
      expect(await builder.inspect(at, ctx())).toMatchObject({ seen: 'yes' });
      await builder.remove(at, ctx());
      await builder.remove(at, ctx());
      expect(await builder.inspect(at, ctx())).toEqual({ seen: 'no' });
      expect(await builder.inspect(child.at[0]!, ctx())).toMatchObject({ seen: 'yes' });
    });

    it('builds on an image that is in a registry only', async () => {
      const to = placeOf(repositoryOf(state, 'token', 'external'));
      const manifest = await builder.push(child, { ...to, key: keyOf('external') }, ctx());
      const external: Output = { identity: child.identity, at: [{ ...to, manifest }] };
      const built = await builder.build(jobOf('on an external', external, [once('test -e /child')]), ctx());
      const layout = openLayout(join(dir, 'layout'));
      const above = await layout.image(`rebake/candidate:${candidateTag(keyOf('on an external'))}`);
      expect(above!.identity).toBe(built.identity);
    });

    it('builds a Dockerfile of several images, each where it is', async () => {
      const to = placeOf(repositoryOf(state, 'tls', 'external'));
      const manifest = await builder.push(base, { ...to, key: keyOf('from') }, ctx());
      const text =
        'FROM one AS first\nRUN echo first > /first\nFROM two\nCOPY --from=first /first /\nCOPY --from=one /child /';
      const step = { step: 'dockerfile', text, files: { root: '/', files: [] }, froms: ['one', 'two'] } as const;
      const job = {
        ...jobOf('several', null, [step, fragment('RUN cat /first /child')]),
        froms: { one: child, two: { identity: base.identity, at: [{ ...to, manifest }] } },
      };
      const own = ctx();
      await builder.build(job, own);
      expect(own.seen).toEqual(
        expect.arrayContaining([
          { type: 'log', text: 'first' },
          { type: 'log', text: 'child' },
        ]),
      );
    });

    it('refuses a parent that is not there, or is another by now, before it builds', async () => {
      const step = [fragment('RUN true')];
      const gone: Output = {
        identity: base.identity,
        at: [{ engine, name: `rebake/candidate:${candidateTag(digestOfBytes('gone'))}` }],
      };
      await expect(builder.build(jobOf('orphan', gone, step), ctx())).rejects.toMatchObject({
        error: { code: 'PARENT_MISSING', retry: 'never' },
      });
      const other: Output = { identity: digestOfBytes('other'), at: base.at };
      await expect(builder.build(jobOf('orphan', other, step), ctx())).rejects.toMatchObject({
        error: { code: 'PARENT_MISSING' },
      });
      expect(await builder.inspect({ key: keyOf('orphan') }, ctx())).toEqual({ seen: 'no' });
    });

    it('does not fetch what is another image than it should be, and does not push what it has not', async () => {
      const to = placeOf(repositoryOf(state, 'plain', 'mixed-up'));
      const manifest = await builder.push(child, { ...to, key: keyOf('mixed up') }, ctx());
      const wrong: Output = { identity: digestOfBytes('other'), at: [{ ...to, manifest }] };
      await expect(builder.fetch(wrong, keyOf('wrong'), ctx())).rejects.toMatchObject({
        error: { code: 'IDENTITY_MISMATCH', retry: 'never' },
      });
      await expect(builder.push(wrong, { ...to, key: keyOf('wrong') }, ctx())).rejects.toMatchObject({
        error: { code: 'IMAGE_MISSING' },
      });
      const nowhere: Output = { identity: child.identity, at: [] };
      await expect(builder.fetch(nowhere, keyOf('wrong'), ctx())).rejects.toMatchObject({
        error: { code: 'IMAGE_MISSING' },
      });
    });

    it('does not look into registries', async () => {
      const at = { ...placeOf(repositoryOf(state, 'plain', 'x')), manifest: base.identity };
      expect(await builder.inspect(at, ctx())).toMatchObject({ seen: 'unknown', why: { code: 'LOCATION_ELSEWHERE' } });
      await expect(builder.remove(at, ctx())).rejects.toMatchObject({ error: { code: 'LOCATION_ELSEWHERE' } });
    });
  });
});

/** Between the engine and registries: what is pushed is what was built, and what is fetched is that again. */
import { candidateTag, digestOfBytes } from '@rebake/image';
import type { Digest, Output } from '@rebake/image';
import { candidateName } from '../../building/names.ts';
import type { Bench } from '../bench.ts';
import { group, parts, steps } from '../group.ts';
import type { TestRegistry } from '../rig.ts';
import { hold, refused, same } from '../rules.ts';
import { copy, fileSet } from '../steps.ts';
import { readStored } from '../stored-image.ts';

const NEEDS = steps('rootfs', 'copy');
/** Nobody listens on port 1. */
const DEAD = '127.0.0.1:1';

function only(registry: TestRegistry | undefined): TestRegistry {
  hold(registry !== undefined, 'The rig has the registry');
  return registry;
}

/** Pushes a new image to a registry, and looks for it there. */
async function pushedTo(bench: Bench, registry: TestRegistry): Promise<void> {
  const image = await bench.makeUnique();
  const to = { registry: registry.address, repository: bench.repository(), key: bench.key() };
  const manifest = await bench.push(image, to);
  const at = { registry: to.registry, repository: to.repository, reference: candidateTag(to.key) };
  const seen = await bench.registry().resolve(at, { signal: AbortSignal.timeout(60_000) });
  hold(seen.seen === 'yes', 'What was pushed is in the registry under the tag of its candidate', seen);
  same(seen.value.manifest, manifest, 'A push returns the digest of the manifest in the registry');
  same(seen.value.identity, image.identity, 'What is pushed has the identity of what was built');
}

/** An image that is in the plain registry, and in the engine under `key`. */
async function pushedImage(bench: Bench): Promise<{ image: Output; there: Output; key: Digest }> {
  const key = bench.key();
  const image = await bench.makeUnique({ key });
  const to = { registry: bench.rig.registries.plain.address, repository: bench.repository(), key };
  const manifest = await bench.push(image, to);
  const { registry, repository } = to;
  return { image, key, there: { identity: image.identity, at: [{ registry, repository, manifest }] } };
}

/** A fetched image is under the key's name, is what it was, and can be pushed again. */
async function isBack(bench: Bench, key: Digest, image: Output, at: unknown): Promise<void> {
  const { engine } = await bench.capabilities();
  same(
    at,
    { engine, name: candidateName(key) },
    'A fetched image is in this engine under the candidate name of the key',
  );
  const seen = await bench.inspect({ key });
  hold(seen.seen === 'yes', 'A fetched image is found by its key', seen);
  same(seen.value.identity, image.identity, 'Fetching does not change the identity');
}

export const registry = group('registry', [
  {
    id: 'push',
    title: 'pushes an image under the tag of its candidate and nothing else, and returns the digest of its manifest',
    why: 'Final tags are moved afterwards, by the kernel, when everything is there.',
    needs: NEEDS,
    async run(bench) {
      await pushedTo(bench, bench.rig.registries.plain);
      const image = await bench.makeUnique();
      const { address } = bench.rig.registries.plain;
      const to = { registry: address, repository: bench.repository(), key: bench.key() };
      const manifest = await bench.push(image, to);
      const tags = (await (await fetch(`http://${address}/v2/${to.repository}/tags/list`)).json()) as {
        tags: string[];
      };
      same(tags.tags, [candidateTag(to.key)], 'A push makes one tag, that of the candidate');
      const stored = await readStored(bench.registry(), { ...to, reference: manifest });
      const files = await stored.entries(stored.diffIds.length - 1);
      hold(files.has('data/unique.txt'), 'All layers of what is pushed are in the registry', [...files.keys()]);
    },
  },
  {
    id: 'push-again',
    title: 'pushes the same image twice, also at the same time, as the same manifest',
    why: 'A run that is repeated finds its own work, and two at once do not take it from each other.',
    needs: NEEDS,
    async run(bench) {
      const { image, there, key } = await pushedImage(bench);
      const [at] = there.at;
      hold(at !== undefined && 'registry' in at, 'It is in the registry');
      const to = { registry: at.registry, repository: at.repository, key };
      same(await bench.push(image, to), at.manifest, 'Pushing again gives the same manifest');
      const fresh = { ...to, repository: bench.repository() };
      const [one, other] = await Promise.all([bench.push(image, fresh), bench.push(image, fresh)]);
      same([one, other], [at.manifest, at.manifest], 'Pushing twice at once gives the same manifest');
    },
  },
  {
    id: 'push-two-keys',
    title: 'pushes one image under two keys to one repository',
    why: 'An image that comes out as it was gets one more candidate name, and keeps the old one.',
    needs: NEEDS,
    async run(bench) {
      const { image, there, key } = await pushedImage(bench);
      const [at] = there.at;
      hold(at !== undefined && 'registry' in at, 'It is in the registry');
      const second = bench.key();
      const manifest = await bench.push(image, { registry: at.registry, repository: at.repository, key: second });
      for (const [tag, wanted] of [
        [key, at.manifest],
        [second, manifest],
      ] as const) {
        const place = { registry: at.registry, repository: at.repository, reference: candidateTag(tag) };
        const seen = await bench.registry().resolve(place, { signal: AbortSignal.timeout(60_000) });
        hold(seen.seen === 'yes' && seen.value.manifest === wanted, 'Both candidates are there', seen);
      }
    },
  },
  {
    id: 'push-auth',
    title: 'pushes with the login that the kernel gives it',
    why: 'Logins come from the user’s docker config and helpers, through the context of the call.',
    needs: [...NEEDS, ...parts('auth')],
    run: (bench) => pushedTo(bench, only(bench.rig.registries.auth)),
  },
  {
    id: 'push-token',
    title: 'pushes to a registry that asks for tokens',
    why: 'Most public registries do.',
    needs: [...NEEDS, ...parts('token')],
    run: (bench) => pushedTo(bench, only(bench.rig.registries.token)),
  },
  {
    id: 'push-tls',
    title: 'pushes to a registry whose certificate is of a company’s own authority',
    why: 'Most private registries have one.',
    needs: [...NEEDS, ...parts('tls')],
    run: (bench) => pushedTo(bench, only(bench.rig.registries.tls)),
  },
  {
    id: 'denied',
    title: 'says that a registry does not let it in, without a login and with a wrong one',
    why: 'Whoever has no login needs one: trying again does not help.',
    needs: [...NEEDS, ...parts('auth')],
    async run(bench) {
      const image = await bench.makeUnique();
      const { address } = only(bench.rig.registries.auth);
      for (const logins of ['none', 'wrong'] as const) {
        const to = { registry: address, repository: bench.repository(), key: bench.key() };
        await refused(
          bench.push(image, to, { logins }),
          { code: 'REGISTRY_DENIED', retry: 'never' },
          'A registry that lets nobody in is REGISTRY_DENIED',
        );
      }
    },
  },
  {
    id: 'dead',
    title: 'says that a registry is not there, and that trying again may help',
    why: 'The kernel waits and tries again where the failure says so.',
    needs: NEEDS,
    async run(bench) {
      const image = await bench.makeUnique();
      await refused(
        bench.push(image, { registry: DEAD, repository: bench.repository(), key: bench.key() }),
        { code: 'REGISTRY_UNREACHABLE', retry: 'backoff' },
        'A registry that is not there is REGISTRY_UNREACHABLE with backoff',
      );
    },
  },
  {
    id: 'push-nothing',
    title: 'says that there is nothing to push',
    why: 'An image that was removed has to be built or fetched, which the kernel decides.',
    needs: NEEDS,
    async run(bench) {
      const key = bench.key();
      const { engine } = await bench.capabilities();
      const nothing = { identity: digestOfBytes(key), at: [{ engine, name: candidateName(key) }] };
      const to = { registry: bench.rig.registries.plain.address, repository: bench.repository(), key };
      await refused(
        bench.push(nothing, to),
        { code: 'IMAGE_MISSING', retry: 'never' },
        'Pushing what is not there is IMAGE_MISSING',
      );
    },
  },
  {
    id: 'fetch',
    title: 'brings back what was removed, under the name of a key, from the first place that has it',
    why: 'What is in a registry need not be built again.',
    needs: NEEDS,
    async run(bench) {
      const { image, there } = await pushedImage(bench);
      for (const at of image.at) await bench.remove(at);
      const [at] = there.at;
      hold(at !== undefined && 'registry' in at, 'It is in the registry');
      const key = bench.key();
      const known = { identity: image.identity, at: [{ ...at, registry: DEAD }, at] };
      const back = await bench.fetch(known, key);
      await isBack(bench, key, image, back);
      const stored = await bench.read({ identity: image.identity, at: [back] });
      same(stored.identity, image.identity, 'What was fetched can be pushed again as what it is');
    },
  },
  {
    id: 'fetch-auth',
    title: 'fetches from a registry that asks for a login',
    why: 'A fresh machine has nothing but its logins.',
    needs: [...NEEDS, ...parts('auth')],
    async run(bench) {
      const image = await bench.makeUnique();
      const to = {
        registry: only(bench.rig.registries.auth).address,
        repository: bench.repository(),
        key: bench.key(),
      };
      const manifest = await bench.push(image, to);
      for (const at of image.at) await bench.remove(at);
      const there = { registry: to.registry, repository: to.repository, manifest };
      const key = bench.key();
      await isBack(bench, key, image, await bench.fetch({ identity: image.identity, at: [there] }, key));
    },
  },
  {
    id: 'fetch-missing',
    title: 'says that what it should fetch is not there',
    why: 'Then it is built, which takes longer and has to be planned.',
    needs: NEEDS,
    async run(bench) {
      const { there } = await pushedImage(bench);
      const [at] = there.at;
      hold(at !== undefined && 'registry' in at, 'It is in the registry');
      const key = bench.key();
      const gone = { identity: digestOfBytes(key), at: [{ ...at, manifest: digestOfBytes(`${key} manifest`) }] };
      await refused(
        bench.fetch(gone, key),
        { code: 'REGISTRY_NOT_FOUND', retry: 'never' },
        'Fetching what a registry does not have is REGISTRY_NOT_FOUND',
      );
      const seen = await bench.inspect({ key });
      hold(seen.seen === 'no', 'After a fetch that failed nothing is under the key', seen);
    },
  },
  {
    id: 'fetch-other',
    title: 'keeps nothing that is not the image that was asked for',
    why: 'A manifest of another image under a known name is how images get mixed up.',
    needs: NEEDS,
    async run(bench) {
      const { there } = await pushedImage(bench);
      const key = bench.key();
      await refused(
        bench.fetch({ ...there, identity: digestOfBytes(key) }, key),
        { code: 'IDENTITY_MISMATCH', retry: 'never' },
        'Fetching an image of another identity is IDENTITY_MISMATCH',
      );
      const seen = await bench.inspect({ key });
      hold(seen.seen === 'no', 'After a fetch that failed nothing is under the key', seen);
    },
  },
  {
    id: 'parent',
    title: 'builds on an image that is only in a registry, by its digest',
    why: 'External bases are pulled while building, and what they are was decided when planning.',
    needs: NEEDS,
    async run(bench) {
      const { image, there } = await pushedImage(bench);
      const parent = await bench.read(image);
      for (const at of image.at) await bench.remove(at);
      const files = fileSet(bench.folder(), { 'on-top.txt': 'on top' });
      const child = await bench.read((await bench.make(there, [copy(files, '/data')])).output);
      const below = parent.diffIds.length;
      same(child.diffIds.slice(0, below), parent.diffIds, 'An image on an external begins with its layers');
      same((await child.entries(below)).get('data/on-top.txt')?.text, 'on top', 'Its own layers are above them');
    },
  },
  {
    id: 'parent-auth',
    title: 'builds on an image of a registry that asks for a login',
    why: 'Company bases are in private registries.',
    needs: [...NEEDS, ...parts('auth')],
    async run(bench) {
      const image = await bench.makeUnique();
      const to = {
        registry: only(bench.rig.registries.auth).address,
        repository: bench.repository(),
        key: bench.key(),
      };
      const manifest = await bench.push(image, to);
      for (const at of image.at) await bench.remove(at);
      const there = { registry: to.registry, repository: to.repository, manifest };
      const files = fileSet(bench.folder(), { 'on-top.txt': 'on top' });
      await bench.make({ identity: image.identity, at: [there] }, [copy(files, '/data')]);
    },
  },
]);

/** Faults with images: registries, names, looking for them, and what is left behind. */
import { BuildFailure, digestOfBytes } from '@rebake/image';
import type { Digest, Output } from '@rebake/image';
import type { Job } from '@rebake/sdk';
import { oneFile } from './fault.ts';
import type { Fault } from './fault.ts';

const REGISTRY = ['push', 'push-again', 'push-two-keys', 'fetch', 'fetch-missing', 'fetch-other'].map(
  (id) => `registry/${id}`,
);
const NAMES = ['tag', 'tag-moves', 'remove-one', 'remove-missing', 'remove-elsewhere', 'remove-parent'].map(
  (id) => `names/${id}`,
);
const INSPECT = ['missing', 'other-engine', 'registry', 'by-others'].map((id) => `inspect/${id}`);

/** Faults of this kind. */
export const images: readonly Fault[] = [
  {
    that: 'pushes a second tag',
    asked: REGISTRY,
    fails: ['registry/push'],
    breaks: (good) => ({
      ...good,
      async push(image, to, ctx) {
        await good.push(image, { ...to, key: digestOfBytes(to.key) }, ctx);
        return good.push(image, to, ctx);
      },
    }),
  },
  {
    that: 'returns the digest of something else',
    asked: REGISTRY,
    fails: ['registry/push', 'registry/push-two-keys', 'registry/fetch', 'registry/fetch-other'],
    breaks: (good) => ({
      ...good,
      async push(image, to, ctx) {
        await good.push(image, to, ctx);
        return image.identity;
      },
    }),
  },
  {
    that: 'changes what it fetches',
    asked: REGISTRY,
    fails: ['registry/fetch'],
    breaks: (good) => ({
      ...good,
      async fetch(image, key, ctx) {
        const at = await good.fetch(image, digestOfBytes(key), ctx);
        const parent: Output = { identity: image.identity, at: [at] };
        const files = oneFile(ctx.scratch, 'fetched.txt', 'by me');
        const spec = { steps: [{ step: 'copy', files, to: '/', owner: '0:0' } as const], env: {} };
        const job: Job = {
          key,
          series: 'fetched',
          spec,
          platform: 'linux/amd64',
          parent,
          froms: {},
          access: { secrets: {}, network: 'host' },
        };
        const [made] = (await good.build(job, ctx)).at;
        await good.remove(at, ctx);
        return made ?? at;
      },
    }),
  },
  {
    that: 'fetches under another name',
    asked: REGISTRY,
    fails: ['registry/fetch'],
    breaks: (good) => ({ ...good, fetch: (image, key, ctx) => good.fetch(image, digestOfBytes(key), ctx) }),
  },
  {
    that: 'looks for images in registries, and says “no”',
    asked: INSPECT,
    fails: ['inspect/registry'],
    breaks: (good) => ({
      ...good,
      inspect: async (at, ctx) => ('registry' in at ? { seen: 'no' } : good.inspect(at, ctx)),
    }),
  },
  {
    that: 'finds images of other engines in its own',
    asked: INSPECT,
    fails: ['inspect/other-engine'],
    breaks: (good) => ({
      ...good,
      inspect: async (at, ctx) =>
        'name' in at ? good.inspect({ ...at, engine: (await good.probe(ctx)).engine }, ctx) : good.inspect(at, ctx),
    }),
  },
  {
    that: 'knows only what it built itself',
    asked: INSPECT,
    fails: ['inspect/by-others'],
    breaks(good) {
      const own = new Set<Digest>();
      return {
        ...good,
        build(job, ctx) {
          own.add(job.key);
          return good.build(job, ctx);
        },
        inspect: async (at, ctx) => ('key' in at && !own.has(at.key) ? { seen: 'no' } : good.inspect(at, ctx)),
      };
    },
  },
  {
    that: 'says that it gave a name, and does not',
    asked: NAMES,
    fails: ['names/tag', 'names/tag-moves'],
    breaks: (good) => ({
      ...good,
      tag: async (_image, name, ctx) => ({ engine: (await good.probe(ctx)).engine, name }),
    }),
  },
  {
    that: 'removes an image with all of its names',
    asked: NAMES,
    fails: ['names/remove-one'],
    breaks(good) {
      const places: Output[] = [];
      return {
        ...good,
        async build(job, ctx) {
          const output = await good.build(job, ctx);
          places.push(output);
          return output;
        },
        async remove(at, ctx) {
          const seen = await good.inspect(at, ctx);
          const same = places.filter(({ identity }) => seen.seen === 'yes' && identity === seen.value.identity);
          for (const place of same.flatMap((output) => output.at)) await good.remove(place, ctx);
          await good.remove(at, ctx);
        },
      };
    },
  },
  {
    that: 'fails where what it should remove is gone',
    asked: NAMES,
    fails: ['names/remove-missing'],
    breaks: (good) => ({
      ...good,
      async remove(at, ctx) {
        const { engine } = await good.probe(ctx);
        const isHere = 'engine' in at && at.engine === engine;
        if (isHere && (await good.inspect(at, ctx)).seen === 'no')
          throw new BuildFailure({ code: 'IMAGE_MISSING', retry: 'never', words: 'no such image' });
        await good.remove(at, ctx);
      },
    }),
  },
  {
    that: 'removes by name, whatever the engine',
    asked: NAMES,
    fails: ['names/remove-elsewhere'],
    breaks: (good) => ({
      ...good,
      remove: async (at, ctx) =>
        good.remove('engine' in at ? { ...at, engine: (await good.probe(ctx)).engine } : at, ctx),
    }),
  },
  {
    that: 'leaves a name behind for each push',
    asked: ['leftovers/failure', 'leftovers/success'],
    fails: ['leftovers/success'],
    breaks: (good) => ({
      ...good,
      async push(image, to, ctx) {
        await good.tag(image, `rebake-broken/temporary:${to.key.slice(-12)}`, ctx);
        return good.push(image, to, ctx);
      },
    }),
  },
];

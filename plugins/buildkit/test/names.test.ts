/** Which image a name leads to in the end, when several builds want to give it. */
import { digestOfBytes } from '@rebake/image';
import type { Ctx } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { Names } from '../src/names.ts';
import type { Held } from '@rebake/sdk/building';
import type { Store } from '../src/store/store.ts';

function image(name: string, top = name): Held {
  return { identity: digestOfBytes(name), top: digestOfBytes(top), manifest: digestOfBytes(top) };
}

/** As much of a store as names need: a name takes its time. */
function storeOf(names: Map<string, Held>) {
  const kept: string[] = [];
  const store = {
    look: async (name: string) => Promise.resolve(names.get(name) ?? null),
    async keep(name: string, held: Held) {
      await new Promise(setImmediate);
      kept.push(held.top);
      names.set(name, held);
    },
  } as unknown as Store;
  return { store, kept };
}

const NAME = 'rebake/candidate:x';

function ctxOf() {
  const lines: string[] = [];
  return { lines, emit: ({ text = '' }: { text?: string }) => lines.push(text) } as unknown as Ctx & {
    lines: string[];
  };
}

describe('a name', () => {
  it('goes to the first of several builds that came side by side, and the others take its image', async () => {
    const names = new Map<string, Held>();
    const { store, kept } = storeOf(names);
    const own = new Names(store);
    const ctx = ctxOf();
    const settled = await Promise.all(['a', 'b', 'c'].map((name) => own.settle(NAME, image(name), null, ctx)));
    expect(settled).toEqual([image('a'), image('a'), image('a')]);
    expect(kept).toEqual([image('a').top]);
    expect(ctx.lines).toHaveLength(2);
  });

  it('goes on to the image of a build that found another one there when it began', async () => {
    const before = image('old');
    const { store, kept } = storeOf(new Map([[NAME, before]]));
    expect(await new Names(store).settle(NAME, image('new'), before, ctxOf())).toEqual(image('new'));
    expect(kept).toEqual([image('new').top]);
  });

  it('is not given again to what has it', async () => {
    const same = image('same');
    const { store, kept } = storeOf(new Map([[NAME, same]]));
    expect(await new Names(store).settle(NAME, same, same, ctxOf())).toEqual(same);
    expect(kept).toEqual([]);
  });

  it('stays where another build has put the same image meanwhile, in another form, without a word', async () => {
    const theirs = image('same', 'theirs');
    const { store, kept } = storeOf(new Map([[NAME, theirs]]));
    const ctx = ctxOf();
    expect(await new Names(store).settle(NAME, image('same', 'ours'), null, ctx)).toEqual(theirs);
    expect([kept, ctx.lines]).toEqual([[], []]);
  });

  it('is not held up by a build that could not give it', async () => {
    const names = new Map<string, Held>();
    const { store } = storeOf(names);
    const own = new Names(store);
    const broken = { ...store, keep: () => Promise.reject(new Error('full')) };
    const failing = new Names(broken);
    await expect(failing.settle(NAME, image('a'), null, ctxOf())).rejects.toThrow('full');
    await expect(failing.settle(NAME, image('b'), null, ctxOf())).rejects.toThrow('full');
    expect(await own.settle(NAME, image('c'), null, ctxOf())).toEqual(image('c'));
  });
});

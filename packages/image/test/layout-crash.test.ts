// What is left of a layout when writers are abandoned, race, or are killed: whole blobs, whole names, and nothing lost.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOfBytes, openLayout, type Digest, type Layout } from '../src/index.ts';
import { putImage, temporaryLayout } from './layout-tools.ts';
import { IMAGES } from './support/layout-images.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Starts a process on a layout. `said(n)`: when it has said so many lines, or has ended. */
function start(
  dir: string,
  ...args: string[]
): { child: ChildProcess; said(lines: number): Promise<void>; ended: Promise<unknown> } {
  const program = new URL('support/layout-child.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=@rebake/source', '--no-warnings', program, dir, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let hasEnded = false;
  const ended = once(child, 'close').finally(() => (hasEnded = true));
  const lines = createInterface({ input: child.stdout });
  let count = 0;
  lines.on('line', () => count++);
  return {
    child,
    ended,
    async said(wanted) {
      while (count < wanted && !hasEnded) await Promise.race([once(lines, 'line'), ended]);
    },
  };
}

/** Every blob that is there has the content of its name. */
function checkBlobs(dir: string): Digest[] {
  const folder = join(dir, 'blobs/sha256');
  return readdirSync(folder).map((name) => {
    const digest = digestOfBytes(readFileSync(join(folder, name)));
    expect(digest).toBe(`sha256:${name}`);
    return digest;
  });
}

describe('abandoned and racing writers', () => {
  const contents = ['', 'a', 'some content', 'x'.repeat(10_000)];

  const write = fc.record({
    content: fc.constantFrom(...contents),
    ref: fc.constantFrom('one', 'two', 'three'),
    opening: fc.nat({ max: 1 }),
    piece: fc.integer({ min: 1, max: 4_000 }),
    /** Pieces until it is abandoned. */
    until: fc.option(fc.nat({ max: 4 })),
    how: fc.constantFrom('close', 'abort', 'nothing'),
    isWrong: fc.boolean(),
  });

  /** Goes on where the ref was, as a client does that asks for the offset. */
  async function perform(
    layout: Layout,
    { content, ref, piece, until, how, isWrong }: typeof write extends fc.Arbitrary<infer T> ? T : never,
  ) {
    const bytes = Buffer.from(content);
    const writer = await layout.beginWrite(`${ref} ${content.length}`).catch(() => null);
    if (writer === null) return null;
    for (let pieces = 0; writer.offset < bytes.byteLength; pieces++) {
      if (until !== null && pieces >= until) {
        if (how === 'abort') await writer.abort();
        else await writer.close();
        return null;
      }
      await writer.append(bytes.subarray(writer.offset, writer.offset + piece));
    }
    if (isWrong) await writer.append(Buffer.from('!'));
    const expected = { digest: digestOfBytes(content), size: bytes.byteLength };
    return writer.commit(expected).then(
      () => expected.digest,
      () => null,
    );
  }

  it('never leave a wrong blob', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 12 }), async (writes) => {
        using made = temporaryLayout();
        const openings = [made.layout, openLayout(made.dir)];
        const done = await Promise.all(writes.map(async (one) => perform(openings[one.opening]!, one)));
        const committed = new Set(done.filter((digest) => digest !== null));
        expect(new Set(checkBlobs(made.dir))).toEqual(committed);
        for (const digest of committed) expect(await made.layout.has(digest)).not.toBeNull();
        for (const layout of openings) for (const { ref } of layout.writes()) await layout.abortWrite(ref);
        expect(readdirSync(join(made.dir, '.rebake/ingest'))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('processes', () => {
  it('that name at the same time lose no name', { timeout: 60_000 }, async () => {
    using made = temporaryLayout();
    const both = [start(made.dir, 'names', 'one', '60'), start(made.dir, 'names', 'two', '60')];
    for (const { ended } of both) expect(await ended).toEqual([0, null]);
    const names = [...(await made.layout.names()).keys()].toSorted();
    const expected = ['one', 'two'].flatMap((prefix) => Array.from({ length: 60 }, (_, i) => `${prefix}-${i}`));
    expect(names).toEqual(expected.toSorted());
  });

  it('that are killed leave whole blobs, whole names, and no lock', { timeout: 120_000 }, async () => {
    using made = temporaryLayout();
    for (const [first, second] of [
      [1, 1],
      [2, 5],
      [4, 1],
      [3, 3],
      [7, 2],
    ] as const) {
      const both = [start(made.dir, 'fill'), start(made.dir, 'fill')] as const;
      await both[0].said(first);
      both[0].child.kill('SIGKILL');
      await both[1].said(second);
      both[1].child.kill('SIGKILL');
      for (const { ended } of both) expect(await ended).toEqual([null, 'SIGKILL']);
      checkBlobs(made.dir);
      const layout = openLayout(made.dir);
      for (const name of (await layout.names()).keys()) expect(await layout.image(name)).not.toBeNull();
    }
    const layout = openLayout(made.dir);
    for (const [i, image] of IMAGES.entries()) await layout.name(`image-${i}`, await putImage(layout, image));
    await layout.sweep({ olderThanMs: 0 });
    expect(readdirSync(join(made.dir, '.rebake/ingest'))).toEqual([]);
    const all = new Set(IMAGES.flatMap(({ manifest, blobs }) => [manifest, ...blobs.keys()]));
    expect(new Set(checkBlobs(made.dir))).toEqual(all);
  });
});

/** Files on their way into a real engine: names, modes, sizes, and contents that are not what was planned. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Output } from '@rebake/image';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { beforeAll, expect, it } from 'vitest';
import { ctxOf, entryOf, fragment, keyOf, realBuilds } from './kit.ts';

describeEngine('files of a build', ['docker', 'rootfs'], (state) => {
  const { builder, folder, base: realBase, build } = realBuilds(state);
  let base: Output;

  beforeAll(() => {
    base = realBase();
  });

  it('sends files with odd names, in nested folders, with their exec bits', async () => {
    const root = join(folder, 'odd');
    const paths = ['a b/ü é.txt', "quote's", 'dollar$x', '[x]*.txt', '#hash', ' lead', 'a.b', 'a/c', '日本/語'];
    for (const path of paths) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), path);
    }
    writeFileSync(join(root, 'run.sh'), '#!/bin/sh\necho it runs\n');
    const files = [...paths.map((path) => entryOf(root, path)), entryOf(root, 'run.sh', true)];
    const { log } = await build('odd', base, [
      { step: 'copy', files: { root, files }, to: '/data', owner: '0:0' },
      fragment(
        'RUN cd /data && find . -type f | sort | while IFS= read -r f; do printf "%s|%s|%s\\n" "$f" "$(stat -c %a "$f")" "$(cat "$f" | head -n1)"; done; ./run.sh',
      ),
    ]);
    for (const path of paths) expect(log).toContain(`./${path}|644|${path}`);
    expect(log).toContain('./run.sh|755|#!/bin/sh');
    expect(log).toContain('it runs');
  });

  it('sends 100 MB, and reports how far it is', async () => {
    const root = join(folder, 'big');
    mkdirSync(root);
    const bytes = Buffer.alloc(100_000_000);
    for (let at = 0; at < bytes.length; at += 65_536)
      crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65_536, bytes.length)));
    writeFileSync(join(root, 'big.bin'), bytes);
    const file = entryOf(root, 'big.bin');
    const copied = { step: 'copy', files: { root, files: [file] }, to: '/data', owner: '0:0' } as const;
    const { log, seen } = await build('big', base, [copied, fragment('RUN sha256sum /data/big.bin')]);
    expect(log).toEqual([`${file.digest.slice('sha256:'.length)}  /data/big.bin`]);
    expect(seen.some((progress) => progress.type === 'bytes' && progress.done >= bytes.length)).toBe(true);
  });

  it('takes no file that changed since the plan, names it, and is not misled by it afterwards', async () => {
    const root = join(folder, 'moved');
    mkdirSync(root);
    writeFileSync(join(root, 'kept.txt'), 'as planned');
    // New to the engine: it does not ask for files again that it has as they were planned.
    const planned = `as planned ${crypto.randomUUID()}`;
    writeFileSync(join(root, 'moved.txt'), planned);
    const files = { root, files: [entryOf(root, 'kept.txt'), entryOf(root, 'moved.txt')] };
    const steps = [{ step: 'copy', files, to: '/data', owner: '0:0' } as const, fragment('RUN cat /data/moved.txt')];
    writeFileSync(join(root, 'moved.txt'), planned.replace('as', 'no'));
    await expect(build('moved', base, steps)).rejects.toMatchObject({
      error: { code: 'INPUT_MOVED', words: expect.stringContaining('moved.txt') as string },
    });
    expect(await builder.inspect({ key: keyOf('moved') }, ctxOf())).toEqual({ seen: 'no' });
    writeFileSync(join(root, 'moved.txt'), planned);
    expect((await build('moved', base, steps)).log).toEqual([planned]);
  });

  it('tells files apart that have the same name and size', async () => {
    const root = join(folder, 'alike');
    mkdirSync(root);
    for (const text of ['one', 'two']) {
      writeFileSync(join(root, 'x'), text);
      const files = { root, files: [entryOf(root, 'x')] };
      const { log } = await build(`alike ${text}`, base, [
        { step: 'copy', files, to: '/data', owner: '0:0' },
        fragment('RUN cat /data/x'),
      ]);
      expect(log).toEqual([text]);
    }
  });
});

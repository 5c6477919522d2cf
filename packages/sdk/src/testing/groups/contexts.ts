/** Files on their way into a build: odd names, many, large, and those that are not what was planned. */
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest, FileSet } from '@rebake/image';
import type { Bench } from '../bench.ts';
import { group, steps } from '../group.ts';
import type { LayerEntry } from '../stored-image.ts';
import { hold, refused, same } from '../rules.ts';
import { copy, fileSet } from '../steps.ts';

const NAMES = [
  'a b/ü é.txt',
  "quote's",
  'double"quote',
  'dollar$HOME',
  '[x]*.txt',
  'star*',
  'question?',
  '#hash',
  '!bang',
  '-rf',
  '--from=x',
  ' before',
  'after ',
  'back\\slash',
  'comma,equals=',
  'semi;amp&pipe|',
  'percent%20',
  '.hidden',
  '~tilde',
  'a.b',
  'a/c',
  '日本/語',
];

/** Copies a set onto the small base; returns what the image has below `/data`, by path. */
async function copied(bench: Bench, files: FileSet): Promise<ReadonlyMap<string, LayerEntry>> {
  const small = await bench.small();
  const stored = await bench.read((await bench.make(small, [copy(files, '/data')])).output);
  const entries = await stored.entries((await bench.read(small)).diffIds.length);
  const below = [...entries].filter(([path, { type }]) => path.startsWith('data/') && type === 'file');
  return new Map(below.map(([path, entry]) => [path.slice('data/'.length), entry]));
}

/** Builds with files that are not what was planned any more; they must be refused, and nothing may be under the key. */
async function isMoved(bench: Bench, files: FileSet, key: Digest): Promise<string> {
  const { words } = await refused(
    bench.make(await bench.small(), [copy(files, '/data')], { key }),
    { code: 'INPUT_MOVED', retry: 'never' },
    'A file that is not what was planned is INPUT_MOVED',
  );
  const seen = await bench.inspect({ key });
  hold(seen.seen === 'no', 'After INPUT_MOVED nothing is under the key', seen);
  return words;
}

export const contexts = group('contexts', [
  {
    id: 'names',
    title: 'takes files whose names have spaces, quotes, patterns, leading dashes and any Unicode',
    why: 'Names are data: none of them is an option, a pattern or a line of a file.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const contents = Object.fromEntries(NAMES.map((name) => [name, `this is ${name}`]));
      const found = await copied(bench, fileSet(bench.folder(), contents));
      const texts = Object.fromEntries([...found].map(([name, { text }]) => [name, text]));
      same(texts, contents, 'Every file arrives under its own name with its own contents');
    },
  },
  {
    id: 'newline',
    title: 'takes a name with a line end as it is, or refuses it',
    why: 'Lists with one name a line are the oldest trap there is.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const name = 'two\nlines';
      const files = fileSet(bench.folder(), { [name]: 'two', lines: 'one' });
      const key = bench.key();
      const seen = await bench
        .make(await bench.small(), [copy(files, '/data')], { key })
        .catch(async (error: unknown) => {
          await refused(Promise.reject(error as Error), { retry: 'never' }, 'A name that cannot be had is refused');
          return null;
        });
      if (seen === null) return;
      const stored = await bench.read(seen.output);
      const entries = await stored.entries(0);
      same(
        [entries.get(`data/${name}`)?.text, entries.get('data/lines')?.text],
        ['two', 'one'],
        'A name with a line end that is not refused arrives as it is',
      );
    },
  },
  {
    id: 'deep',
    title: 'takes deep paths, long names and empty files',
    why: 'Old archive formats end at 100 characters, and so do builders that write them by hand.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const deep = `${Array.from({ length: 30 }, (_one, index) => `folder-${index}`).join('/')}/deep.txt`;
      const contents = {
        [deep]: 'deep',
        ['n'.repeat(200)]: 'long',
        empty: '',
        [`ü${'é'.repeat(90)}`]: 'long in UTF-8',
      };
      const found = await copied(bench, fileSet(bench.folder(), contents));
      const texts = Object.fromEntries([...found].map(([name, { text }]) => [name, text]));
      same(texts, contents, 'Deep, long and empty files arrive as they are');
    },
  },
  {
    id: 'many',
    title: 'takes 2,000 files',
    why: 'A context is a folder of a project, not three files.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const contents: Record<string, string> = {};
      for (let index = 0; index < 2_000; index++) contents[`${index % 20}/${index % 7}/${index}.txt`] = `file ${index}`;
      const found = await copied(bench, fileSet(bench.folder(), contents));
      same(found.size, 2_000, 'All of many files arrive');
      const wrong = Object.keys(contents).filter((name) => found.get(name)?.text !== contents[name]);
      same(wrong, [], 'All of many files arrive with their own contents');
    },
  },
  {
    id: 'ignore-files',
    title: 'is not told by a .dockerignore among the files which of them count',
    why: 'What counts was chosen when the files were hashed; what is hashed is what is built.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const ignore = '*\n!nothing\n';
      const contents = {
        '.dockerignore': ignore,
        '.containerignore': ignore,
        'Dockerfile.dockerignore': ignore,
        'a.txt': 'a',
      };
      const found = await copied(bench, fileSet(bench.folder(), contents));
      same([...found.keys()].toSorted(), Object.keys(contents).toSorted(), 'Files arrive whatever an ignore file says');
    },
  },
  {
    id: 'undeclared',
    title: 'takes the files of the set and none that lies beside them',
    why: 'What nobody declared is in no fingerprint, and may be a secret.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const root = bench.folder();
      const files = fileSet(root, { 'in/a.txt': 'a' });
      fileSet(root, { 'in/secret.key': 'not declared', 'b.txt': 'not declared' });
      same([...(await copied(bench, files)).keys()], ['in/a.txt'], 'Only files of the set reach the build');
    },
  },
  {
    id: 'alike',
    title: 'tells files apart that have the same name, size and time',
    why: 'Engines that keep a copy of a context compare by those, and would build with yesterday’s file.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const root = bench.folder();
      for (const text of ['one', 'two']) {
        const found = await copied(bench, fileSet(root, { 'a.txt': text }));
        same(found.get('a.txt')?.text, text, 'A file has the contents of its digest');
      }
    },
  },
  {
    id: 'moved',
    title: 'takes no file that changed since the plan, names it, and is not misled by it afterwards',
    why: 'What is built has to be what was planned; a half-edited file is nobody’s plan.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const root = bench.folder();
      const planned = `as planned ${bench.run}`;
      const files = fileSet(root, { 'kept.txt': 'kept', 'moved.txt': planned });
      for (const text of [planned.replace('as', 'no'), `${planned} and more`, '']) {
        writeFileSync(join(root, 'moved.txt'), text);
        const words = await isMoved(bench, files, bench.key());
        hold(words.includes('moved.txt'), 'INPUT_MOVED names the file', words);
      }
      writeFileSync(join(root, 'moved.txt'), planned);
      same((await copied(bench, files)).get('moved.txt')?.text, planned, 'A file that is as planned again is taken');
    },
  },
  {
    id: 'missing',
    title: 'says of a file that is gone that the input moved',
    why: 'It was there when the plan was made: planning again is what helps.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const root = bench.folder();
      const files = fileSet(root, { 'kept.txt': 'kept', 'gone.txt': `gone ${bench.run}` });
      rmSync(join(root, 'gone.txt'));
      const words = await isMoved(bench, files, bench.key());
      hold(words.includes('gone.txt'), 'INPUT_MOVED names the file that is gone', words);
    },
  },
  {
    id: 'symlinks',
    title: 'does not follow a link that took a file’s or a folder’s place to other contents',
    why: 'A link put in place after the plan would carry any file of this machine into an image.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const secret = fileSet(bench.folder(), { 'a.txt': `a secret ${bench.run}` });
      const root = bench.folder();
      const files = fileSet(root, { 'in/a.txt': `as planned ${bench.run}` });
      rmSync(join(root, 'in/a.txt'));
      symlinkSync(join(secret.root, 'a.txt'), join(root, 'in/a.txt'));
      await isMoved(bench, files, bench.key());
      rmSync(join(root, 'in'), { recursive: true });
      symlinkSync(secret.root, join(root, 'in'));
      await isMoved(bench, files, bench.key());
    },
  },
  {
    id: 'symlink-same',
    title: 'takes a link to the planned bytes as a plain file, or refuses it',
    why: 'A file set holds no links: an image must not have one where a file was planned.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const text = `the same ${bench.run}`;
      const elsewhere = fileSet(bench.folder(), { 'a.txt': text });
      const root = bench.folder();
      const files = fileSet(root, { 'a.txt': text });
      rmSync(join(root, 'a.txt'));
      symlinkSync(join(elsewhere.root, 'a.txt'), join(root, 'a.txt'));
      const found = await copied(bench, files).catch(async (error: unknown) => {
        const wanted = { code: 'INPUT_MOVED', retry: 'never' } as const;
        await refused(Promise.reject(error as Error), wanted, 'A link is taken for its bytes, or is INPUT_MOVED');
        return null;
      });
      if (found === null) return;
      const { type, text: arrived } = found.get('a.txt') ?? {};
      same({ type, arrived }, { type: 'file', arrived: text }, 'A link to the planned bytes arrives as a plain file');
    },
  },
  {
    id: 'escapes',
    title: 'refuses paths that lead out of the set',
    why: 'File sets come from plans and plugins; a path with `..` reads and writes where it should not.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const { root, files } = fileSet(bench.folder(), { 'in/a.txt': 'a' });
      const [file] = files;
      hold(file !== undefined, 'There is a file');
      for (const path of ['../a.txt', 'in/../../a.txt', '/etc/hostname', 'in//a.txt', './in/a.txt', '']) {
        await refused(
          bench.make(await bench.small(), [copy({ root: join(root, 'in'), files: [{ ...file, path }] }, '/data')]),
          { code: 'SPEC_INVALID', retry: 'never' },
          `The path ${JSON.stringify(path)} is refused as SPEC_INVALID`,
        );
      }
    },
  },
]);

// Files by content: what counts as a file of a tree, under which name, and what is refused.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BuildFailure,
  createFileHasher,
  digestFile,
  digestOfBytes,
  FileProblem,
  readContextFile,
  verifyFileSet,
  type FileHasher,
  type TreeOptions,
} from '../src/index.ts';

let root: string;
let hasher: FileHasher;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rebake-files-'));
  hasher = createFileHasher({ cacheFile: null, now: () => Date.now() });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text = path): string {
  const absolute = join(root, path);
  mkdirSync(join(absolute, '..'), { recursive: true });
  writeFileSync(absolute, text);
  return absolute;
}

const paths = (options?: TreeOptions, from = root): string[] =>
  hasher.tree(from, options).files.map(({ path }) => path);

function problem(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof FileProblem) return `${error.code} ${error.path.slice(root.length + 1)}`;
    throw error;
  }
  return 'fine';
}

describe('a file', () => {
  it('is its content, its size and whether it may be run', () => {
    const file = put('a', 'text');
    expect(hasher.file(file)).toEqual({ digest: digestOfBytes('text'), exec: false, size: 4 });
    chmodSync(file, 0o755);
    expect(hasher.file(file).exec).toBe(true);
  });

  it('is seen anew when it changes', () => {
    const file = put('a', 'one');
    hasher.file(file);
    writeFileSync(file, 'two');
    expect(hasher.file(file).digest).toBe(digestOfBytes('two'));
  });

  it('may be larger than any buffer', async () => {
    const file = put('large', '');
    truncateSync(file, (5 << 20) + 1);
    expect(hasher.file(file).digest).toBe(digestOfBytes(Buffer.alloc((5 << 20) + 1)));
    expect(await digestFile(file)).toBe(hasher.file(file).digest);
  });

  it('is refused when it is missing, a directory, a pipe or a socket', () => {
    mkdirSync(join(root, 'dir'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    expect(problem(() => hasher.file(join(root, 'none')))).toBe('FILE_MISSING none');
    expect(problem(() => hasher.file(join(put('x'), 'below')))).toBe('FILE_MISSING x/below');
    expect(problem(() => hasher.file(join(root, 'dir')))).toBe('FILE_KIND dir');
    expect(problem(() => hasher.file(join(root, 'pipe')))).toBe('FILE_KIND pipe');
    expect(problem(() => hasher.text(join(root, 'pipe')))).toBe('FILE_KIND pipe');
  });
});

describe('a text', () => {
  it('counts without CR and byte order mark', () => {
    const expected = { text: 'a\nb\n', digest: digestOfBytes('a\nb\n') };
    for (const text of ['a\nb\n', 'a\r\nb\r\n', '\uFEFFa\r\nb\n'])
      expect(hasher.text(put('t', text))).toEqual(expected);
  });

  it('has to be UTF-8', () => {
    const file = join(root, 'latin');
    writeFileSync(file, Buffer.from([0x65, 0xe9]));
    expect(problem(() => hasher.text(file))).toBe('FILE_NOT_TEXT latin');
  });
});

describe('a tree', () => {
  it('lists its files by the bytes of their paths, without directories', () => {
    for (const path of ['b', 'a/x', 'a-b', '\u{1F600}', '\uFF5E', 'é']) put(path);
    mkdirSync(join(root, 'empty'));
    expect(paths()).toEqual(['a-b', 'a/x', 'b', 'é', '\uFF5E', '\u{1F600}']);
    expect(hasher.tree(root).files[0]).toEqual({ path: 'a-b', digest: digestOfBytes('a-b'), exec: false });
  });

  it('follows links within the root, to files and directories', () => {
    put('real/file', 'content');
    symlinkSync('real/file', join(root, 'link'));
    symlinkSync('real', join(root, 'dir'));
    const { files } = hasher.tree(root);
    expect(files.map(({ path }) => path)).toEqual(['dir/file', 'link', 'real/file']);
    expect(new Set(files.map(({ digest }) => digest))).toEqual(new Set([digestOfBytes('content')]));
  });

  it('may itself be reached by a link', () => {
    put('real/file');
    symlinkSync('real', join(root, 'here'));
    expect(paths(undefined, join(root, 'here'))).toEqual(['file']);
  });

  it.each<[string, () => void, string]>([
    ['links out of it', () => symlinkSync('/etc/hostname', join(root, 'out')), 'PATH_ESCAPES_ROOT out'],
    [
      'links to a sibling with the same beginning',
      () => {
        put('inner/x');
        mkdirSync(join(root, 'inner-other'));
        symlinkSync('../inner-other', join(root, 'inner/out'));
      },
      'PATH_ESCAPES_ROOT inner/out',
    ],
    ['links that go round', () => symlinkSync('.', join(root, 'loop')), 'PATH_LOOP loop'],
    ['links to themselves', () => symlinkSync('self', join(root, 'self')), 'PATH_LOOP self'],
    ['links to nothing', () => symlinkSync('nothing', join(root, 'dead')), 'FILE_MISSING dead'],
    ['pipes', () => execFileSync('mkfifo', [join(root, 'pipe')]), 'FILE_KIND pipe'],
    ['names that are not NFC', () => void put('e\u0301'), 'PATH_NAME e\u0301'],
    ['two names that are one', () => void [put('\u00e9'), put('e\u0301')], 'PATH_NAME e\u0301'],
    [
      'names that are not UTF-8',
      () => writeFileSync(Buffer.concat([Buffer.from(`${root}/x`), Buffer.from([0xff])]), ''),
      'PATH_NAME x\uFFFD',
    ],
  ])('refuses %s', (_, arrange, expected) => {
    arrange();
    const from = expected.includes('inner/') ? join(root, 'inner') : root;
    expect(problem(() => hasher.tree(from))).toBe(expected);
  });

  it('leaves out what .dockerignore says, as Docker does', () => {
    for (const path of ['.git/x', 'a.log', 'sub/b.log', 'sub/deep/c.log', 'keep/d.log', 'Readme', 'x/y/z']) put(path);
    expect(paths({ ignore: '.git\n*.log' })).toEqual(['Readme', 'keep/d.log', 'sub/b.log', 'sub/deep/c.log', 'x/y/z']);
    expect(paths({ ignore: '# comment\n.git\n**/*.log\n!keep/*.log\n/x/' })).toEqual(['Readme', 'keep/d.log']);
    expect(paths({ ignore: '*\n!sub/deep' })).toEqual(['sub/deep/c.log']);
    expect(paths({ ignore: 'README' })).toContain('Readme');
    expect(paths({ ignore: ' \r\n' })).toHaveLength(7);
  });

  it('does not look at what is ignored', () => {
    put('file');
    symlinkSync('/', join(root, 'out'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    expect(paths({ ignore: 'out\npipe' })).toEqual(['file']);
    expect(paths({ ignore: '*\n!file' })).toEqual(['file']);
  });

  it('can be limited to some of its files and directories', () => {
    for (const path of ['a', 'b/c', 'b/d', 'e/f']) put(path);
    expect(paths({ only: ['b', './a', 'b/c'] })).toEqual(['a', 'b/c', 'b/d']);
    expect(paths({ only: ['.'] })).toEqual(['a', 'b/c', 'b/d', 'e/f']);
    expect(problem(() => paths({ only: ['none'] }))).toBe('FILE_MISSING none');
    expect(problem(() => paths({ only: ['b/../../x'] }))).toMatch(/^PATH_ESCAPES_ROOT/);
    expect(problem(() => paths({ only: ['/etc/hostname'] }))).toMatch(/^PATH_ESCAPES_ROOT/);
    expect(problem(() => paths({}, join(root, 'gone')))).toBe('FILE_MISSING gone');
  });
});

describe('sending files', () => {
  const code = async (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'fine',
      (error: unknown) => (error instanceof BuildFailure ? error.error.code : String(error)),
    );

  async function send(source: string, text: string): Promise<string> {
    const chunks: Uint8Array[] = [];
    const file = { path: 'x', source, digest: digestOfBytes(text), exec: false };
    for await (const chunk of readContextFile(file)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  it('gives the bytes that were hashed', async () => {
    expect(await send(put('a', 'content'), 'content')).toBe('content');
    const made = { path: 'x', text: 'é', digest: digestOfBytes('é'), exec: false };
    for await (const chunk of readContextFile(made)) expect(Buffer.from(chunk).toString()).toBe('é');
  });

  it('fails when they moved', async () => {
    const file = put('a', 'content');
    const set = hasher.tree(root);
    expect(await code(verifyFileSet(set))).toBe('fine');
    writeFileSync(file, 'changed');
    expect(await code(send(file, 'content'))).toBe('INPUT_MOVED');
    expect(await code(verifyFileSet(set))).toBe('INPUT_MOVED');
    rmSync(file);
    expect(await code(send(file, 'content'))).toBe('INPUT_MOVED');
    expect(await code(verifyFileSet(set))).toBe('INPUT_MOVED');
  });
});

// Every page that a reader may open: its links lead somewhere, and what it tells to type is there.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandProblem } from '../src/command-check.ts';
import { anchorsOf, linksOf, snippetsOf } from '../src/prose.ts';

const root = join(import.meta.dirname, '../../..');
const pages = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const scripts = Object.keys((JSON.parse(text('package.json')) as { scripts: object }).scripts);

describe('pages', () => {
  it('link only to what is there', () => {
    expect(pages).toContain('README.md');
    expect(
      pages.flatMap((page) => linksOf(text(page)).flatMap(({ target, line }) => broken(page, target, line))),
    ).toEqual([]);
  });

  it('name only commands and options of rebake that there are', () => {
    const wrong = pages.flatMap((page) =>
      snippetsOf(text(page)).flatMap((snippet) => {
        const problem = commandProblem(snippet.text);
        return problem === null ? [] : [`${page}:${snippet.line}: ${problem}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('name only scripts of the repository that there are', () => {
    const wrong = pages.flatMap((page) =>
      snippetsOf(text(page)).flatMap(({ text: snippet, line }) => {
        const script = /^npm run ([a-z:-]+)/.exec(snippet)?.[1];
        const file = /^(?:sh |source |\.\/)?((?:tools|examples|packages\/(?:cli|planner|model|engine))\/[\w./-]+)/.exec(
          snippet,
        )?.[1];
        return [
          ...(script === undefined || scripts.includes(script)
            ? []
            : [`${page}:${line}: there is no npm script ${script}`]),
          ...(file === undefined || existsSync(join(root, file)) || isMade(file)
            ? []
            : [`${page}:${line}: there is no ${file}`]),
        ];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

/** What only a build makes. */
function isMade(file: string): boolean {
  return file.includes('/dist/');
}

function broken(page: string, target: string, line: number): readonly string[] {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : relative(root, join(root, dirname(page), path));
  if (!existsSync(join(root, file))) return [`${page}:${line}: ${target} leads nowhere`];
  if (anchor === undefined || anchorsOf(text(file)).has(anchor)) return [];
  return [`${page}:${line}: ${file} has no heading #${anchor}`];
}

describe('reading pages', () => {
  it('finds links outside of code, with their lines', () => {
    const markdown =
      'See [a](a.md) and [site](https://example.com).\n```\n[no](b.md)\n```\n`[no](c.md)` [d](../d.md#e-f)';
    expect(linksOf(markdown)).toEqual([
      { target: 'a.md', line: 1 },
      { target: '../d.md#e-f', line: 5 },
    ]);
  });

  it('makes the anchors that GitHub makes', () => {
    expect([...anchorsOf('# The `plan`: why?\n## baseImages.NAME\n```\n# no heading\n```')]).toEqual([
      'the-plan-why',
      'baseimagesname',
    ]);
  });

  it('finds code in sentences and in blocks', () => {
    expect(
      snippetsOf('Run `rebake plan` now.\n```sh\n$ rebake apply   # does it\n```').map((one) => one.text.trim()),
    ).toEqual(['rebake plan', 'rebake apply']);
  });
});

describe('commands in pages', () => {
  it('are known with their options', () => {
    for (const right of [
      'rebake plan --out FILE',
      'rebake state rm NODE',
      'rebake state',
      'rebake --help',
      'rebake',
      'npm test',
    ]) {
      expect(commandProblem(right), right).toBeNull();
    }
    expect(commandProblem('rebake -C DIR plan --refresh=false')).toBeNull();
  });

  it('are found out when they are wrong', () => {
    expect(commandProblem('rebake bake')).toBe('there is no `rebake bake`');
    expect(commandProblem('rebake plan --fast')).toBe('`rebake plan` has no option --fast');
  });
});

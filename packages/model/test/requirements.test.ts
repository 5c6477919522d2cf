import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequirements } from '../src/requirements.ts';

const texts = (text: string): string[] =>
  readRequirements(text).map((item) => (item.kind === 'problem' ? item.code : item.text));

describe('requirement lines', () => {
  it.each([
    ['numpy', 'numpy'],
    ['  NumPy  # the usual', 'numpy'],
    ['Foo_Bar.baz==1.0', 'foo-bar-baz==1.0'],
    ['pandas >= 1.5 , < 3', 'pandas<3,>=1.5'],
    ['pandas (>=1.5)', 'pandas>=1.5'],
    ['spacy[th,Lookups, ja]<3.8', 'spacy[ja,lookups,th]<3.8'],
    ["scipy==1.11.4; python_version<'3.12'", 'scipy==1.11.4 ; python_version < "3.12"'],
    [
      'a; (os_name=="nt" or sys.platform=="x") and python_version  not   in "2.7"',
      'a ; (os_name == "nt" or sys_platform == "x") and python_version not in "2.7"',
    ],
    ['pip==9.0.1', 'pip==9.0.1'],
    ['IPython[all]', 'ipython[all]'],
    ['x===2.0-weird', 'x===2.0-weird'],
    [
      'thing @ https://example.com/thing-1.zip ; os_name == "posix"',
      'thing @ https://example.com/thing-1.zip ; os_name == "posix"',
    ],
    ['thing@git+https://example.com/thing.git@v1', 'thing @ git+https://example.com/thing.git@v1'],
    ['https://example.com/m/en_core-3.0.0.tar.gz#egg=en_core', 'en-core @ https://example.com/m/en_core-3.0.0.tar.gz'],
    [
      'git+https://example.com/x.git@v1#subdirectory=py&egg=X[a]',
      'x[a] @ git+https://example.com/x.git@v1#subdirectory=py',
    ],
    ['https://example.com/w/My_Pkg-1.0-py3-none-any.whl', 'my-pkg @ https://example.com/w/My_Pkg-1.0-py3-none-any.whl'],
    ['https://example.com/unnamed.zip', 'https://example.com/unnamed.zip'],
    [
      `a==1 --hash=sha256:${'b'.repeat(64)} --hash=sha256:${'A'.repeat(64)}`,
      `a==1 --hash=sha256:${'a'.repeat(64)} --hash=sha256:${'b'.repeat(64)}`,
    ],
    ['--extra-index-url=https://example.com/simple', '--extra-index-url https://example.com/simple'],
    ['-i https://example.com/simple', '--index-url https://example.com/simple'],
    ['--find-links https://example.com/links', '--find-links https://example.com/links'],
    ['--no-binary :all:', '--no-binary :all:'],
    ['--pre', '--pre'],
    ['./wheels/x.whl', 'REQUIREMENT_LOCAL_PATH'],
    ['../x', 'REQUIREMENT_LOCAL_PATH'],
    ['.', 'REQUIREMENT_LOCAL_PATH'],
    ['.[dev]', 'REQUIREMENT_LOCAL_PATH'],
    ['/data/x', 'REQUIREMENT_LOCAL_PATH'],
    ['C:\\x', 'REQUIREMENT_LOCAL_PATH'],
    ['file:///data/x', 'REQUIREMENT_LOCAL_PATH'],
    ['x @ file:///data/x', 'REQUIREMENT_LOCAL_PATH'],
    ['x-1.0-py3-none-any.whl', 'REQUIREMENT_LOCAL_PATH'],
    ['sub/folder', 'REQUIREMENT_LOCAL_PATH'],
    ['-e /data/x', 'REQUIREMENT_EDITABLE'],
    ['-e.', 'REQUIREMENT_EDITABLE'],
    ['--editable=git+https://example.com/x.git', 'REQUIREMENT_EDITABLE'],
    ['--find-links /wheels', 'REQUIREMENT_FIND_LINKS'],
    ['-f wheels', 'REQUIREMENT_FIND_LINKS'],
    ['-r base.txt', 'REQUIREMENT_INCLUDE'],
    ['--constraint c.txt', 'REQUIREMENT_INCLUDE'],
    ['--trusted-host example.com', 'REQUIREMENT_OPTION'],
    ['a --global-option=x', 'REQUIREMENT_OPTION'],
    ['--index-url ftp://example.com', 'REQUIREMENT_OPTION'],
    ['--extra-index-url https://me:secret@example.com/simple', 'REQUIREMENT_CREDENTIALS'],
    ['a @ https://${TOKEN}@example.com/a.zip', 'REQUIREMENT_VARIABLE'],
    ['two words', 'REQUIREMENT_INVALID'],
    ['a==', 'REQUIREMENT_INVALID'],
    ['a; python_version', 'REQUIREMENT_INVALID'],
    ['a; nonsense == "1"', 'REQUIREMENT_INVALID'],
    ['a[b', 'REQUIREMENT_INVALID'],
    ['a\u2028b', 'REQUIREMENT_INVALID'],
    ['a\u0000', 'REQUIREMENT_INVALID'],
    ['"a"', 'REQUIREMENT_INVALID'],
    ['===', 'REQUIREMENT_INVALID'],
    ['--', 'REQUIREMENT_OPTION'],
    ['-', 'REQUIREMENT_OPTION'],
  ])('%s', (line, expected) => {
    expect(texts(line)).toEqual([expected]);
  });

  it('leaves comments and blank lines out, joins continued lines, and says where each begins', () => {
    const items = readRequirements('# numpy\n\n  pandas \\\n  >=2 \\\n# in between\n\nfoo#bar==1\r\nx # y\n');
    expect(items.map((item) => [item.line, item.column, item.kind === 'package' ? item.text : item.kind])).toEqual([
      [3, 3, 'pandas>=2'],
      [7, 1, 'problem'],
      [8, 1, 'x'],
    ]);
  });

  it('never repeats a password', () => {
    const [item] = readRequirements('x @ https://me:hunter2@example.com/x.zip');
    expect(JSON.stringify(item)).not.toContain('hunter2');
  });

  it('is a fixpoint: a line in its one spelling is its own spelling', { timeout: 60_000 }, () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(
        /^[a-z][a-z._-]{0,5}(\[[a-z, ]{0,4}\])?[ ]?(==|>=|<)[0-9.]{1,4}[ ]?(; ?os_name ?== ?'[a-z]{0,3}')?$/,
      ),
    );
    fc.assert(
      fc.property(line, (text) => {
        for (const item of readRequirements(text)) {
          if (item.kind === 'problem') continue;
          expect(item.text).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
          expect(texts(item.text)).toEqual([item.text]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('reads real sets of packages, where they are there, without a problem', () => {
    const fleet = '/work/shared/fleet';
    const files = existsSync(fleet) ? readdirSync(fleet).map((name) => join(fleet, name, 'requirements.txt')) : [];
    const problems = files
      .filter((file) => existsSync(file))
      .flatMap((file) => readRequirements(readFileSync(file, 'utf8')).filter((item) => item.kind === 'problem'));
    expect(problems).toEqual([]);
  });
});

// Text of a user in a Dockerfile: what it refers to is found and pinned, and what follows it stays what it is.
import { DockerfileParser } from 'dockerfile-ast';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BuildFailure, readDockerfile, renderDockerfile, type Ground } from '../src/index.ts';
import { NO_FILES, PARENT, USER_DOCKERFILE, files, spec } from './specs.ts';

function references(text: string): (string | null)[] {
  return readDockerfile(text).references.map(({ reference }) => reference);
}

function render(text: string, froms: Ground['froms'] = {}): string {
  return renderDockerfile(spec([{ step: 'dockerfile', text, files: NO_FILES, froms: [] }]), { parent: null, froms })
    .dockerfile;
}

function code(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof BuildFailure) return `${error.error.code}: ${error.error.words}`;
    throw error;
  }
  return 'fine';
}

describe('references of a Dockerfile', () => {
  it('are what it starts and copies from, without its stages and scratch', () => {
    expect(readDockerfile(USER_DOCKERFILE).references).toEqual([
      { written: 'python:${VERSION}', reference: 'python:3.11', line: 3, column: 1 },
      { written: 'tools:1', reference: 'tools:1', line: 5, column: 1 },
      { written: 'tools:1', reference: 'tools:1', line: 11, column: 1 },
    ]);
  });

  it.each([
    [
      'stages by number',
      'FROM a\nFROM b\nCOPY --from=0 / /\nFROM c\nCOPY --from=1 / /\nCOPY --from=3 / /',
      ['a', 'b', 'c', '3'],
    ],
    ['stages in any case', 'FROM a AS Build\nFROM BUILD', ['a']],
    ['a word over two lines', 'FROM reg\\\nistry/x\n', ['registry/x']],
    ['defaults that use one another', 'ARG A=1\nARG B=x-${A} C="q"\nFROM i:$B\nFROM j:${C}', ['i:x-1', 'j:q']],
    ['alternatives', 'FROM i:${A:-2}\nFROM j${A:+x}:3', ['i:2', 'j:3']],
    ['no default', 'ARG A\nFROM i:$A', [null]],
    ['ARG after FROM does not count', 'FROM i\nARG A=1\nFROM j:$A', ['i', null]],
    ['heredocs', 'FROM a\nRUN <<EOF\nFROM b\nEOF\nRUN <<-"X" cat <<Y\nFROM c\n\tX\nFROM d\nY\nFROM e', ['a', 'e']],
    ['no heredoc in quotes', 'FROM a\nRUN echo "<<EOF" "a \\" <<X " \' <<Y \' \\ <<<Z\nFROM b', ['a', 'b']],
    ['comments', '#FROM x\nFROM a\n  # FROM y\nRUN true \\\n# FROM z\n  && false', ['a']],
    ['backtick as escape', '# escape=`\nFROM a\nRUN dir c:\\\nFROM b', ['a', 'b']],
    [
      'a mount with its source in any place',
      'FROM a\nRUN --mount=from=b,target=/x --mount=type=cache,target=/y true',
      ['a', 'b'],
    ],
    ['a byte order mark', '\uFEFFFROM a', ['a']],
  ])('%s', (_, text, expected) => expect(references(text)).toEqual(expected));

  it('do not hold the frontend, which is told apart', () => {
    expect(readDockerfile('# syntax = some/frontend:1\nFROM a')).toEqual({
      references: [{ written: 'a', reference: 'a', line: 2, column: 1 }],
      syntax: 'some/frontend:1',
      keywords: ['FROM'],
    });
    expect(readDockerfile('FROM a\n# syntax=x')).not.toHaveProperty('syntax');
  });

  it('are each replaced by a pin, and nothing else is', () => {
    const text =
      'FROM --platform=linux/amd64   a   as x # y\nRUN  one \\\n\n   two\nCOPY   --chown=1 --from=b / /\nFROM x\n';
    expect(render(text, { a: 'r.example/a:1', b: 'r.example/b:2' })).toBe(
      text.replace('   a ', '   r.example/a:1 ').replace('=b ', '=r.example/b:2 '),
    );
  });

  it('must be pinned, and to references', () => {
    expect(code(() => render('FROM a'))).toBe('SPEC_INVALID: the Dockerfile, line 1: the image "a" is not pinned');
    expect(code(() => render('FROM a', { a: 'b\nRUN id' }))).toMatch(/^SPEC_INVALID: the image reference/);
    expect(code(() => render('FROM constructor'))).toMatch(/is not pinned/);
    const fragment = spec([{ step: 'fragment', place: 'at end', text: 'COPY --from=uv /uv /bin/', files: NO_FILES }]);
    expect(code(() => renderDockerfile(fragment, PARENT))).toMatch(
      /SPEC_INVALID: the Dockerfile fragment at end, line 1: .*"uv" is not pinned/,
    );
    expect(renderDockerfile(fragment, { ...PARENT, froms: { uv: 'r.example/uv:1' } }).dockerfile).toContain(
      'COPY --from=r.example/uv:1 /uv',
    );
  });
});

describe('a spec', () => {
  const run = { step: 'system-packages', family: 'debian', names: ['curl'] } as const;
  const ground = { step: 'dockerfile', text: 'FROM scratch', files: NO_FILES, froms: [] } as const;
  it.each([
    [
      'has no FROM in a fragment',
      [{ step: 'fragment', place: 'x', text: 'from y', files: NO_FILES }] as const,
      PARENT,
      /holds a FROM/,
    ],
    [
      'ends no fragment in a heredoc',
      [{ step: 'fragment', place: 'x', text: 'RUN <<E\n', files: NO_FILES }] as const,
      PARENT,
      /within a heredoc/,
    ],
    ['needs a parent', [run], { parent: null, froms: {} }, /parent "none" is missing/],
    ['has no parent beside its own ground', [ground], PARENT, /brings its own ground/],
    ['brings its ground first', [run, ground], PARENT, /can only be the first/],
    [
      'holds no other file in the own folder',
      [{ step: 'fragment', place: 'x', text: 'RUN a', files: files('.rebake/1/x') }] as const,
      PARENT,
      /puts its own/,
    ],
    [
      'holds one rootfs',
      [{ step: 'rootfs', files: files('a', 'b') }] as const,
      { parent: null, froms: {} },
      /exactly one/,
    ],
  ])('%s', (_, steps, base, words) => {
    expect(code(() => renderDockerfile(spec(steps), base))).toMatch(words);
  });

  it('refuses two files of one name and different contents', () => {
    const other = { root: '/other', files: [{ ...files('x').files[0]!, digest: files('y').files[0]!.digest }] };
    const steps = [
      { step: 'fragment', place: 'a', text: 'RUN a', files: files('x') },
      { step: 'fragment', place: 'b', text: 'RUN b', files: other },
    ] as const;
    expect(code(() => renderDockerfile(spec(steps), PARENT))).toMatch(/"x" is there twice/);
    expect(renderDockerfile(spec([steps[0], { ...steps[1], files: files('x') }]), PARENT).files).toHaveLength(1);
  });

  it('with Debian packages or a layout is for another builder', () => {
    const debian = { step: 'debian', suite: 'bookworm', packages: [], mirror: null } as const;
    expect(code(() => renderDockerfile(spec([debian]), PARENT))).toMatch(/^STEP_UNSUPPORTED/);
  });

  it('with a lock installs what is in it, by hash', () => {
    const digest = files('l').files[0]!.digest;
    const file = { name: 'six-1.17.0-py2.py3-none-any.whl', url: 'https://files.example.com/six.whl', size: 3, digest };
    const six = { name: 'six', version: '1.17.0', marker: null, direct: false, wheels: [file], sdist: null };
    const own = { ...six, name: 'own', version: null, marker: "python_version < '3.12'", direct: true };
    const step = {
      step: 'python-env',
      prefix: '/x',
      interpreter: '3.11',
      packages: { locked: [six, own], glibc: '2.36' },
      bytecode: false,
    } as const;
    const texts = renderDockerfile(spec([step]), PARENT).files.map((one) => ('text' in one ? one.text : ''));
    expect(texts).toContain(
      `--require-hashes\nsix==1.17.0 --hash=${digest}\nown @ https://files.example.com/six.whl ; python_version < '3.12' --hash=${digest}\n`,
    );
  });
});

describe('text of a user', () => {
  const lines = [
    'RUN a',
    'RUN a \\',
    '  b',
    '  b \\',
    '  b \\  ',
    'RUN a\\\\',
    '# c',
    '',
    '  ',
    ' # c \\',
    'FROM x',
    'ENV a="b\\',
  ];

  it('never swallows the lines that follow, however it ends', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...lines.filter((line) => !line.startsWith('FROM'))), { maxLength: 8 }),
        (parts) => {
          const text = parts.join('\n');
          const steps = [
            { step: 'fragment', place: 'x', text, files: NO_FILES },
            { step: 'system-packages', family: 'debian', names: ['curl'] },
          ] as const;
          const { dockerfile } = renderDockerfile(spec(steps, { user: 'last' }), PARENT);
          const parsed = DockerfileParser.parse(dockerfile).getInstructions();
          expect(parsed.slice(-2).map((one) => one.getKeyword())).toEqual(['RUN', 'USER']);
          expect(parsed.at(-2)?.getTextContent()).toContain('"/dev/rebake/step/apt.sh", "curl"]');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has the same instructions for this parser and another one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...lines), { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n'),
        (parts, newline) => {
          // At the very end of a file the other parser takes an escape character for a part of the word.
          const text = [...parts, 'RUN end'].join(newline);
          const other = DockerfileParser.parse(text).getInstructions();
          expect(readDockerfile(text).keywords).toEqual(other.map((one) => one.getKeyword()));
        },
      ),
    );
  });
});

// No value from outside can become an instruction, a flag or a command: whatever it is, rendering either refuses it, or another parser
// reads the same instructions with the same values back.
import { DockerfileParser, type Instruction } from 'dockerfile-ast';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BuildFailure, renderDockerfile, type ContextFile, type ImageSpec, type Step } from '../src/index.ts';
import { NO_FILES, PARENT, files, spec } from './specs.ts';

/** Texts that try to get out: pieces of syntax in any order, and any characters at all. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc
    .array(
      fc.constantFrom(
        '\n',
        '\r',
        '\\',
        '"',
        "'",
        '`',
        '$',
        '${X}',
        '$(id)',
        ';',
        '&&',
        ' ',
        'a',
        '/',
        '..',
        '-',
        '--from=x',
        ',',
        '=',
        '<<EOF',
        'RUN id',
        'FROM x',
        '#',
        ']',
        '[',
        '\0',
        '\u2028',
        '\u0085',
        ':',
        '@',
      ),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join('')),
);

interface Read {
  readonly keywords: readonly string[];
  readonly instructions: readonly Instruction[];
  readonly files: readonly ContextFile[];
}

/** Null: refused, which is always right. */
function read(steps: readonly Step[], rest: Partial<ImageSpec> = {}): Read | null {
  try {
    const { dockerfile, files: context } = renderDockerfile(spec(steps, rest), PARENT);
    const instructions = DockerfileParser.parse(dockerfile).getInstructions();
    return { keywords: instructions.map((one) => one.getKeyword()), instructions, files: context };
  } catch (error) {
    if (error instanceof BuildFailure && error.error.code === 'SPEC_INVALID') return null;
    throw error;
  }
}

/** The list of an exec form, which stands last in its instruction. */
function argvOf(instruction: Instruction | undefined): unknown {
  const text = instruction?.getTextContent() ?? '';
  return JSON.parse(text.slice(text.search(/\[(?=")/)));
}

function textOf(read: Read, name: string): string {
  const file = read.files.find(({ path }) => path.endsWith(name));
  if (file === undefined || !('text' in file)) throw new Error(`no ${name}`);
  return file.text;
}

/** A word as Docker's own lexer reads it: double quotes and backslash escapes, no variable left. */
function unquoted(word: string): string {
  if (!word.startsWith('"')) {
    expect(word).toMatch(/^[A-Za-z0-9/._:@%+=,~-]*$/);
    return word;
  }
  const inner = word.slice(1, -1);
  expect(inner.replaceAll(/\\[\\"$]/g, '')).not.toMatch(/["$]/);
  return inner.replaceAll(/\\([\\"$])/g, '$1');
}

describe('values from outside', () => {
  it('stay names of system packages', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('debian' as const, 'rhel' as const),
        fc.array(hostile, { minLength: 1, maxLength: 3 }),
        (family, names) => {
          const result = read([{ step: 'system-packages', family, names }]);
          if (result === null) return;
          expect(result.keywords).toEqual(['FROM', 'USER', 'RUN']);
          expect(argvOf(result.instructions[2])).toEqual([
            '/bin/sh',
            `/dev/rebake/step/${family === 'debian' ? 'apt' : 'dnf'}.sh`,
            ...names,
          ]);
          for (const name of names) expect(name).toMatch(/^[@A-Za-z0-9][A-Za-z0-9.+:=~_^-]*$/);
        },
      ),
    );
  });

  it('stay requirement lines, one a line', () => {
    fc.assert(
      fc.property(
        fc.array(hostile, { minLength: 1, maxLength: 3 }),
        hostile,
        hostile,
        (requirements, interpreter, prefix) => {
          for (const [version, path] of [
            ['3.11', '/opt/env'],
            [interpreter, '/opt/env'],
            ['3.11', `/${prefix}`],
          ] as const) {
            const result = read([
              { step: 'python-env', prefix: path, interpreter: version, packages: { requirements }, bytecode: false },
            ]);
            if (result === null) continue;
            expect(result.keywords).toEqual(['FROM', 'USER', 'RUN']);
            expect(argvOf(result.instructions[2])).toEqual([
              '/bin/sh',
              '/dev/rebake/step/python-env.sh',
              `python${version}`,
              path,
              'no-bytecode',
            ]);
            expect(version).toMatch(/^[0-9.]+$/);
            // What Python takes for the end of a line is among these.
            expect(textOf(result, 'requirements.txt').split(/[\p{Cc}\u2028\u2029]/u)).toEqual([
              ...requirements.map((line) => line.replaceAll('\t', ' ')),
              '',
            ]);
          }
        },
      ),
    );
  });

  it('stay R packages', () => {
    fc.assert(
      fc.property(
        fc.array(hostile, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('cran' as const, 'debian' as const),
        (names, from) => {
          const result = read([{ step: 'r-packages', library: '/opt/R', from, names }]);
          if (result !== null) for (const name of names) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9.]*$/);
        },
      ),
    );
  });

  it('stay arguments and environment of a run', () => {
    fc.assert(
      fc.property(
        fc.array(hostile, { minLength: 1, maxLength: 3 }),
        hostile,
        hostile,
        hostile,
        (argv, value, mount, workdir) => {
          for (const at of [
            { mount: '/run/in', workdir: '/' },
            { mount: `/${mount}`, workdir: `/${workdir}` },
          ]) {
            const result = read([{ step: 'run', files: files('x'), argv, env: { KEY: value }, ...at }]);
            if (result === null) continue;
            expect(result.keywords).toEqual(['FROM', 'USER', 'WORKDIR', 'RUN', 'WORKDIR']);
            expect(argvOf(result.instructions[3])).toEqual([
              '/bin/sh',
              '/dev/rebake/step/run.sh',
              'env',
              `KEY=${value}`,
              ...argv,
            ]);
            expect(unquoted(result.instructions[2]!.getArgumentsContent() ?? '')).toBe(at.workdir);
            expect(at.mount).toMatch(/^\/[A-Za-z0-9/._@+~-]+$/);
          }
        },
      ),
    );
  });

  it('stay users, groups and homes', () => {
    fc.assert(
      fc.property(hostile, fc.oneof(fc.integer(), fc.double()), hostile, (name, id, home) => {
        for (const step of [
          { name, uid: 500, gid: 500, home: '/home/x' },
          { name: 'x', uid: id, gid: id, home: '/home/x' },
          { name: 'x', uid: 500, gid: 500, home: `/${home}` },
        ]) {
          const result = read([{ step: 'user', ...step }]);
          if (result === null) continue;
          expect(result.keywords).toEqual(['FROM', 'USER', 'RUN']);
          expect(argvOf(result.instructions[2])).toEqual([
            '/bin/sh',
            '/dev/rebake/step/user.sh',
            step.name,
            String(step.uid),
            String(step.gid),
            step.home,
          ]);
          expect(step.name).toMatch(/^[a-z_][a-z0-9_-]*$/);
        }
      }),
    );
  });

  it('stay targets and owners of a copy, and never leave the context', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (to, owner, path) => {
        for (const step of [
          { to: `/${to}`, owner: 'root', files: files('x') },
          { to: '/x', owner, files: files('x') },
          { to: '/x', owner: 'root', files: files(path) },
        ]) {
          const result = read([{ step: 'copy', ...step }]);
          if (result === null) continue;
          expect(result.keywords).toEqual(['FROM', 'USER', 'COPY']);
          const [from, target] = argvOf(result.instructions[2]) as [string, string];
          expect(from).toMatch(/^\.rebake\/copy-[0-9a-f]{16}\/$/);
          expect(unquoted(target).replace(/\/$/, '')).toBe(step.to.replace(/\/$/, ''));
          for (const file of result.files) expect(file.path.split('/')).not.toContain('..');
        }
      }),
    );
  });

  it('stay the config of the image', () => {
    fc.assert(
      fc.property(
        hostile,
        hostile,
        hostile,
        fc.array(hostile, { minLength: 1, maxLength: 3 }),
        (value, name, path, entrypoint) => {
          for (const rest of [
            { env: { KEY: value }, entrypoint },
            { env: { [name]: 'x' } },
            { user: name },
            { workdir: `/${path}` },
            { buildEnv: { [name]: value } },
          ]) {
            const result = read([], rest);
            if (result === null) continue;
            for (const instruction of result.instructions.slice(1)) {
              const text = instruction.getArgumentsContent() ?? '';
              const keyword = instruction.getKeyword();
              if (keyword === 'ENV') expect(text).toMatch(/^[A-Za-z_][A-Za-z0-9_]*="(?:[^"\\$\n]|\\["$\\])*"$/);
              if (keyword === 'ENTRYPOINT') expect(argvOf(instruction)).toEqual(entrypoint);
              if (keyword === 'USER') expect(text).toMatch(/^[A-Za-z0-9_.:-]+$/);
              expect(['ENV', 'ENTRYPOINT', 'USER', 'WORKDIR']).toContain(keyword);
            }
          }
        },
      ),
    );
  });

  it('are never left out: neither a step that is not known here nor a command without a name', () => {
    const codeOf = (step: Step): string => {
      try {
        renderDockerfile(spec([step]), PARENT);
        return 'rendered';
      } catch (error) {
        return error instanceof BuildFailure ? error.error.code : String(error);
      }
    };
    expect(codeOf({ step: 'of-the-future' } as never)).toBe('STEP_UNSUPPORTED');
    const run = { step: 'run', files: NO_FILES, mount: '/mnt', workdir: '/', env: {} } as const;
    expect(codeOf({ ...run, argv: ['', 'x'] })).toBe('SPEC_INVALID');
  });

  it('stay the parent, and the place of a fragment', () => {
    fc.assert(
      fc.property(hostile, hostile, (parent, place) => {
        const steps: Step[] = [{ step: 'fragment', place, text: 'RUN true', files: NO_FILES }];
        const result = read(steps);
        expect(result?.keywords).toEqual(['FROM', 'USER', 'RUN']);
        try {
          const { dockerfile } = renderDockerfile(spec([]), { parent, froms: {} });
          expect(dockerfile).toBe(`FROM ${parent}\n`);
          expect(parent).toMatch(/^[A-Za-z0-9.:/@_[\]-]+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(BuildFailure);
        }
      }),
    );
  });
});

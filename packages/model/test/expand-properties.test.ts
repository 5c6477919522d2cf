import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileSet } from '@rebake/sdk';
import { digestOfBytes } from '@rebake/sdk';
import type { Loaded, LoadedLock, Lockable } from '../src/contract.ts';
import { expand } from '../src/expand/index.ts';
import { parseLock } from '../src/load/lock-parse.ts';
import { isReference, isRepository, isTag } from '../src/names.ts';
import { configSchema } from '../src/schema.ts';
import type { ConfigInput } from '../src/schema.ts';
import { debianLock, pylock } from './lock-rig.ts';
import { ledgerOf, portable } from './rig-expand.ts';

/** What loading would give for a declaration whose named files are these; every look at it is counted. */
function stub(
  input: ConfigInput,
  files: Readonly<Record<string, FileSet>> = {},
  locks: ReadonlyMap<string, LoadedLock> = new Map(),
): { loaded: Loaded | null; count: { looks: number } } {
  const count = { looks: 0 };
  const parsed = configSchema.safeParse(input);
  if (!parsed.success) return { loaded: null, count };
  class Counted<V> extends Map<string, V> {
    override get(key: string): V | undefined {
      count.looks++;
      return super.get(key);
    }
  }
  const loaded: Loaded = {
    file: '/project/rebake.yaml',
    root: '/project',
    config: parsed.data,
    locate: (path) => {
      count.looks++;
      return { file: '/project/rebake.yaml', line: 1, column: 1, path: path.join('.') };
    },
    texts: new Counted(),
    sets: new Counted(Object.entries(files)),
    kitVersions: new Map(),
    locks,
  };
  return { loaded, count };
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    'a\nRUN evil',
    '"; rm -rf / #',
    '$(evil)',
    '`evil`',
    '../../etc',
    '-rf',
    "'",
    'a b',
    'ok',
    'Ok-1',
    '__proto__',
    'constructor',
    'a..b',
    'a/b',
    'a:b',
    'a@b#c',
    '\u2028',
    '\\',
    '${evil}',
    '${release.version}',
  ),
  fc
    .array(
      fc.constantFrom('a', 'B', '1', '.', '-', '_', '/', ':', '@', '\n', '"', '$', ' ', '\\', ';', '<', '[', ']', '=='),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('')),
);

// Texts that users write for the engine itself, and may hold anything.
const OWN_TEXT = new Set(['text']);

function stringsOf(value: unknown, key = ''): string[] {
  if (typeof value === 'string') return OWN_TEXT.has(key) ? [] : [value];
  if (Array.isArray(value)) return value.flatMap((one) => stringsOf(one));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, inner]) => [name, ...stringsOf(inner, name)]);
  return [];
}

describe('what is written in a declaration', () => {
  it('is refused, or harmless in ids, repositories, tags and steps', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(
        fc.record({
          base: hostile,
          config: hostile,
          env: hostile,
          version: hostile,
          tag: hostile,
          repository: hostile,
          url: hostile,
          package: hostile,
          system: hostile,
          image: hostile,
          uid: hostile,
          release: hostile,
        }),
        fc.subarray(
          [
            'base',
            'config',
            'env',
            'version',
            'tag',
            'repository',
            'url',
            'package',
            'system',
            'image',
            'uid',
            'release',
          ] as const,
          { minLength: 1, maxLength: 3 },
        ),
        (values, chosen) => {
          const use = (key: (typeof chosen)[number], otherwise: string): string =>
            chosen.includes(key) ? values[key] : otherwise;
          const env = { packages: [use('package', 'numpy')], jupyter: true };
          const { loaded } = stub({
            version: 1,
            builders: { default: 'docker' },
            release: { version: use('release', '14.1.2') },
            registries: { eu: { url: use('url', 'registry.example.com/dss') } },
            baseImages: {
              [use('base', 'python')]: {
                type: 'container-exec',
                from: { image: use('image', 'debian:12') },
                python: ['3.11'],
                systemPackages: [use('system', 'libgomp1')],
                user: { name: use('uid', 'dataiku') },
              },
            },
            containerConfigs: {
              [use('config', 'cpu')]: {
                engine: 'docker',
                base: use('base', 'python'),
                registry: 'eu',
                repository: use('repository', 'cpu'),
                tags: [use('tag', 'latest')],
              },
            },
            codeEnvs: {
              [use('env', 'glm')]: { language: 'python', ...env },
              auto: {
                language: 'python',
                deployment: 'automation-versioned',
                versions: { [use('version', 'v1')]: env },
              },
            },
          });
          if (loaded === null) return;
          const { nodes, locks } = expand(loaded);
          for (const { file } of locks)
            expect(file).toMatch(/^\/project\/(?:pylock\.[a-z0-9_-]+\.toml|debian\.[a-z0-9_-]+\.lock\.json)$/);
          for (const node of nodes) {
            // Brackets: registries may be named by an IPv6 address.
            expect(node.id).toMatch(/^[A-Za-z0-9._:/@#[\]-]+$/);
            expect(node.id.split('/')).not.toContain('..');
            if (node.role === 'publication') {
              expect(isRepository(node.repository)).toBe(true);
              expect(node.tags.every(isTag)).toBe(true);
            } else if (node.role === 'external') expect(isReference(node.ref)).toBe(true);
            else {
              for (const text of stringsOf(node.spec)) expect(text).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
              for (const step of node.spec.steps) {
                if (step.step === 'system-packages')
                  for (const name of step.names) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9+._:=~^-]*$/);
                if (step.step === 'user') expect(step.name).toMatch(/^[a-z_][a-z0-9_-]*$/);
                if (step.step === 'python-env' && 'requirements' in step.packages)
                  for (const line of step.packages.requirements)
                    expect(line).not.toMatch(
                      /^-(?!-(?:extra-)?index-url |-find-links https?:|-no-binary |-only-binary |-pre$|-prefer-binary$)/,
                    );
              }
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('the ledger', () => {
  const file = (path: string, text: string): FileSet => ({
    root: `/project/${text}`,
    files: [{ path, digest: digestOfBytes(text), exec: text.length % 2 === 0 }],
  });
  const packages = fc.array(
    fc.constantFrom<string>(
      'numpy',
      'NumPy',
      'numpy==1',
      'a; os_name == "x"',
      "a ;os_name=='x'",
      'a',
      'ipykernel',
      '--pre',
      '--extra-index-url https://a.example.com',
      '--extra-index-url https://b.example.com',
      '# no',
      '',
    ),
    { maxLength: 5 },
  );
  const fragment = fc.constantFrom(undefined, '', 'RUN a', 'RUN a\n\n', 'RUN b');
  const setting = fc.record({
    packages,
    interpreter: fc.constantFrom('3.9', '3.11', undefined),
    jupyter: fc.boolean(),
    atStart: fragment,
    atEnd: fragment,
    files: fc.constantFrom('one', 'two!'),
    resources: fc.constantFrom('none', 'copy', 'script'),
    resource: fc.constantFrom('x', 'yy'),
    system: fc.subarray(['jq', 'vim']),
    prepend: fragment,
    user: fc.constantFrom('dataiku', 'svc'),
    uid: fc.constantFrom(500, 1000),
    kit: fc.constantFrom('k1', 'k22'),
    rootfs: fc.constantFrom('r1', 'r22'),
    pythons: fc.constantFrom<string[]>(['3.11', '3.9'], ['3.9', '3.11']),
    lock: fc.option(fc.dictionary(fc.constantFrom('numpy', 'pip'), fc.constantFrom('1', '2'), { minKeys: 1 })),
    debs: fc.option(
      fc.dictionary(fc.constantFrom('libc6', 'bash'), fc.constantFrom('2.36-1', '2.37-1'), { minKeys: 1 }),
    ),
    suite: fc.constantFrom('sid', 'forky'),
    glibc: fc.option(fc.constantFrom('2.28', '2.36'), { nil: undefined }),
    bytecode: fc.boolean(),
  });

  function images(of: typeof setting extends fc.Arbitrary<infer T> ? T : never) {
    const fragments = {
      ...(of.atStart !== undefined && { atStart: of.atStart }),
      ...(of.atEnd !== undefined && { atEnd: of.atEnd }),
      files: ['f'],
    };
    const resources =
      of.resources === 'copy'
        ? ({ mode: 'copy', dir: 'res' } as const)
        : of.resources === 'script'
          ? ({ mode: 'script', script: 'init.py' } as const)
          : 'none';
    const declare = (locks?: ReadonlyMap<string, LoadedLock>) =>
      stub(
        {
          version: 1,
          builders: { default: 'docker' },
          release: { version: '14.1.2', kit: 'kit' },
          baseImages: {
            python: {
              type: 'container-exec',
              ...(of.debs === null
                ? { from: { rootfs: 'r.tar' }, python: of.pythons }
                : { from: { debian: { suite: of.suite } }, python: of.pythons }),
              ...(of.glibc !== undefined && { glibc: of.glibc }),
              systemPackages: of.system,
              user: { name: of.user, uid: of.uid },
              fragments: { ...(of.prepend !== undefined && { prepend: of.prepend }), files: ['f'] },
            },
          },
          containerConfigs: { cpu: { engine: 'docker', base: 'python' } },
          codeEnvs: {
            glm: {
              language: 'python',
              ...(of.interpreter !== undefined && { interpreter: of.interpreter }),
              packages: of.packages,
              jupyter: of.jupyter,
              bytecode: of.bytecode,
              fragments,
              resources,
            },
          },
        },
        {
          'release.kit': file('python/x.py', of.kit),
          'baseImages.python.from.rootfs': file('r.tar', of.rootfs),
          'baseImages.python.fragments.files': file('f', of.files),
          'codeEnvs.glm.fragments.files': file('f', of.files),
          'codeEnvs.glm.resources.dir': file('m', of.resource),
          'codeEnvs.glm.resources.script': file('init.py', of.resource),
        },
        locks,
      );
    const bare = declare().loaded;
    if (bare === null) throw new Error('the schema refused it');
    const { loaded } = declare(locksFor(expand(bare).locks, of));
    if (loaded === null) throw new Error('the schema refused it');
    const expansion = expand(loaded);
    // The Debian of the base below decides the glibc that the lock was to be made for.
    expect(expansion.diagnostics.filter(({ code }) => code !== 'LOCK_OUTDATED')).toEqual([]);
    return expansion.nodes.filter((node) => node.role === 'image');
  }

  /** Locks as they would be read, made from what is wanted. */
  function locksFor(
    lockables: readonly Lockable[],
    { lock, debs }: { readonly lock: Record<string, string> | null; readonly debs: Record<string, string> | null },
  ): ReadonlyMap<string, LoadedLock> {
    const texts = lockables.flatMap((one): (readonly [string, string])[] => {
      if (one.kind === 'debian') return debs === null ? [] : [[one.file, debianLock(debs, one)]];
      return lock === null ? [] : [[one.file, pylock(lock, { madeFrom: one.wanted })]];
    });
    return new Map(
      texts.map(([path, text]) => {
        const { summary, packages } = parseLock(path, text);
        return [path, { ...summary, text: () => text, packages: () => packages } as LoadedLock];
      }),
    );
  }

  it('decides the spec: equal inputs, equal spec', { timeout: 60_000 }, () => {
    const specs = new Map<string, string>();
    fc.assert(
      fc.property(setting, (of) => {
        for (const image of images(of)) {
          const inputs = JSON.stringify([image.kind, ledgerOf(image)]);
          const spec = JSON.stringify(portable(image.spec));
          expect(specs.get(inputs) ?? spec).toBe(spec);
          specs.set(inputs, spec);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('does not depend on the order, the spelling and the comments of packages', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(setting, fc.integer({ min: 0, max: 4 }), (of, turn) => {
        // The order of values of one option does count: the first index is asked first.
        const plain = of.packages.filter((line) => !line.startsWith('--'));
        const turned = [...plain.slice(turn), '  # comment', ...plain.slice(0, turn)].map((line) => ` ${line} `);
        const [a, b] = [images({ ...of, packages: plain }), images({ ...of, packages: turned })];
        expect(b.map(ledgerOf)).toEqual(a.map(ledgerOf));
        expect(b.map((one) => portable(one.spec))).toEqual(a.map((one) => portable(one.spec)));
      }),
      { numRuns: 50 },
    );
  });
});

describe('thousands of envs', () => {
  function fleet(envs: number, configs: number) {
    const input: ConfigInput = {
      version: 1,
      builders: { default: 'docker' },
      release: { version: '14.1.2' },
      baseImages: {
        a: { type: 'container-exec', from: { image: 'debian:12' }, python: ['3.11'] },
        b: { type: 'container-exec', from: { base: 'a' } },
      },
      containerConfigs: Object.fromEntries(
        Array.from({ length: configs }, (_, index) => [
          `c${index}`,
          { engine: 'docker' as const, base: index % 2 === 0 ? 'a' : 'b', repository: `r${index}` },
        ]),
      ),
      codeEnvs: Object.fromEntries(
        Array.from({ length: envs }, (_, index) => [
          `env${index}`,
          { language: 'python' as const, packages: ['numpy', 'pandas>=2', `only${index}`] },
        ]),
      ),
    };
    const { loaded, count } = stub(input);
    if (loaded === null) throw new Error('the schema refused it');
    return { expansion: expand(loaded), count };
  }

  it('are expanded by looking at each once, and at no place until somebody asks', { timeout: 60_000 }, () => {
    const [one, two] = [fleet(1000, 2), fleet(2000, 2)];
    expect(two.expansion.nodes.length - one.expansion.nodes.length).toBe(1000 * 4);
    expect(two.count.looks).toBeLessThanOrEqual(2 * one.count.looks);
    expect(two.count.looks / 2000).toBeLessThan(3);
  });

  it('ten thousand too', { timeout: 60_000 }, () => {
    const { expansion, count } = fleet(10_000, 1);
    expect(expansion.nodes).toHaveLength(20_000 + 4);
    expect(count.looks / 10_000).toBeLessThan(3);
  });

  it('share what does not depend on the config', () => {
    const { expansion } = fleet(10, 4);
    const images = expansion.nodes.filter((node) => node.role === 'image' && node.kind === 'env image');
    expect(images).toHaveLength(20);
    expect(new Set(images.map((one) => one.inputs)).size).toBe(10);
  });
});

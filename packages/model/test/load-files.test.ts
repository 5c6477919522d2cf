import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { brief, folder } from './load-rig.ts';

const HEAD = 'version: 1\nrelease: { version: 14.1.2 }\n';
const env = (more: string): string => `${HEAD}codeEnvs:\n  a: { language: python, ${more} }\n`;

describe('files that a declaration names', () => {
  it('are read as texts and sets, under the paths of their keys', async () => {
    using project = folder({
      'rebake.yaml': `version: 1
release: { version: 14.1.2, kit: kit }
baseImages:
  b:
    type: container-exec
    from: { dockerfile: Dockerfile, context: ctx }
    fragments: { append: { file: append.txt }, files: [certs, one.txt] }
    copyToBuildenv: [{ from: ctx, to: x }, { from: one.txt, to: y }]
  c: { type: container-exec, from: { rootfs: root.tar } }
codeEnvs:
  a:
    language: python
    packages: { file: requirements.txt }
    resources: { mode: script, script: init/run.py }
  d: { language: python, resources: { mode: copy, dir: ctx } }
`,
      'requirements.txt': 'numpy\r\npandas\r\n',
      'append.txt': 'RUN true',
      Dockerfile: 'FROM x\n',
      'ctx/a.txt': 'a',
      'ctx/skip.log': 'no',
      'ctx/.dockerignore': '*.log\n',
      'certs/ca.pem': 'pem',
      'one.txt': '1',
      'root.tar': 'tar',
      'init/run.py': 'pass',
      'kit/dss-version.json': '{"product_version":"14.1.2"}',
      'kit/python/dataiku/__init__.py': '',
      'kit/lib/huge.jar': 'not for images',
    });
    const { loaded, diagnostics } = await project.load();
    expect(diagnostics).toEqual([]);
    expect(loaded?.texts.get('codeEnvs.a.packages.file')).toEqual({
      path: 'requirements.txt',
      text: 'numpy\npandas\n',
    });
    expect(loaded?.texts.get('baseImages.b.fragments.append.file')?.text).toBe('RUN true');
    expect(loaded?.texts.get('baseImages.b.from.dockerfile')?.text).toBe('FROM x\n');
    const sets = Object.fromEntries(
      [...(loaded?.sets ?? [])].map(([key, set]) => [
        key,
        [set.root.slice(project.root.length + 1), ...set.files.map(({ path }) => path)],
      ]),
    );
    expect(sets).toEqual({
      'release.kit': ['kit', 'dss-version.json', 'python/dataiku/__init__.py'],
      'baseImages.b.from.context': ['ctx', '.dockerignore', 'a.txt'],
      'baseImages.b.fragments.files': ['', 'certs/ca.pem', 'one.txt'],
      'baseImages.b.copyToBuildenv.0.from': ['ctx', '.dockerignore', 'a.txt', 'skip.log'],
      'baseImages.b.copyToBuildenv.1.from': ['', 'one.txt'],
      'baseImages.c.from.rootfs': ['', 'root.tar'],
      'codeEnvs.a.resources.script': ['init', 'run.py'],
      'codeEnvs.d.resources.dir': ['ctx', '.dockerignore', 'a.txt', 'skip.log'],
    });
    expect(loaded?.kitVersions.get('release')).toBe('14.1.2');
  });

  it.each([
    ['a missing file', 'packages: { file: no.txt }', ['4:44 FILE_MISSING']],
    ['a folder for a file', 'packages: { file: d }', ['4:44 FILE_WRONG_KIND']],
    ['a file for a folder', 'resources: { mode: copy, dir: f.txt }', ['4:56 FILE_WRONG_KIND']],
    ['bytes for a text', 'packages: { file: bytes }', ['4:44 FILE_UNREADABLE']],
    ['a way up', 'packages: { file: ../x.txt }', ['4:44 PATH_ESCAPES_ROOT']],
    ['a way up and down', 'resources: { mode: copy, dir: d/../../../x }', ['4:56 PATH_ESCAPES_ROOT']],
    ['an absolute path', 'packages: { file: /etc/passwd }', ['4:44 PATH_ESCAPES_ROOT']],
    ['a link out', 'packages: { file: out }', ['4:44 PATH_ESCAPES_ROOT']],
    ['a link out in a folder', 'resources: { mode: copy, dir: links }', ['4:56 PATH_ESCAPES_ROOT']],
    ['a way through a link out', 'packages: { file: etc/passwd }', ['4:44 PATH_ESCAPES_ROOT']],
    ['one of several', 'fragments: { files: [f.txt, no.txt] }', ['4:54 FILE_MISSING']],
    ['a lock that leads out', 'lock: ../lock', ['4:32 PATH_ESCAPES_ROOT']],
    ['a lock that is still to be written', 'lock: a.lock', []],
    ['a link inside', 'packages: { file: in }', []],
    ['what only looks like a way up', 'packages: { file: ..f.txt }', []],
  ])('are diagnosed: %s', async (_what, more, expected) => {
    using project = folder({
      'rebake.yaml': env(more),
      'f.txt': 'x',
      '..f.txt': 'x',
      'd/x.txt': 'x',
      bytes: Uint8Array.from([0xff, 0xfe]),
      'links/a.txt': 'a',
    });
    symlinkSync('/etc/passwd', project.path('out'));
    symlinkSync('/etc', project.path('etc'));
    symlinkSync('/etc/passwd', project.path('links/out'));
    symlinkSync('f.txt', project.path('in'));
    expect(brief((await project.load()).diagnostics)).toEqual(expected);
  });

  it('never count what rebake itself writes', async () => {
    using project = folder({
      'rebake.yaml': env('resources: { mode: copy, dir: . }'),
      '.rebake/state.db': 'x',
    });
    const { loaded } = await project.load();
    expect(loaded?.sets.get('codeEnvs.a.resources.dir')?.files.map(({ path }) => path)).toEqual(['rebake.yaml']);
  });

  it('may be a kit elsewhere, and one without a version is told', async () => {
    using kit = folder({ 'python/x.py': '' });
    using project = folder({ 'rebake.yaml': `version: 1\nrelease: { version: 14.1.2, kit: ${kit.root} }\n` });
    const { loaded, diagnostics } = await project.load();
    expect(brief(diagnostics)).toEqual(['2:34 KIT_WITHOUT_VERSION']);
    expect(loaded?.sets.get('release.kit')?.files).toHaveLength(1);
  });

  it('are refused where names with dots make two of them one', async () => {
    using project = folder({
      'rebake.yaml': `${HEAD}codeEnvs:\n  x:\n    language: python\n    versions: { y: { packages: { file: a.txt } } }\n  x.versions.y: { language: python, packages: { file: b.txt } }\n`,
      'a.txt': 'a',
      'b.txt': 'b',
    });
    expect(brief((await project.load()).diagnostics)).toEqual(['7:55 BAD_NAME']);
  });
});

describe('the load cache', () => {
  const files = {
    'rebake.yaml': `${HEAD}codeEnvs:\n  a: { language: python, packages: { file: r.txt }, resources: { mode: copy, dir: d } }\n`,
    'r.txt': 'numpy\n',
    'd/x.txt': 'x',
  };
  const later = 100;

  it('gives what loading gave, without reading again', async () => {
    using project = folder(files);
    const first = await project.loadLater(later);
    const { statSync, readFileSync } = await import('node:fs');
    const cache = project.path('.rebake/cache/declaration.json');
    expect(statSync(cache).mode & 0o777).toBe(0o600);
    writeFileSync(cache, readFileSync(cache, 'utf8').replace('numpy', 'from-cache'));
    const second = await project.loadLater(later);
    expect(second.loaded?.texts.get('codeEnvs.a.packages.file')?.text).toBe('from-cache\n');
    expect(second.loaded?.config).toEqual(first.loaded?.config);
    expect(second.loaded?.sets).toEqual(first.loaded?.sets);
    const path = ['codeEnvs', 'a', 'packages', 'file'];
    expect(second.loaded?.locate(path)).toEqual(first.loaded?.locate(path));
    expect(second.loaded?.locate(['codeEnvs', 'a', 'owner'])).toEqual(first.loaded?.locate(['codeEnvs', 'a', 'owner']));
  });

  it.each([
    ['the config', 'rebake.yaml', files['rebake.yaml'].replace('python', 'r')],
    ['a text', 'r.txt', 'pandas\n'],
    ['a file in a folder', 'd/x.txt', 'y'],
    ['a new file in a folder', 'd/e/new.txt', 'z'],
  ])('is given up when %s changes', async (_what, name, content) => {
    using project = folder(files);
    const first = await project.loadLater(later);
    project.write({ [name]: content });
    const second = await project.loadLater(later);
    expect([second.loaded?.config, second.loaded?.texts, second.loaded?.sets]).not.toEqual([
      first.loaded?.config,
      first.loaded?.texts,
      first.loaded?.sets,
    ]);
  });

  it('notices a change that keeps size and modification time', async () => {
    using project = folder(files);
    utimesSync(project.path('r.txt'), 1000, 1000);
    await project.loadLater(later);
    writeFileSync(project.path('r.txt'), 'jumpy\n');
    utimesSync(project.path('r.txt'), 1000, 1000);
    const { loaded } = await project.loadLater(later);
    expect(loaded?.texts.get('codeEnvs.a.packages.file')?.text).toBe('jumpy\n');
  });

  it('is not written while a time stamp may hide a change', async () => {
    using project = folder(files);
    await project.loadLater(0);
    project.write({ 'probe.txt': '' });
    const { existsSync } = await import('node:fs');
    expect(existsSync(project.path('.rebake/cache/declaration.json'))).toBe(false);
  });

  it('is not written for a declaration with an error, or with links', async () => {
    using faulty = folder({ 'rebake.yaml': `${HEAD}codeEnvs: 3\n` });
    await faulty.loadLater(later);
    using linked = folder({ ...files, 'rebake.yaml': env('packages: { file: link.txt }') });
    symlinkSync('r.txt', linked.path('link.txt'));
    await linked.loadLater(later);
    const { existsSync } = await import('node:fs');
    for (const { path } of [faulty, linked]) expect(existsSync(path('.rebake/cache/declaration.json'))).toBe(false);
  });

  it.each(['', '{', '{}', 'null', '{"key":1,"watched":[]}'])('is made anew when it is broken: %s', async (content) => {
    using project = folder(files);
    mkdirSync(project.path('.rebake/cache'), { recursive: true });
    project.write({ '.rebake/cache/declaration.json': content });
    expect((await project.loadLater(later)).diagnostics).toEqual([]);
  });
});

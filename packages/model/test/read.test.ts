/** Reading a declaration a second time, from what was kept of its expansion. */
import { readFileSync, writeFileSync } from 'node:fs';
import { canonicalJson } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { folder, type Folder } from './load-rig.ts';

const FILES = {
  'rebake.yaml': `version: 1
release: { version: 14.1.2, kit: kit }
registries: { eu: { url: registry.example.com/dss } }
baseImages:
  python: { type: container-exec, from: { image: "registry.example.com/debian:12" }, python: ["3.11"], cuda: "12.2" }
  big: { type: container-exec, from: { base: python }, systemPackages: [libgomp1] }
containerConfigs:
  cpu: { engine: kubernetes, base: python, registry: eu }
  big: { engine: docker, base: big }
codeEnvs:
  glm:
    language: python
    packages: { file: glm.txt }
    containerConfigs: all
    jupyter: true
    resources: { mode: script, script: init.py }
    fragments: { atEnd: "COPY certs/ /opt/certs/", files: [certs] }
  other: { language: python, packages: [scipy, "glum==3.1.2"], containerConfigs: [cpu] }
builders: { default: docker }
plugins: [./mine.ts]
state: { type: bucket, options: { name: x } }
`,
  'glm.txt': 'glum==3.1.2\nscipy\n',
  'init.py': 'print("resources")\n',
  'certs/ca.pem': 'not a certificate\n',
  'kit/dss-version.json': '{"product_version": "14.1.2"}\n',
  'kit/python/dataiku/__init__.py': '\n',
};

/** Lines of the file of the cache. */
function cacheOf(project: Folder): readonly string[] {
  return readFileSync(project.path('.rebake/cache/declaration.json'), 'utf8').split('\n');
}

describe('a declaration that was read before', () => {
  it('expands to the same, steps and places included', async () => {
    using project = folder(FILES);
    const first = await project.readLater(10);
    expect(cacheOf(project)[1]).not.toBe('');
    const second = await project.readLater(20);
    // As JSON too: what a plan prints must not depend on whether there was a cache.
    expect(canonicalJson(JSON.parse(JSON.stringify(second.expansion?.nodes)))).toBe(
      canonicalJson(JSON.parse(JSON.stringify(first.expansion?.nodes))),
    );
    expect({ ...second, plugins: null }).toEqual({ ...first, plugins: null });
    expect(second.state).toEqual({ path: ['state'], type: 'bucket', options: { name: 'x' } });
    for (const read of [first, second]) {
      const plugins = read.plugins();
      expect(plugins?.items).toEqual(['./mine.ts']);
      expect(plugins?.locate(['plugins', 0])).toMatchObject({ line: 20, column: 11 });
    }
  });

  it('tells its warnings again', async () => {
    using project = folder(FILES);
    await project.readLater(10);
    expect((await project.readLater(20)).diagnostics).toMatchObject([{ code: 'NOT_ACTED_ON_YET', where: { line: 5 } }]);
  });

  it('is read anew when a file that it names has changed', async () => {
    using project = folder(FILES);
    await project.readLater(10);
    project.write({ 'glm.txt': 'glum==3.1.3\nscipy\n' });
    const { expansion } = await project.readLater(20);
    expect(expansion?.nodes.flatMap(({ inputs }) => inputs['packages/glum']?.shown ?? [])).toContain('glum==3.1.3');
  });

  it('does not parse the declaration while nobody asks for steps or places', async () => {
    using project = folder(FILES);
    await project.readLater(10);
    const lines = cacheOf(project);
    writeFileSync(project.path('.rebake/cache/declaration.json'), [lines[0], lines[1], 'no JSON', ''].join('\n'));
    const { expansion } = await project.readLater(20);
    expect(expansion?.nodes.map(({ id }) => id)).toContain('env/python/glm@python#linux/amd64');
    expect(() => expansion?.nodes[0]?.because).toThrow(SyntaxError);
  });

  it('keeps nothing of a declaration with errors', async () => {
    using project = folder({
      ...FILES,
      'rebake.yaml': FILES['rebake.yaml'].replace('base: python }', 'base: pyton }'),
    });
    await project.readLater(10);
    expect((await project.readLater(20)).diagnostics).toMatchObject([
      { where: { line: 5 } },
      { code: 'UNKNOWN_BASE', where: { line: 6 } },
    ]);
  });
});

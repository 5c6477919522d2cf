/** Registries through the command line: what is published is found again by machines that have never built it, and is copied, not built twice. */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/index.ts';
import { PUBLISHED } from './fleets.ts';
import { readable } from './readable.ts';
import { testRegistry } from './registry.ts';
import { rig } from './rig.ts';

const APPLY = 'apply --auto-approve --parallelism 1';

/** The same fleet, published to a second registry too. */
const TWICE = {
  ...PUBLISHED,
  'rebake.yaml': `${PUBLISHED['rebake.yaml']}`
    .replace('baseImages:', '  us: { url: us.example.test/dss }\nbaseImages:')
    .replace('codeEnvs:', '  us: { engine: kubernetes, base: python, registry: us }\ncodeEnvs:'),
};

/** A hook that makes a repository by noting it; `then` is done first. */
const hook = (then = ''): string =>
  `#!/bin/sh\n${then}\necho "$3" >> "$(dirname "$0")/made.txt"\necho "made $3 for $4"\n`;

describe('a registry that makes no repositories by itself', () => {
  const files = {
    ...PUBLISHED,
    'rebake.yaml': `${PUBLISHED['rebake.yaml']}`.replace(
      'eu.example.test/dss }',
      'eu.example.test/dss, prePush: { mode: custom, script: make.sh } }',
    ),
  };

  it('gets them from the pre-push hook, each once', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig({ ...files, 'make.sh': hook() }, [eu]);
    chmodSync(join(project.dir, 'make.sh'), 0o755);
    const made = (): string[] =>
      existsSync(join(project.dir, 'made.txt'))
        ? readFileSync(join(project.dir, 'made.txt'), 'utf8').trim().split('\n')
        : [];
    eu.isMade = (repository) => !repository.startsWith('dss/') || made().includes(repository.slice('dss/'.length));
    const { code } = await project.rebake(APPLY);
    expect(code).toBe(EXIT.done);
    expect(new Set(made()).size).toBe(made().length);
    expect(made()).toContain('cpu/pyenv-glm');
    const count = made().length;
    expect((await project.rebake('plan --detailed-exitcode')).code).toBe(EXIT.done);
    expect(made()).toHaveLength(count);
  });

  it('is not pushed into where the hook fails, and the words of the hook say why', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig({ ...files, 'make.sh': hook('echo "no quota left"; exit 3') }, [eu]);
    chmodSync(join(project.dir, 'make.sh'), 0o755);
    const { code, out } = await project.rebake(APPLY);
    expect(code).toBe(EXIT.failed);
    expect(out).toContain('PRE_PUSH_FAILED');
    expect(out).toContain('no quota left');
    expect(eu.changes).toEqual([]);
  });
});

describe('publishing', () => {
  it('moves a tag only when the candidate is there', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    await project.rebake(APPLY);
    const puts = eu.changes.filter((change) => change.startsWith('PUT /v2/dss/cpu/pyenv-glm/manifests/'));
    expect(readable(puts.join('\n'))).toBe(
      'PUT /v2/dss/cpu/pyenv-glm/manifests/rebake-000000000001…\nPUT /v2/dss/cpu/pyenv-glm/manifests/dss-14.1.1',
    );
  });

  it('that is refused fails alone, moves nothing, and goes on with the next apply', async () => {
    await using eu = await testRegistry();
    await using us = await testRegistry('us');
    eu.put('upstream/debian', '12', {});
    using project = rig(TWICE, [eu, us]);
    project.engine.behaviours.set('glum', async () => void (us.refuses = 403));
    const { code, out } = await project.rebake(APPLY);
    expect(code).toBe(EXIT.failed);
    expect(out).toContain(' failed: REGISTRY_DENIED\n');
    expect(out).toContain('Not all done: 2 built, 1 adopted, 2 published, 2 failed in');
    expect(us.tags('dss/python/pyenv-glm')).toEqual({});
    us.refuses = null;
    project.engine.behaviours.clear();
    const next = await project.rebake(APPLY);
    expect(next.code).toBe(EXIT.done);
    expect(project.engine.built).toHaveLength(2);
    expect(us.tags('dss/python/pyenv-glm')).toEqual(eu.tags('dss/cpu/pyenv-glm'));
  });

  it('copies what another registry has, instead of pushing it again', async () => {
    await using eu = await testRegistry();
    await using us = await testRegistry('us');
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu, us]);
    await project.rebake(APPLY);
    project.engine.names.clear();
    project.write('rebake.yaml', TWICE['rebake.yaml']);
    const { out } = await project.rebake(APPLY);
    expect(out).toContain('Done: 2 published, 5 kept');
    expect(us.tags('dss/python/pyenv-glm')).toEqual(eu.tags('dss/cpu/pyenv-glm'));
    expect(us.tags('dss/python/base')).toEqual(eu.tags('dss/cpu/base'));
  });
});

describe('a machine without a state', () => {
  it('adopts everything that another one has published, and then has nothing to do', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using first = rig(PUBLISHED, [eu]);
    using second = rig(PUBLISHED, [eu]);
    await first.rebake(APPLY);
    eu.changes.length = 0;
    const planned = await second.rebake('plan');
    expect(planned.out).toContain('Plan: 5 to adopt; 0 unchanged.\n');
    expect((await second.rebake(APPLY)).out).toContain('Done: 5 adopted');
    expect(second.engine.built).toEqual([]);
    expect(eu.changes).toEqual([]);
    expect(await second.rebake('plan --detailed-exitcode')).toMatchObject({ code: EXIT.done });
  });

  it('fetches the base that it has to build on', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using first = rig(PUBLISHED, [eu]);
    using second = rig(PUBLISHED, [eu]);
    await first.rebake(APPLY);
    await second.rebake(APPLY);
    second.edit('glm.txt', '3.1.2', '3.1.3');
    const { out } = await second.rebake(APPLY);
    expect(out).toMatch(/^fetched {3}base\/python {2}5\.0s$/m);
    expect(out).toContain('Done: 1 built, 1 fetched, 1 published, 2 kept');
    expect(second.engine.built).toHaveLength(1);
  });
});

describe('what is published', () => {
  it('need not be in the engine any more', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    await project.rebake(APPLY);
    project.engine.names.clear();
    expect(await project.rebake('plan --detailed-exitcode')).toMatchObject({
      code: EXIT.done,
      out: 'Nothing to do: 5 unchanged.\n',
    });
  });

  it('cannot be judged when somebody else’s image is gone from the registry', async () => {
    await using eu = await testRegistry();
    eu.put('upstream/debian', '12', {});
    using project = rig(PUBLISHED, [eu]);
    await project.rebake(APPLY);
    eu.remove('upstream/debian');
    const { code, err } = await project.rebake('plan');
    expect(code).toBe(EXIT.failed);
    expect(err).toContain('eu.example.test/upstream/debian:12 was not found for linux/amd64\n');
    expect(err).toContain('  help: Correct the reference, or put the image there.\n');
  });
});

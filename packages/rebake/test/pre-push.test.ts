/** Pre-push hooks, with real scripts: what they get, how often they are run, and what their failures say. */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PrePush } from '@rebake/model';
import { BuildFailure } from '@rebake/sdk';
import { prePushHooks } from '../src/pre-push.ts';
import { folder, type Folder } from './project.ts';

const ECR = '123.dkr.ecr.eu-west-1.example.com';
const never = new AbortController().signal;
const call = { signal: never, onLine: () => {} };

/** A program in the folder that notes its arguments, one run a line, and then does what `then` says. */
function program(project: Folder, name: string, then = ''): string {
  project.write(name, `#!/bin/sh\necho "$*" >> "$(dirname "$0")/${name}.calls"\n${then}\n`);
  chmodSync(join(project.dir, name), 0o755);
  return join(project.dir, name);
}

function callsOf(project: Folder, name: string): string[] {
  const file = join(project.dir, `${name}.calls`);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

const hook = (mode: PrePush['mode'], script: string | null, more: Partial<PrePush> = {}): PrePush => ({
  registry: ECR,
  root: 'dss',
  under: 'dss',
  mode,
  script,
  ...more,
});

async function failureOf(work: Promise<void> | undefined): Promise<BuildFailure> {
  const error: unknown = await Promise.resolve(work).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof BuildFailure) return error;
  throw new Error('it should have failed');
}

describe('a script of the user', () => {
  it('gets repository, region, image and tag, once for each repository, also of those who come at once', async () => {
    using project = folder({});
    const script = program(project, 'make.sh');
    const before = prePushHooks([hook('custom', script)], { PATH: process.env['PATH'] });
    const target = { registry: ECR, repository: 'dss/cpu/glm', tag: 'rebake-1' };
    await Promise.all([before?.(target, call), before?.({ ...target, tag: 'rebake-2' }, call)]);
    await before?.({ ...target, repository: 'dss/cpu/other; touch x' }, call);
    await before?.({ ...target, registry: 'elsewhere.example.com' }, call);
    expect(callsOf(project, 'make.sh')).toEqual([
      `${ECR}/dss eu-west-1 cpu/glm rebake-1`,
      `${ECR}/dss eu-west-1 cpu/other; touch x rebake-1`,
    ]);
    expect(existsSync(join(project.dir, 'x'))).toBe(false);
  });

  it('fails the push in its own words, and is run again by the next', async () => {
    using project = folder({});
    const script = program(project, 'make.sh', 'echo "quota is used up" >&2; exit 3');
    const before = prePushHooks([hook('custom', script)], { PATH: process.env['PATH'] });
    const target = { registry: ECR, repository: 'dss/cpu', tag: 'rebake-1' };
    const { error } = await failureOf(before?.(target, call));
    expect(error.code).toBe('PRE_PUSH_FAILED');
    expect(error.words).toContain('ended with 3: quota is used up');
    await failureOf(before?.(target, call));
    expect(callsOf(project, 'make.sh')).toHaveLength(2);
  });

  it('says when it is not there', async () => {
    const before = prePushHooks([hook('custom', '/nowhere/make.sh')], {});
    const { error } = await failureOf(before?.({ registry: ECR, repository: 'dss/cpu', tag: 'a' }, call));
    expect(error).toMatchObject({ code: 'PRE_PUSH_FAILED' });
    expect(error.words).toContain('there is no command /nowhere/make.sh');
  });
});

describe('hooks of clouds', () => {
  it('create the repository of ECR by its own command; one that is there already is fine', async () => {
    using project = folder({});
    program(project, 'aws', 'echo "An error occurred (RepositoryAlreadyExistsException)" >&2; exit 254');
    const before = prePushHooks([hook('ecr', null)], { PATH: `${project.dir}:${process.env['PATH'] ?? ''}` });
    await before?.({ registry: ECR, repository: 'dss/cpu', tag: 'rebake-1' }, call);
    expect(callsOf(project, 'aws')).toEqual(['ecr create-repository --region eu-west-1 --repository-name dss/cpu']);
  });

  it('log in to ACR by its own command', async () => {
    using project = folder({});
    program(project, 'az');
    const registry = 'fleet.example.com';
    const before = prePushHooks([hook('acr', null, { registry })], {
      PATH: `${project.dir}:${process.env['PATH'] ?? ''}`,
    });
    await before?.({ registry, repository: 'dss/cpu', tag: 'rebake-1' }, call);
    expect(callsOf(project, 'az')).toEqual(['acr login --name fleet']);
  });

  it('refuse a registry that is none of ECR', async () => {
    const registry = 'registry.example.com';
    const before = prePushHooks([hook('ecr', null, { registry })], {});
    const { error } = await failureOf(before?.({ registry, repository: 'dss/cpu', tag: 'a' }, call));
    expect(error.words).toContain('says no region');
  });
});

it('the nearest hook counts, and `none` near a repository is none for it', async () => {
  using project = folder({});
  const script = program(project, 'make.sh');
  const hooks = [hook('custom', script), hook('none', null, { under: 'dss/quiet' })];
  const before = prePushHooks(hooks, { PATH: process.env['PATH'] });
  for (const repository of ['dss/quiet/glm', 'dss/quieter', 'other'])
    await before?.({ registry: ECR, repository, tag: 'a' }, call);
  expect(callsOf(project, 'make.sh')).toEqual([`${ECR}/dss eu-west-1 quieter a`]);
  expect(prePushHooks([hook('none', null)], {})).toBeUndefined();
});

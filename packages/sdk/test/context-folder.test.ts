/** A context on disk: the files that were planned, with modes and times that say nothing about the machine. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOfBytes, renderDockerfile } from '@rebake/image';
import type { ImageSpec } from '@rebake/image';
import { afterAll, describe, expect, it } from 'vitest';
import { writeContext } from '../src/building/context-folder.ts';

function specOf(root: string, content: string): ImageSpec {
  const files = [
    { path: 'bin/tool', digest: digestOfBytes(content), exec: true },
    { path: '.dockerignore', digest: digestOfBytes('*\n'), exec: false },
  ];
  return { steps: [{ step: 'fragment', place: 'atEnd', text: 'COPY . /x/', files: { root, files } }], env: {} };
}

describe('a context folder', () => {
  const top = mkdtempSync(join(tmpdir(), 'rebake-context-'));
  const source = join(top, 'source');
  afterAll(() => rmSync(top, { recursive: true }));
  mkdirSync(source);
  mkdirSync(join(source, 'bin'));
  writeFileSync(join(source, 'bin/tool'), 'tool');
  writeFileSync(join(source, '.dockerignore'), '*\n');

  it('holds the files with fixed modes and times, and the Dockerfile beside it', async () => {
    const folder = mkdtempSync(join(top, 'folder-'));
    const rendered = renderDockerfile(specOf(source, 'tool'), { parent: 'base:1', froms: {} });
    const { context, dockerfile } = await writeContext(rendered, folder);
    expect(readFileSync(join(context, 'bin/tool'), 'utf8')).toBe('tool');
    const { mode, mtimeMs } = statSync(join(context, 'bin/tool'));
    expect([mode & 0o777, mtimeMs]).toEqual([0o755, 315_619_200_000]);
    expect(statSync(join(context, 'bin')).mtimeMs).toBe(315_619_200_000);
    expect(readFileSync(dockerfile, 'utf8')).toContain('FROM base:1');
  });

  it('is refused when a file is not what was planned', async () => {
    const folder = mkdtempSync(join(top, 'folder-'));
    const rendered = renderDockerfile(specOf(source, 'other'), { parent: 'base:1', froms: {} });
    await expect(writeContext(rendered, folder)).rejects.toMatchObject({ error: { code: 'INPUT_MOVED' } });
  });
});

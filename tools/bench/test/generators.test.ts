// Fleets, their graphs for other tools, tar archives and tiny images: functions of their arguments, and what readers of the format expect.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOfBytes } from '@rebake/image';
import { plan } from '@rebake/planner';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fleetFiles, requirementsPath } from '../src/fleet.ts';
import { peerFiles } from '../src/peer-graphs.ts';
import { question, type Situation } from '../src/synthetic.ts';
import { tar } from '../src/tar.ts';
import { tinyImage } from '../src/tiny-image.ts';

describe('a fleet', () => {
  it('has a requirements file for each env, no two alike', () => {
    const files = fleetFiles({ envs: 30, registry: null });
    const texts = Array.from({ length: 30 }, (_, index) => files.get(requirementsPath(index)));
    expect(new Set(texts).size).toBe(30);
    expect(files.get('rebake.yaml')).toContain('  env-00029: {');
  });

  it('publishes into a registry only if it is given one', () => {
    expect(fleetFiles({ envs: 1, registry: null }).get('rebake.yaml')).not.toContain('registr');
    expect(fleetFiles({ envs: 1, registry: 'localhost:5000/x' }).get('rebake.yaml')).toContain('registry: local');
  });
});

describe('the graph for other tools', () => {
  it('has a stamp for each base, image and publication in both files', () => {
    const files = peerFiles(20);
    const ninja = String(files.get('build.ninja')).match(/^build stamps\//gm);
    const make = String(files.get('Makefile')).match(/^stamps\//gm);
    expect(ninja).toHaveLength(2 + 2 * 20);
    expect(make).toHaveLength(2 + 2 * 20);
  });
});

describe('synthetic questions', () => {
  const stale = (situation: Situation): number => {
    const { nodes, state, world } = question(100, situation);
    expect(nodes).toHaveLength(100);
    return plan(nodes, state, world, { force: [] }).plan.actions.filter(({ atMost }) => atMost !== 'keep').length;
  };

  it('are fresh, follow their bases, or were never built', () => {
    expect(stale('fresh')).toBe(0);
    expect(stale('upgrade')).toBe(100);
    expect(stale('first')).toBe(100);
  });
});

describe('a tar archive', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bench-tar-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('is read by tar with contents and modes', () => {
    const files = [
      { path: 'Dockerfile', bytes: Buffer.from('FROM scratch\n'), mode: 0o644 },
      { path: 'a/run.sh', bytes: Buffer.alloc(700, 'x'), mode: 0o755 },
    ];
    writeFileSync(join(dir, 'x.tar'), tar(files));
    execFileSync('tar', ['-xf', 'x.tar'], { cwd: dir });
    expect(execFileSync('cat', ['Dockerfile'], { cwd: dir, encoding: 'utf8' })).toBe('FROM scratch\n');
    expect(execFileSync('stat', ['-c', '%a %s', 'a/run.sh'], { cwd: dir, encoding: 'utf8' })).toBe('755 700\n');
  });
});

describe('a tiny image', () => {
  it('is named by the digests of its documents, and differs by its label', () => {
    const image = tinyImage('a');
    expect(image.identity).toBe(digestOfBytes(image.config));
    expect(image.manifestDigest).toBe(digestOfBytes(image.manifest));
    expect(image.manifest).toContain(image.identity);
    expect(tinyImage('b').identity).not.toBe(image.identity);
  });
});

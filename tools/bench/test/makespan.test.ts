// The bound that distributed builds are held against, and the fleet that is built.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hosts } from '@rebake/tool-engines';
import { describe, expect, it } from 'vitest';
import { leastMakespan } from '../src/makespan.ts';
import { declareSleepy, FLEET, SAMPLE } from '../src/sleepy-fleet.ts';

describe('the least makespan', () => {
  const chain = new Map([
    ['base', { ms: 100, on: null }],
    ['second', { ms: 200, on: 'base' }],
    ['env', { ms: 300, on: 'second' }],
    ['other', { ms: 50, on: 'base' }],
  ]);

  it('is the longest path where there is room for everything', () => {
    expect(leastMakespan(chain, 4)).toBe(600);
  });

  it('is the load where there is not', () => {
    expect(leastMakespan(chain, 1)).toBe(650);
  });

  it('of nothing is nothing', () => {
    expect(leastMakespan(new Map(), 3)).toBe(0);
  });

  it('needs to know what a build stands on', () => {
    expect(() => leastMakespan(new Map([['env', { ms: 1, on: 'base' }]]), 1)).toThrow('no build base');
  });
});

describe('the sleepy fleet', () => {
  it('has 60 images, and a sample with an env on each base', () => {
    expect(FLEET).toHaveLength(60);
    expect(new Set(FLEET.map(({ name }) => name)).size).toBe(60);
    expect(SAMPLE.map(({ name, on }) => `${name} on ${on}`)).toEqual([
      'python on null',
      'python-00 on python',
      'second on python',
      'second-00 on second',
      'third on second',
      'third-00 on third',
    ]);
  });

  it('declares every image with a step that waits for its time', () => {
    const dir = mkdtempSync(join(tmpdir(), 'bench-sleepy-'));
    try {
      const rootfs = join(dir, 'rootfs.tar');
      writeFileSync(rootfs, '');
      const network = { hosts: [{ address: 'tcp://10.0.0.2:1' }], registry: { address: '10.0.0.1:5000' } };
      declareSleepy(join(dir, 'p'), FLEET, 'mark', {
        network: network as unknown as Hosts,
        parallel: 2,
        rootfs,
        path: 'p',
      });
      const text = readFileSync(join(dir, 'p/rebake.yaml'), 'utf8');
      for (const { name, ms } of FLEET)
        expect(text).toContain(`echo mark ${name} > /opt/dataiku/bench && sleep ${ms / 1_000}"`);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

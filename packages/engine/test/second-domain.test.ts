// The kernel is general: a documentation site, in under 80 lines of its own, is planned and applied by the same code.
import { digestOf } from '@rebake/sdk';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { siteNodes } from './second-domain.ts';
import type { Site } from './second-domain.ts';
import { Bench } from './support/bench.ts';

const HOST = 'docs.test:5000';
const site: Site = {
  tools: `${HOST}/renderer:1`,
  theme: 'blue',
  versions: { v1: { index: 'Hello', guide: 'First steps' }, v2: { index: 'Hello again', guide: 'First steps' } },
  host: HOST,
};

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  bench.registry.put(HOST, 'renderer', '1', digestOf('renderer 1'));
});
afterEach(() => bench.close());

describe('a second domain', () => {
  it('is built, published and then up to date', async () => {
    const summary = await bench.run(siteNodes(site));
    expect(summary.counts).toMatchObject({ built: 3, published: 2 });
    expect(bench.registry.shown(HOST, 'docs', 'v2')).not.toBeNull();
    expect(await bench.efforts(siteNodes(site))).toEqual({});
  });

  it('renders only the version whose page changed, and says which page it was', async () => {
    await bench.run(siteNodes(site));
    const corrected = { ...site, versions: { ...site.versions, v1: { index: 'Hello', guide: 'Better steps' } } };
    const { plan } = await bench.plan(siteNodes(corrected));
    expect(plan.actions.find(({ node }) => node === 'site/v1')?.reasons[0]?.cause).toMatchObject({
      code: 'INPUT_CHANGED',
      key: 'text/guide',
      from: { shown: 'First steps' },
      to: { shown: 'Better steps' },
    });
    expect((await bench.run(siteNodes(corrected))).counts).toMatchObject({ built: 1, published: 1 });
  });

  it('renders everything with new tools', async () => {
    await bench.run(siteNodes(site));
    bench.registry.put(HOST, 'renderer', '1', digestOf('renderer 2'));
    expect((await bench.run(siteNodes(site))).counts).toMatchObject({ built: 3, published: 2 });
  });

  it('takes under 80 lines', () => {
    const lines = readFileSync(new URL('second-domain.ts', import.meta.url), 'utf8').split('\n');
    expect(lines.length).toBeLessThan(80);
  });
});

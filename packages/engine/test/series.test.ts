// What belongs to an image over time is kept under its series: it must never move, fit into a tag, and belong to one image only.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seriesOf } from '../src/apply/image-work.ts';
import { id } from './support/nodes.ts';

describe('the series of an image', () => {
  it('stays as it is: caches are found under it', () => {
    expect(seriesOf(id('env/python/glm@python#linux/amd64'))).toBe(
      'env-python-glm-python-linux-amd64-c593814f9dd933a8',
    );
  });

  it('fits into a tag, whatever the node is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }), (name) => {
        expect(seriesOf(id(name))).toMatch(/^[a-z0-9][a-z0-9-]{0,99}$/);
      }),
      { examples: [['#'], ['///'], ['-x'], [`${'x'.repeat(79)}/y`]] },
    );
  });

  it('is different for each, also where nothing that can be read tells them apart', () => {
    const names = [
      'env/a-b',
      'env/a/b',
      'env-a-b',
      'Env/a-b',
      'env/a-b-',
      '#',
      '##',
      `${'x'.repeat(90)}1`,
      `${'x'.repeat(90)}2`,
    ];
    expect(new Set(names.map((name) => seriesOf(id(name)))).size).toBe(names.length);
  });
});

// What people read: figures, comparisons, the table, and the sections of the document.
import { describe, expect, it } from 'vitest';
import type { Row } from '../src/bench.ts';
import type { Machine } from '../src/machine.ts';
import { comparison, figure, markdown, record, table } from '../src/report.ts';

const facts: Machine = {
  time: '2024-05-06T07:08:09.000Z',
  node: 'v24.1.0',
  cores: 2,
  processor: 'some CPU',
  memoryGiB: 8,
  kernel: '6.1',
  load: 0.1,
};

const row: Row = {
  what: 'warm',
  unit: 'ms',
  ours: { what: 'rebake', samples: [90, 100, 400] },
  peer: { what: 'node -e 0', samples: [39, 40, 41] },
  compare: { by: 'times' },
  bar: '≤ 4 ×',
};

describe('figures', () => {
  it('have three digits that count, and separators', () => {
    expect([0.1234, 1.234, 12.34, 123.4, 12_345, -1.5].map(figure)).toEqual([
      '0.12',
      '1.23',
      '12.3',
      '123',
      '12,345',
      '-1.50',
    ]);
  });
});

describe('comparisons', () => {
  it('divide medians', () => {
    expect(comparison(row)).toBe('2.50 ×');
  });

  it('give the difference for each thing, with its sign', () => {
    const compare = { by: 'difference', per: 10, of: 'an image' } as const;
    expect(comparison({ ...row, compare })).toBe('+6.00 ms an image');
    expect(comparison({ ...row, compare, ours: { what: 'rebake', samples: [20] } })).toBe('−2.00 ms an image');
  });

  it('give a rate a second', () => {
    expect(comparison({ ...row, peer: null, compare: { by: 'rate', count: 50, of: 'nodes/s' } })).toBe('500 nodes/s');
  });

  it('say nothing where there is nothing beside it', () => {
    expect(comparison({ ...row, peer: null })).toBe('');
  });
});

describe('the table', () => {
  it('shows medians, ranges, the comparison and the bar', () => {
    expect(table([{ name: 'noop', rows: [row] }]).split('\n')).toEqual([
      'measured    rebake               beside it                         compared  bar',
      'noop: warm  100 ms (90.0 – 400)  40.0 ms (39.0 – 41.0)  node -e 0  2.50 ×    ≤ 4 ×',
    ]);
  });
});

describe('the document', () => {
  const document =
    'a\n<!-- measured:noop -->\nold\n<!-- /measured:noop -->\nb\n<!-- measured:x -->\nkept\n<!-- /measured:x -->\n';

  it('gets the sections that were measured, and keeps the others', () => {
    const recorded = record(document, [{ name: 'noop', rows: [row] }], facts);
    expect(recorded).toContain('| warm | 100 ms (90.0 – 400) | 40.0 ms (39.0 – 41.0) | node -e 0 | 2.50 × | ≤ 4 × |');
    expect(recorded).not.toContain('old');
    expect(recorded).toContain('<!-- measured:x -->\nkept\n');
    expect(record(recorded, [{ name: 'noop', rows: [row] }], facts)).toBe(recorded);
  });

  it('says where, when and how often', () => {
    expect(
      markdown({ name: 'noop', rows: [row] }, facts)
        .split('\n')
        .at(-1),
    ).toBe(
      '2024-05-06, 2 cores (some CPU), 8 GiB, Node 24.1.0, load 0.1 at the start. Median (smallest – largest) of 3 runs.',
    );
  });

  it('says so where everything was measured once', () => {
    const once: Row = { ...row, ours: { what: 'rebake', samples: [71] } };
    expect(markdown({ name: 'noop', rows: [once] }, facts)).toMatch(/ at the start\. Measured once\.$/);
  });

  it('is refused when it has no place for a benchmark', () => {
    expect(() => record(document, [{ name: 'other', rows: [row] }], facts)).toThrow('measured:other');
  });
});

// The reference is what the code says: no generated page is out of date, and no code is without a row.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { checkCodes } from '../src/check-codes.ts';
import { scanText } from '../src/code-scan.ts';
import { configPage } from '../src/config-page.ts';
import { eventSchema } from '../src/event-schema.ts';
import { makePages } from '../src/pages.ts';

const root = join(import.meta.dirname, '../../..');

describe('the reference', () => {
  it('is up to date: npm run docs', async () => {
    for (const { path, text } of await makePages()) {
      expect(readFileSync(join(root, path), 'utf8'), `${path} is out of date: npm run docs`).toBe(text);
    }
  });

  it('has a row for every code in the sources, and no other', () => {
    expect(checkCodes(root)).toEqual([]);
  });
});

describe('finding codes', () => {
  it('takes literals in upper snake case wherever they stand', () => {
    const text =
      "throw failure('ENGINE_LOST', retry, words);\nconst row = [/x/, late ? 'REGISTRY_BUSY' : 'never'];\nconst a = { code: x ? 'TIMEOUT' : 'SO_SLOW' };";
    expect(scanText('a.ts', text)).toEqual([
      { code: 'ENGINE_LOST', at: 'a.ts:1' },
      { code: 'REGISTRY_BUSY', at: 'a.ts:2' },
      { code: 'TIMEOUT', at: 'a.ts:3' },
      { code: 'SO_SLOW', at: 'a.ts:3' },
    ]);
  });

  it('takes codes that are put into a sentence', () => {
    expect(scanText('a.ts', 'io.err(`The plan is stale (PLAN_STALE): ${why}`)')).toEqual([
      { code: 'PLAN_STALE', at: 'a.ts:1' },
    ]);
  });

  it('leaves everything else', () => {
    expect(scanText('a.ts', "const method = 'GET'; const A_B = 'a_b'; // 'NOT_A_CODE'")).toEqual([]);
  });
});

describe('the page of the declaration', () => {
  const schema = {
    properties: {
      version: { const: 1, description: 'Version.' },
      things: {
        description: 'Things by name.',
        additionalProperties: {
          description: 'A thing.',
          required: ['from'],
          properties: {
            from: {
              description: 'Where it is from.',
              anyOf: [
                {
                  properties: { mode: { const: 'copy' }, dir: { type: 'string', description: 'A folder.' } },
                  required: ['mode', 'dir'],
                },
                { properties: { mode: { const: 'script' } }, required: ['mode'] },
              ],
            },
            text: { description: 'A text.', anyOf: [{ type: 'string' }, { properties: { file: { type: 'string' } } }] },
            parallel: { type: 'integer', description: 'How many.', default: 4 },
          },
        },
      },
    },
    required: ['version'],
  };

  it('lists members with those of nested shapes, alternatives once', () => {
    const lines = configPage(schema).split('\n');
    expect(lines).toContain('| [`things`](#thingsname) | Things by name. |  |');
    expect(lines).toContain('| `from` | `{mode, dir}` or `{mode}` | Where it is from. | needed |');
    expect(lines).toContain('| `from.mode` | `copy` or `script` |  |  |');
    expect(lines).toContain('| `text` | text or `{file}` | A text. |  |');
    expect(lines).toContain('| `parallel` | whole number | How many. | default `4` |');
    expect(lines.some((line) => line.includes('`text.file`'))).toBe(false);
  });
});

describe('the schema of events', () => {
  const event: Event = {
    formatVersion: 1,
    run: 'r1',
    seq: 3,
    time: '2026-01-02T03:04:05.678Z',
    type: 'node-progress',
    node: 'base/python#linux/amd64' as never,
    progress: { type: 'step', index: 1, of: 4, name: 'RUN pip install' },
  };

  it('takes events, and nothing else', () => {
    expect(eventSchema.safeParse(event).success).toBe(true);
    expect(eventSchema.safeParse({ ...event, more: 1 }).success).toBe(false);
    expect(eventSchema.safeParse({ ...event, time: 'yesterday' }).success).toBe(false);
  });
});

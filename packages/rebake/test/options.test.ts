/** Options of plugins, checked by any library that has the Standard Schema interface, or by none. */
import type { Timer } from '@rebake/engine';
import type { OptionsSchema } from '@rebake/sdk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkOptions } from '../src/plugins/options.ts';
import { HandTimer } from './hand-timer.ts';

const never: Timer = { after: () => () => {} };
const bounds = { signal: new AbortController().signal, timer: never };
const check = (schema: OptionsSchema<never>, value: unknown) => checkOptions(schema, value, bounds);

/** The same rules three times: an address, mirrors with a default, and how often something is tried. */
const zod = z.strictObject({
  host: z.string(),
  mirrors: z.array(z.strictObject({ url: z.url() })).default([]),
  tries: z.coerce.number().int().optional(),
});
const valibot = v.strictObject({
  host: v.string(),
  mirrors: v.optional(v.array(v.strictObject({ url: v.pipe(v.string(), v.url()) })), []),
  tries: v.optional(v.pipe(v.unknown(), v.transform(Number), v.integer())),
});
const asynchronous = v.pipeAsync(
  valibot,
  v.checkAsync(async ({ host }) => host !== 'nowhere', 'there is no such host'),
);
const own: OptionsSchema<unknown> = {
  '~standard': {
    version: 1,
    vendor: 'mine',
    validate: (value) => {
      const { host, mirrors = [], tries } = value as Record<string, unknown>;
      const urls = (mirrors as { url: string }[]).entries();
      const issues = [
        ...(typeof host === 'string' ? [] : [{ message: 'must be a text', path: ['host'] }]),
        ...[...urls].flatMap(([at, { url }]) =>
          URL.canParse(url) ? [] : [{ message: 'must be an address', path: [{ key: 'mirrors' }, { key: at }, 'url'] }],
        ),
      ];
      if (issues.length > 0) return { issues };
      return { value: { host, mirrors, ...(tries === undefined ? {} : { tries: Number(tries) }) } };
    },
  },
};

describe.each<[string, OptionsSchema<never>]>([
  ['zod', zod as never],
  ['valibot', valibot as never],
  ['valibot, asynchronously', asynchronous as never],
  ['hand', own as never],
])('options checked by %s', (_library, schema) => {
  it('are as the library gives them: with defaults, and of their types', async () => {
    expect(await check(schema, { host: 'here', tries: '3' })).toEqual({
      is: 'sound',
      value: { host: 'here', mirrors: [], tries: 3 },
    });
  });

  it('are refused with the path of each option', async () => {
    const checked = await check(schema, { host: 7, mirrors: [{ url: 'https://a.example.com' }, { url: 'b' }] });
    if (checked.is !== 'wrong') throw new Error(`they are ${checked.is}`);
    expect(checked.issues.map(({ path }) => path.join('.'))).toEqual(['host', 'mirrors.1.url']);
    for (const { message } of checked.issues) expect(message).not.toBe('');
  });
});

describe('a check of options', () => {
  const answering = (answer: unknown): OptionsSchema<never> =>
    ({ '~standard': { version: 1, vendor: 'mine', validate: () => answer } }) as never;

  it('may ask somebody', async () => {
    expect(await check(asynchronous as never, { host: 'nowhere' })).toEqual({
      is: 'wrong',
      issues: [{ path: [], message: 'there is no such host' }],
    });
  });

  it('takes any parts of a path, and texts that say nothing', async () => {
    const issues = [{ message: 'a', path: [Symbol('x'), { key: 2 }, null] }, { message: 7, path: 'x' }, null];
    expect(await check(answering({ issues }), {})).toEqual({
      is: 'wrong',
      issues: [
        { path: ['Symbol(x)', 2, 'null'], message: 'a' },
        { path: [], message: 'cannot be used' },
        { path: [], message: 'cannot be used' },
      ],
    });
    const many = { issues: Array.from({ length: 500 }, () => ({ message: 'a' })) };
    expect(await check(answering(many), {})).toMatchObject({ issues: { length: 20 } });
  });

  it('that gives nothing, or hangs, is broken', async () => {
    for (const answer of [null, 7, {}, { issues: null }, { issues: 'x' }, { issues: [] }])
      expect(await check(answering(answer), {})).toMatchObject({ is: 'broken' });
    const timer = new HandTimer();
    const hung = checkOptions(answering(new Promise(() => {})), {}, { ...bounds, timer });
    await timer.pass(30_000);
    expect(await hung).toEqual({
      is: 'broken',
      words: 'the check of its options failed: it took longer than 30 seconds',
    });
    expect(timer.pending).toBe(0);
  });

  it('that is interrupted is no fault of the plugin', async () => {
    const interruption = new AbortController();
    const hung = checkOptions(answering(new Promise(() => {})), {}, { signal: interruption.signal, timer: never });
    interruption.abort(new Error('Ctrl-C'));
    await expect(hung).rejects.toThrow('Ctrl-C');
    await expect(
      checkOptions(answering({ value: 1 }), {}, { signal: interruption.signal, timer: never }),
    ).rejects.toThrow('Ctrl-C');
  });
});

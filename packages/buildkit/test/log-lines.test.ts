/** What a process prints, as lines. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogLines } from '../src/log-lines.ts';

function lines(...chunks: (string | Uint8Array)[]): string[] {
  const log = new LogLines();
  return [...chunks.flatMap((chunk) => log.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)), ...log.end()];
}

describe('LogLines', () => {
  it('puts characters together that were cut in two, wherever that was', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-zé€\u{1F40B} ]{0,12}$/u)), fc.nat(9), (texts, size) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size + 1) chunks.push(bytes.subarray(at, at + size + 1));
        expect(lines(...chunks)).toEqual(texts);
      }),
    );
  });

  it('keeps a last line without an end, and an empty line', () => {
    expect(lines('a\n\nb')).toEqual(['a', '', 'b']);
    expect(lines('')).toEqual([]);
  });

  it('shows of a progress bar what a terminal would show last', () => {
    expect(lines('10 %\r50 %\r100 %\r\ndone\r\n')).toEqual(['100 %', 'done']);
  });

  it('takes out what would drive a terminal', () => {
    expect(lines('\u001B[31mred\u001B[0m\u0007\u001B]0;title\u0007\tx\n')).toEqual(['red\tx']);
  });

  it('replaces bytes that are no UTF-8', () => {
    expect(lines(Buffer.from([0x61, 0xff, 0x0a]))).toEqual(['a\uFFFD']);
  });

  it('cuts a line without end into pieces', () => {
    const found = lines('x'.repeat(20_000));
    expect(found.length).toBeGreaterThan(1);
    expect(found.join('')).toBe('x'.repeat(20_000));
  });
});

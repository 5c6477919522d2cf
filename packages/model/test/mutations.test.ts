import { createFileHasher } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { DIAGNOSTIC_KINDS, readDeclaration, type Declaration } from '../src/index.ts';
import { folder, type Folder } from './load-rig.ts';
import { mutant, SAMPLE_FILES, type Format, type Mutant } from './mutations-rig.ts';

const COUNT = 250;
const NAMES = { yaml: 'rebake.yaml', ts: 'rebake.config.ts' } as const;
const codes = new Set(DIAGNOSTIC_KINDS.map(({ code }) => code));

async function read(project: Folder, format: Format, { text }: Mutant): Promise<Declaration> {
  project.write({ [NAMES[format]]: text });
  return readDeclaration({
    file: NAMES[format],
    cwd: project.root,
    hasher: createFileHasher({ cacheFile: null, now: Date.now }),
    cacheDir: null,
  });
}

describe.each<Format>(['yaml', 'ts'])('declarations with one mutation each, as %s', (format) => {
  it(`never crash, name the mutated line in 95 %, and have at most 3 diagnostics (${COUNT} of them)`, async () => {
    using project = folder(SAMPLE_FILES);
    const missed: string[] = [];
    let told = 0;
    for (let seed = 1; seed <= COUNT; seed++) {
      const made = mutant(seed, format);
      const { diagnostics, expansion } = await read(project, format, made);
      const found = diagnostics.map(({ code, where, message }) => `${where?.line ?? '-'} ${code} ${message}`);
      expect(found.length, `${seed} ${made.what}\n${found.join('\n')}`).toBeLessThanOrEqual(3);
      for (const { code, message, help, where } of diagnostics) {
        expect(codes).toContain(code);
        // Nothing that a terminal would act on, or that would break a line.
        expect(message + help).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
        expect(where === null || (where.line > 0 && where.column > 0)).toBe(true);
      }
      if (!diagnostics.some(({ severity }) => severity === 'error')) expect(expansion).not.toBeNull();
      if (diagnostics.length === 0) continue;
      told++;
      if (!diagnostics.some(({ where }) => where !== null && made.lines.has(where.line))) {
        missed.push(`${seed} ${made.what} (${[...made.lines].join(', ')}): ${found.join('; ')}`);
      }
    }
    expect(told).toBeGreaterThan(COUNT / 2);
    expect(missed.length / told, missed.join('\n')).toBeLessThanOrEqual(0.05);
  }, 120_000);

  it('has no problem before it is mutated', async () => {
    using project = folder(SAMPLE_FILES);
    const plain = mutant(-1, format);
    expect(plain.text).not.toBe('');
    const { SAMPLE } = await import('./mutations-rig.ts');
    const text = format === 'yaml' ? JSON.stringify(SAMPLE) : `export default ${JSON.stringify(SAMPLE)};\n`;
    const { diagnostics, expansion } = await read(project, format, { what: 'none', text, lines: new Set() });
    expect(diagnostics).toEqual([]);
    expect(expansion?.nodes.length).toBeGreaterThan(5);
  });
});

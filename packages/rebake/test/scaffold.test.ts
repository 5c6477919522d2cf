/** A builder's source follows the contract that it is made from. */
import { describe, expect, it } from 'vitest';
import { builderSource } from '../src/scaffold/builder-source.ts';
import { readContract } from '../src/scaffold/contract.ts';

const CONTRACT = `
export interface Job { readonly key: string }
export interface Builder {
  /** Says what it can. */
  probe(ctx: Ctx): Promise<Capabilities>;
  /**
   * Squeezes an image,
   * as of a later contract.
   */
  squeeze(job: Job, how: { readonly hard: boolean; readonly to: Digest }): Promise<Output | null>;
}
`;

describe('a contract', () => {
  it('is read with its comments, its parameters and the types that it names', async () => {
    const [, squeeze] = await readContract(CONTRACT);
    expect(squeeze).toMatchObject({
      name: 'squeeze',
      parameters: [
        { name: 'job', type: 'Job' },
        { name: 'how', type: '{ readonly hard: boolean; readonly to: Digest }' },
      ],
      returns: 'Promise<Output | null>',
      types: ['Job', 'Digest', 'Output'],
    });
    expect(squeeze?.comment).toContain('Squeezes an image,');
  });

  it('that has grown gives a method that refuses, so that the class still has all of them', async () => {
    const source = builderSource(await readContract(CONTRACT), 'kiln', 'KilnBuilder');
    expect(source).toContain("throw failure('METHOD_UNSUPPORTED', 'never', 'kiln does not know squeeze');");
    expect(source).toMatch(/import type \{[^}]*\bDigest\b[^}]*\} from '@rebake\/sdk';/);
  });

  it('without a builder is no contract', async () => {
    await expect(readContract('export interface Other {}')).rejects.toThrow('declares no interface Builder');
  });
});

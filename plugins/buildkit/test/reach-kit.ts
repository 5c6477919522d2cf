/** What the tests of addresses share: what a daemon says through one, or what a builder would report. */
import { connectFailure, createDaemon } from '@rebake/buildkit';
import { expect } from 'vitest';
import { connectTo, parseAddress } from '../src/reach/index.ts';
import type { ReachOptions } from '../src/reach/index.ts';

/** What a daemon at an address says of itself, or the failure that a builder would report. */
export async function look(text: string, options: Partial<ReachOptions> = {}): Promise<unknown> {
  const address = parseAddress(text);
  if ('error' in address) throw new Error(address.error);
  const daemon = createDaemon(connectTo(address, { env: process.env, ...options }));
  try {
    return await daemon.info(new AbortController().signal);
  } catch (error) {
    const failure = connectFailure(error, text) as { error?: unknown };
    return failure.error ?? failure;
  } finally {
    await daemon.close();
  }
}

/** What a daemon says. */
export const ANSWERS = {
  version: expect.stringMatching(/^v?\d/),
  workers: [expect.objectContaining({ id: expect.anything() })],
};

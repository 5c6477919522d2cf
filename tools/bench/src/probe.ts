// Asks the engine's builder what it can do, so that a state which the instant builder fills is fresh for the real one.
import { tmpdir } from 'node:os';
import { plugin } from '@rebake/plugin-docker';
import type { Builder, Capabilities } from '@rebake/sdk';
import { context } from './context.ts';
import { builderOf } from './made-builders.ts';

/** The Docker builder for an engine at `host`. */
export async function dockerBuilder(host: string): Promise<Builder> {
  return builderOf(plugin, 'docker', { host }, tmpdir());
}

/** Capabilities of the engine at `host`. */
export async function probe(host: string, scratch: string): Promise<Capabilities> {
  const builder = await dockerBuilder(host);
  try {
    return await builder.probe(context(scratch));
  } finally {
    await builder.close();
  }
}

// Asks the engine's builder what it can do, so that a state which the instant builder fills is fresh for the real one.
import { tmpdir } from 'node:os';
import { plugin } from '@rebake/plugin-docker';
import type { Builder, Capabilities, Ctx } from '@rebake/sdk';

/** The Docker builder for an engine at `host`. */
export function dockerBuilder(host: string): Builder {
  const kind = plugin.builders['docker'];
  if (kind === undefined) throw new Error('the docker plugin brings no docker builder');
  return kind.create({ host } as never, { dir: tmpdir(), env: process.env });
}

/** Capabilities of the engine at `host`. */
export async function probe(host: string, scratch: string): Promise<Capabilities> {
  const builder = dockerBuilder(host);
  try {
    return await builder.probe(context(scratch));
  } finally {
    await builder.close();
  }
}

/** What a builder is called with outside of a run. */
export function context(scratch: string): Ctx {
  return {
    signal: new AbortController().signal,
    scratch,
    emit: () => {},
    secret: async () => null,
    credentials: async () => null,
    registry: (host) => ({ host }),
    now: Date.now,
  };
}

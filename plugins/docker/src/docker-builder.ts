/** The builder over one Docker engine: each method of the contract, put together from its parts. */
import { DOCKERFILE_CONTENTS } from '@rebake/image';
import { STEP_VERSIONS, BuildFailure } from '@rebake/image';
import type { Location, Output, Seen } from '@rebake/image';
import type { Builder, Ctx } from '@rebake/sdk';
import { build } from './build.ts';
import { Engine } from './engine.ts';
import { candidateName, failure, parseName, resolveDockerEndpoint } from '@rebake/sdk/building';
import type { DockerOptions } from './options.ts';
import { fetch, push } from './transfer.ts';
import type { NamesInUse } from './transfer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A builder over the engine that options and environment name. Nothing is opened before the first call. */
export function createDockerBuilder(options: DockerOptions, env: Environment): Builder {
  let opened: Engine | undefined;
  const engine = () => (opened ??= new Engine(resolveDockerEndpoint(options, env)));
  const inUse: NamesInUse = new Map();
  return {
    async probe({ signal }) {
      const { id, platform } = await engine().probe(signal);
      return {
        engine: id,
        contents: DOCKERFILE_CONTENTS,
        steps: Object.entries(STEP_VERSIONS).map(([name, version]) => `${name}@${version}`),
        platforms: [platform],
        reproducible: false,
      };
    },
    build: async (job, ctx) => build(engine(), job, ctx),
    fetch: async (image, key, ctx) => fetch(engine(), (await engine().info(ctx.signal)).id, image, key, ctx),
    push: async (image, to, ctx) => {
      // The first question to an engine also finds out whether its ids are identities.
      await engine().info(ctx.signal);
      return push(engine(), image, to, ctx, inUse);
    },
    async tag(image, name, { signal }) {
      const { id } = await engine().info(signal);
      await engine().tag(image.identity, parseName(name), signal);
      return { engine: id, name };
    },
    inspect: (at, ctx) => observe(() => look(engine(), at, ctx)),
    async remove(at, { signal }) {
      if ('registry' in at) throw elsewhere(at);
      const { id } = await engine().info(signal);
      // What was in an engine that is gone is gone with it.
      if (at.engine !== id) return;
      const { repository, tag } = parseName(at.name);
      await engine().untag(`${repository}:${tag}`, signal);
    },
    async close() {
      await opened?.close();
      opened = undefined;
    },
  };
}

/**
 * Looks for an image in this engine. A location in another engine is not here, and a no; what is in a registry is not to be seen from here,
 * and unknown.
 */
async function look(engine: Engine, at: Parameters<Builder['inspect']>[0], { signal }: Ctx): Promise<Output | null> {
  if ('registry' in at) throw elsewhere(at);
  const { id } = await engine.info(signal);
  if ('engine' in at && at.engine !== id) return null;
  const { repository, tag } = parseName('key' in at ? candidateName(at.key) : at.name);
  const name = `${repository}:${tag}`;
  const found = await engine.inspect(name, signal);
  return found && { identity: found.id, at: [{ engine: id, name }] };
}

function elsewhere(at: Extract<Location, { registry: string }>): BuildFailure {
  return failure(
    'LOCATION_ELSEWHERE',
    'elsewhere',
    `${at.registry}/${at.repository} is a registry's matter, not an engine's`,
  );
}

/** Null is no; a failure is unknown. Aborts and bugs reject. */
async function observe<T>(look: () => Promise<T | null>): Promise<Seen<T>> {
  try {
    const value = await look();
    return value === null ? { seen: 'no' } : { seen: 'yes', value };
  } catch (error) {
    if (error instanceof BuildFailure) return { seen: 'unknown', why: error.error };
    throw error;
  }
}

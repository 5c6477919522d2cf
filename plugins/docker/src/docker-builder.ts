/** The builder over one Docker engine: each method of the contract, put together from its parts. */
import { DOCKERFILE_CONTENTS, DOCKERFILE_STEPS } from '@rebake/image';
import type { Output } from '@rebake/image';
import type { Builder, Ctx } from '@rebake/sdk';
import { nameHere, observe, parseName, resolveDockerEndpoint } from '@rebake/sdk/building';
import { build } from './build.ts';
import { Engine } from './engine.ts';
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
        steps: DOCKERFILE_STEPS,
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
      const name = nameHere(at, (await engine().info(signal)).id);
      if (name !== null) await engine().untag(name, signal);
    },
    async close() {
      await opened?.close();
      opened = undefined;
    },
  };
}

/** Looks for an image in this engine. */
async function look(engine: Engine, at: Parameters<Builder['inspect']>[0], { signal }: Ctx): Promise<Output | null> {
  const { id } = await engine.info(signal);
  const name = nameHere(at, id);
  const found = name === null ? null : await engine.inspect(name, signal);
  return found && name !== null ? { identity: found.id, at: [{ engine: id, name }] } : null;
}

/** The builder over one Podman: each method of the contract, put together from its parts. */
import { DOCKERFILE_CONTENTS, DOCKERFILE_STEPS } from '@rebake/image';
import { nameHere, observe, parseName } from '@rebake/sdk/building';
import type { Builder, BuilderPlace } from '@rebake/sdk';
import { build } from './build.ts';
import { findDestination, thisMachine } from './destination.ts';
import { look } from './grounds.ts';
import type { PodmanOptions } from './options.ts';
import { Podman } from './podman.ts';
import { Service } from './service.ts';
import { fetch, push } from './transfer.ts';

/** A builder over the Podman that options, environment and the files of the `podman` command name. Nothing is opened before the first call. */
export function createPodmanBuilder(options: PodmanOptions, place: BuilderPlace): Builder {
  let opened: Promise<Podman> | undefined;
  const open = async () => new Podman(new Service(await findDestination(options, thisMachine(place.env)), place));
  const podman = (): Promise<Podman> => {
    const opening = (opened ??= open());
    // A file that was wrong may be right the next time.
    opening.catch(() => {
      if (opened === opening) opened = undefined;
    });
    return opening;
  };
  return {
    async probe({ signal }) {
      const { id, platform } = await (await podman()).probe(signal);
      return {
        engine: id,
        contents: DOCKERFILE_CONTENTS,
        steps: DOCKERFILE_STEPS,
        platforms: [platform],
        reproducible: false,
      };
    },
    build: async (job, ctx) => build(await podman(), job, ctx),
    fetch: async (image, key, ctx) => fetch(await podman(), image, key, ctx),
    push: async (image, to, ctx) => push(await podman(), image, to, ctx, place.env),
    async tag(image, name, { signal }) {
      const { id } = await (await podman()).info(signal);
      await (await podman()).tag(image.identity, parseName(name), signal);
      return { engine: id, name };
    },
    inspect: (at, ctx) => observe(async () => look(await podman(), at, ctx)),
    async remove(at, { signal }) {
      const { id } = await (await podman()).info(signal);
      const name = nameHere(at, id);
      if (name !== null) await (await podman()).untag(name, signal);
    },
    async close() {
      const before = opened;
      opened = undefined;
      await (await before?.catch(() => undefined))?.close();
    },
  };
}

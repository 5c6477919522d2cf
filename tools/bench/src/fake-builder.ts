// A builder that is done at once: fills states of any size without an engine. What it "builds" is a function of the key.
import { candidateTag, STEP_VERSIONS, type Digest, type Location } from '@rebake/image';
import type { Builder, Capabilities } from '@rebake/sdk';
import { loadImage, tinyImage } from './tiny-image.ts';

/** What a builder of this kind claims where nothing else is given. */
export const FAKE_CAPABILITIES: Capabilities = {
  engine: 'fake',
  contents: 'fake@1',
  steps: Object.entries(STEP_VERSIONS).map(([step, version]) => `${step}@${version}`),
  platforms: ['linux/amd64'],
  reproducible: true,
};

/**
 * Makes one. It says what `capabilities` say, so that a state which it filled is fresh for the builder that it stands in for; pushes go to
 * the registry at `url`, when there is one, with images of a few hundred bytes.
 */
export function fakeBuilder(capabilities: Capabilities = FAKE_CAPABILITIES, url: string | null = null): Builder {
  const engine = capabilities.engine;
  const here = (key: Digest): Location => ({ engine, name: `rebake/candidate:${candidateTag(key)}` });
  return {
    probe: async () => capabilities,
    build: async ({ key }) => ({ identity: tinyImage(key).identity, at: [here(key)] }),
    fetch: async (_image, key) => here(key),
    push: async (_image, { repository, key }) => {
      if (url === null) throw new Error('this fake builder has no registry');
      const image = tinyImage(key);
      await loadImage(url, image, repository, candidateTag(key));
      return image.manifestDigest;
    },
    tag: async (_image, name) => ({ engine, name }),
    inspect: async () => ({ seen: 'no' }),
    remove: async () => {},
    close: async () => {},
  };
}

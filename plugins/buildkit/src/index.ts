/** The plugin: the builder kind `buildkit`. Importing it loads nothing heavy; the first call on a builder does. */
import { defineBuilder, definePlugin } from '@rebake/sdk';
import { lazyBuilder } from '@rebake/sdk/building';
import { buildkitOptions } from './options-check.ts';

export type { BuildkitOptions, Cache, Compression, EndpointOptions, SshFiles } from './options.ts';

/** Brings the builder kind `buildkit`: one or several BuildKit daemons, with a store of images in a repository or on disk. Options: {@link BuildkitOptions}. */
export const plugin = definePlugin({
  name: 'buildkit',
  builders: {
    buildkit: defineBuilder({
      options: buildkitOptions,
      create: (settings, place) =>
        lazyBuilder(async () => (await import('./buildkit-builder.ts')).createBuildkitBuilder(settings, place)),
    }),
  },
});

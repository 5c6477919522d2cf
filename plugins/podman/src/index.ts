/** The plugin: the builder kind `podman`. Importing it loads nothing heavy; the first call on a builder does. */
import { defineBuilder, definePlugin } from '@rebake/sdk';
import { lazyBuilder } from '@rebake/sdk/building';
import { podmanOptions } from './options.ts';

export type { PodmanOptions, TlsFiles } from './options.ts';

/** Brings the builder kind `podman`: Podman, rootful or rootless, reached through its own API. Options: {@link PodmanOptions}. */
export const plugin = definePlugin({
  name: 'podman',
  builders: {
    podman: defineBuilder({
      options: podmanOptions,
      create: (options, place) =>
        lazyBuilder(async () => (await import('./podman-builder.ts')).createPodmanBuilder(options, place)),
    }),
  },
});

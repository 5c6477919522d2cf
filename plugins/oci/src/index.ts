/** The plugin: the builder kind `oci`, which needs no engine. Importing it loads nothing heavy; the first call on a builder does. */
import { defineBuilder, definePlugin } from '@rebake/sdk';
import { lazyBuilder } from '@rebake/sdk/building';
import { ociOptions } from './options.ts';

export type { OciOptions } from './options.ts';

/** Brings the builder kind `oci`: layers made in this process, images in an OCI layout on disk. Options: {@link OciOptions}. */
export const plugin = definePlugin({
  name: 'oci',
  builders: {
    oci: defineBuilder({
      options: ociOptions,
      create: (settings, place) =>
        lazyBuilder(async () => (await import('./oci-builder.ts')).createOciBuilder(settings, place)),
    }),
  },
});

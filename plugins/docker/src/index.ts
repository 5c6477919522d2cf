/** The plugin: the builder kind `docker`. Importing it loads nothing heavy; the first call on a builder does. */
import { defineBuilder, definePlugin } from '@rebake/sdk';
import { dockerOptions } from './options.ts';
import { lazyBuilder } from '@rebake/sdk/building';

export type { DockerOptions, SshFiles, TlsFiles } from './options.ts';

/** Brings the builder kind `docker`: a Docker engine, reached through its API. Options: {@link DockerOptions}. */
export const plugin = definePlugin({
  name: 'docker',
  builders: {
    docker: defineBuilder({
      options: dockerOptions,
      create: (options, { env }) =>
        lazyBuilder(async () => (await import('./docker-builder.ts')).createDockerBuilder(options, env)),
    }),
  },
});

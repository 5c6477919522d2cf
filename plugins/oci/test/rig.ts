/** The embedded builder, and the registries of the tests, as the conformance suite wants them. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openLayout } from '@rebake/image';
import type { Digest } from '@rebake/image';
import { lazyBuilder } from '@rebake/sdk/building';
import type { Rig } from '@rebake/sdk/testing';
import type { EnginesState } from '@rebake/tool-engines';
import type { OciOptions } from '../src/index.ts';
import { ociBuilder } from './kit.ts';

const NO_ENGINE = 'the builder is its own engine: there is none that could be away, or die';

/** A rig whose images and cache are below `folder`. */
export function ociRig(state: EnginesState, folder: string, options: OciOptions = {}): Rig {
  const { plain, auth, tls, token } = state.registries;
  const login = ({ address, username, password }: typeof auth) => ({ address, credentials: { username, password } });
  const layout = join(folder, 'layout');
  return {
    name: `oci with ${options.compression ?? 'gzip'}`,
    create: ({ dir }) =>
      lazyBuilder(async () => ociBuilder({ cache: join(folder, 'cache'), store: { layout }, ...options }, dir)),
    rootfs: { path: state.rootfs.path, digest: state.rootfs.digest as Digest },
    platform: 'linux/amd64',
    access: { network: 'default', secrets: {} },
    registries: {
      plain: { address: plain.address },
      auth: login(auth),
      tls: { ...login(tls), ca: tls.ca },
      token: login(token),
    },
    imagesApart: true,
    async leftovers() {
      const ingest = join(layout, '.rebake', 'ingest');
      const names = [...(await openLayout(layout).names()).keys()];
      const own = names.filter((name) => !name.startsWith('rebake/candidate:') && !name.startsWith('rebake/partial:'));
      return [...own, ...(existsSync(ingest) ? readdirSync(ingest) : [])];
    },
    without: {
      'unreachable/probe': NO_ENGINE,
      'unreachable/inspect': NO_ENGINE,
      'unreachable/calls': NO_ENGINE,
      'engine-dies/comes-back': NO_ENGINE,
    },
  };
}

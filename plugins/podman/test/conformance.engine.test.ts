/** What every builder does, on a real Podman, as root and as a user. */
import { describeEngine } from '@rebake/tool-engines/vitest';
import { testBuilder } from '@rebake/sdk/testing';
import { podmanRig } from './rig.ts';

const WORLD = ['rootfs', 'wheels', 'plain', 'auth', 'tls', 'token'] as const;

describeEngine('conformance, rootful', ['podman', ...WORLD], (state) => testBuilder(podmanRig(state, 'podman')));

describeEngine('conformance, rootless', ['podmanRootless', 'podman', ...WORLD], (state) =>
  testBuilder(podmanRig(state, 'podmanRootless')),
);

/** What every builder does, with both compressions. */
import { describeEngine } from '@rebake/tool-engines/vitest';
import { testBuilder } from '@rebake/sdk/testing';
import { temporaryFolder } from './kit.ts';
import { ociRig } from './rig.ts';

describeEngine('conformance', ['rootfs', 'plain', 'auth', 'tls', 'token'], (state) => {
  testBuilder(ociRig(state, temporaryFolder()));
  testBuilder(ociRig(state, temporaryFolder(), { compression: 'zstd' }));
});

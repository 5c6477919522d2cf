/** What every builder does, on a real daemon, with both places for images. */
import { describeEngine } from '@rebake/tool-engines/vitest';
import { testBuilder } from '@rebake/sdk/testing';
import { temporaryFolder } from './kit.ts';
import { layoutRig, repositoryRig } from './rig.ts';

describeEngine('conformance', ['buildkit', 'rootfs', 'wheels', 'plain', 'auth', 'tls', 'token'], (state) => {
  testBuilder(layoutRig(state, temporaryFolder()));
  testBuilder(repositoryRig(state));
});

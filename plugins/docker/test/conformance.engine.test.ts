/** What every builder does, on a real Docker engine. */
import { describeEngine } from '@rebake/tool-engines/vitest';
import { testBuilder } from '@rebake/sdk/testing';
import { dockerRig } from './rig.ts';

describeEngine('conformance', ['docker', 'rootfs', 'wheels', 'plain', 'auth', 'tls', 'token'], (state) => {
  testBuilder(dockerRig(state));
});

/** Which pre-push hooks a declaration has, and for which repositories. */
import { expect, it } from 'vitest';
import { declaration, rig } from './rig-expand.ts';

it('takes hooks of registries by where is pushed to, and those of configs for their own repositories', async () => {
  const { root, expansion, diagnostics } = await rig({
    'rebake.yaml': declaration({
      registries:
        '{ eu: { url: pull.example.com/dss, pushUrl: push.example.com/dss, prePush: { mode: custom, script: make.sh } }, us: { url: us.example.com } }',
      containerConfigs:
        '{ cpu: { engine: kubernetes, base: python, registry: eu }, quiet: { engine: kubernetes, base: python, registry: eu, repository: quiet, prePush: { mode: none } } }',
    }),
    'make.sh': '#!/bin/sh\n',
  });
  expect(diagnostics).toEqual([]);
  expect(expansion.prePush).toEqual([
    { registry: 'push.example.com', root: 'dss', under: 'dss', mode: 'custom', script: `${root}/make.sh` },
    { registry: 'push.example.com', root: 'dss', under: 'dss/quiet', mode: 'none', script: null },
  ]);
});

/** The example passes the suite that every builder passes. */
import { execFileSync } from 'node:child_process';
import type { BuilderPlace, Digest } from '@rebake/sdk';
import { testBuilder } from '@rebake/sdk/testing';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { plugin } from '../buildah.ts';

const kind = plugin.builders['buildah'];
if (kind === undefined) throw new Error('the example brings no builder buildah');

describeEngine('buildah', ['buildah', 'rootfs', 'plain', 'auth', 'tls', 'token', 'wheels'], (state) => {
  const create = (command: readonly string[], place: BuilderPlace) => kind.create({ command, env: {} } as never, place);
  const { cli } = state.buildah;
  const { plain, auth, tls, token } = state.registries;
  testBuilder({
    name: 'buildah',
    create: (place) => create(cli, place),
    unreachable: (place) => create(['/nowhere/buildah'], place),
    rootfs: { path: state.rootfs.path, digest: state.rootfs.digest as Digest },
    platform: 'linux/amd64',
    access: { secrets: {}, network: 'host' },
    registries: {
      plain: { address: plain.address },
      auth: { address: auth.address, credentials: { username: auth.username, password: auth.password } },
      tls: { address: tls.address, ca: tls.ca, credentials: { username: tls.username, password: tls.password } },
      token: { address: token.address, credentials: { username: token.username, password: token.password } },
    },
    leftovers: async () => {
      const ask = (...args: readonly string[]) =>
        execFileSync(cli[0] ?? '', [...cli.slice(1), ...args], { encoding: 'utf8' });
      const containers = ask('containers', '--quiet', '--notruncate').split('\n');
      const images = ask('images', '--format', '{{.Name}}:{{.Tag}}').split('\n');
      return [...containers, ...images].filter((line) => line !== '');
    },
    index: { url: state.wheels.indexUrl, requirement: 'tiny-a==1.1.0', module: 'tiny_a' },
    without: {
      'engine-dies/mid-build': 'Buildah is a command: there is no daemon that could die',
      'engine-dies/comes-back': 'Buildah is a command: there is no daemon that could die',
    },
  });
});

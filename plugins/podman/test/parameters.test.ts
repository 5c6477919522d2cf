/** A job in the words of libpod. */
import type { BuildAccess } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { parametersOf, secretsOf } from '../src/parameters.ts';
import { ctxOf } from './kit.ts';

function parameters(access: Partial<BuildAccess> = {}, platform: 'linux/amd64' | 'linux/arm64' = 'linux/amd64') {
  const job = { access: { secrets: {}, network: 'default', ...access } as const, platform };
  const context = { dockerfile: '.rebake.dockerfile', secrets: ['id=a,src=x'] };
  return parametersOf(job, { context, native: 'linux/amd64', fresh: false });
}

const json = (value: unknown): unknown => JSON.parse(String(value));

describe('parameters', () => {
  it('ask for an OCI image, of what is here, and leave nothing behind', () => {
    const { query } = parameters();
    expect(query).toMatchObject({
      outputformat: 'application/vnd.oci.image.manifest.v1+json',
      pullpolicy: 'never',
      layers: true,
      rm: true,
      forcerm: true,
      identitylabel: false,
      nocache: false,
    });
    expect(json(query['excludes'])).toEqual(['.rebake.dockerfile']);
    expect(json(query['secrets'])).toEqual(['id=a,src=x']);
  });

  it('name the platform only if it is not that of the machine', () => {
    expect(parameters().query).not.toHaveProperty('platform');
    expect(parameters({}, 'linux/arm64').query).toMatchObject({ platform: 'linux/arm64' });
  });

  it.each([
    ['default', 0, false],
    ['none', 1, false],
    ['host', 2, true],
  ] as const)('give the network %s', (network, networkmode, Host) => {
    const { query } = parameters({ network });
    expect(query['networkmode']).toBe(networkmode);
    expect(json(query['nsoptions'])).toEqual([{ Name: 'network', Host }]);
  });

  it('hand over proxies, and mark the processes of each build', () => {
    const proxy = { https: 'http://proxy.example.com:3128', no: 'localhost' };
    const { query, mark } = parameters({ proxy });
    expect(json(query['buildargs'])).toEqual({
      HTTPS_PROXY: proxy.https,
      https_proxy: proxy.https,
      NO_PROXY: 'localhost',
      no_proxy: 'localhost',
    });
    expect(json(query['extrahosts'])).toEqual([`${mark}:127.0.0.1`]);
    const offline = parameters({ network: 'none' });
    expect(json(offline.query['buildargs'])).toEqual({ NO_PROXY: offline.mark });
    expect(offline.mark).not.toBe(mark);
  });
});

describe('secrets', () => {
  const dockerfile = [
    'FROM x',
    'RUN --mount=type=secret,id=ca,target=/x cat /x',
    'RUN --mount=id="pip-conf",type=secret true',
    'RUN --mount=type=bind,source=id=other true',
  ].join('\n');
  const file = import.meta.filename;

  it('are those that the Dockerfile mounts, and that there are', async () => {
    const secrets = { ca: { file }, 'pip-conf': { file }, other: { file }, unused: { file } };
    const found = await secretsOf({ secrets, network: 'host' }, dockerfile, ctxOf());
    expect(found.map(({ id }) => id)).toEqual(['ca', 'pip-conf']);
    const none = await secretsOf(
      { secrets: { ca: { env: 'X', optional: true } }, network: 'host' },
      dockerfile,
      ctxOf(),
    );
    expect(none).toEqual([]);
  });

  it.each(['a,src=/etc/passwd', 'a b', '', '../a'])('cannot be called %j', async (id) => {
    const access: BuildAccess = { secrets: { [id]: { file } }, network: 'host' };
    await expect(secretsOf(access, dockerfile, ctxOf())).rejects.toMatchObject({ error: { code: 'SPEC_INVALID' } });
  });
});

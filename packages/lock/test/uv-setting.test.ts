/** What pip's configuration and the declaration mean for uv. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPipSettings } from '../src/pip/settings.ts';
import type { IndexAccess } from '../src/types.ts';
import { uvPlatform, uvSetting, type UvSetting } from '../src/uv/environment.ts';
import { place, type Place } from './places.ts';

const NO_ACCESS: IndexAccess = { pipConfig: null, ca: null };

async function setting(
  home: Place,
  env: Readonly<Record<string, string>>,
  access: Partial<IndexAccess> = {},
): Promise<UvSetting> {
  const whole = { XDG_CONFIG_DIRS: '/nowhere', PIP_CONFIG_FILE: '/dev/null', HOME: home.dir, ...env };
  const pip = await readPipSettings({ env: whole, home: home.dir, first: access.pipConfig ?? null });
  return uvSetting(whole, pip, { ...NO_ACCESS, ...access }, home.dir);
}

describe('the setting of uv', () => {
  it('has what pip is told, in uv’s words', async () => {
    using home = place();
    const { env, args, several, hasStrategy } = await setting(home, {
      PIP_INDEX_URL: 'https://u:p@one.example.com/simple',
      PIP_EXTRA_INDEX_URL: 'https://two.example.com/simple https://three.example.com/simple',
      PIP_FIND_LINKS: '/opt/wheels https://links.example.com',
      PIP_TRUSTED_HOST: 'one.example.com two.example.com:81',
      PIP_PROXY: 'http://proxy.example.com:3128',
      PIP_CERT: '/certs/all.pem',
      PIP_CLIENT_CERT: '/certs/me.pem',
      PIP_TIMEOUT: '12.5',
      PIP_KEYRING_PROVIDER: 'subprocess',
      PIP_PRE: '1',
      PIP_NO_BINARY: 'lxml,numpy',
      PIP_ONLY_BINARY: 'scipy',
    });
    expect(env).toMatchObject({
      UV_DEFAULT_INDEX: 'https://u:p@one.example.com/simple',
      UV_INDEX: 'https://two.example.com/simple https://three.example.com/simple',
      UV_FIND_LINKS: '/opt/wheels,https://links.example.com',
      UV_INSECURE_HOST: 'one.example.com two.example.com:81',
      UV_KEYRING_PROVIDER: 'subprocess',
      UV_HTTP_TIMEOUT: '13',
      UV_PYTHON_DOWNLOADS: 'never',
      HTTPS_PROXY: 'http://proxy.example.com:3128',
      http_proxy: 'http://proxy.example.com:3128',
      SSL_CERT_FILE: '/certs/all.pem',
      SSL_CLIENT_CERT: '/certs/me.pem',
    });
    expect(args).toEqual([
      '--prerelease',
      'allow',
      '--no-binary',
      'lxml',
      '--no-binary',
      'numpy',
      '--only-binary',
      'scipy',
    ]);
    expect({ several, hasStrategy }).toEqual({ several: true, hasStrategy: false });
    // Logins go by the environment only: arguments are seen by every user of a machine.
    expect(args.join(' ')).not.toContain('example.com');
  });

  it('leaves what the user tells uv', async () => {
    using home = place();
    const pip = {
      PIP_INDEX_URL: 'https://pip.example.com/simple',
      PIP_PROXY: 'http://pip.example.com:1',
      PIP_NO_INDEX: '1',
    };
    const own = {
      UV_INDEX_URL: 'https://uv.example.com/simple',
      UV_INDEX_STRATEGY: 'first-index',
      HTTPS_PROXY: 'http://own.example.com:1',
    };
    const { env, args } = await setting(home, { ...pip, ...own });
    expect(env).toMatchObject(own);
    expect(env['UV_DEFAULT_INDEX']).toBeUndefined();
    expect(args).toEqual([]);

    home.write(
      '.config/uv/uv.toml',
      'index-strategy = "first-index"\n[[index]]\nurl = "https://toml.example.com/simple"\n',
    );
    const configured = await setting(home, pip);
    expect(configured.env).not.toHaveProperty('UV_DEFAULT_INDEX');
    expect(configured.hasStrategy).toBe(true);
  });

  it('has what the declaration names before all else', async () => {
    using home = place();
    const bundle = home.write('own.pem', 'OWN');
    const { env } = await setting(
      home,
      {
        UV_INDEX: 'https://uv.example.com/simple',
        SSL_CERT_FILE: bundle,
        HTTPS_PROXY: 'http://own.example.com:1',
        PIP_CERT: '/none',
      },
      {
        pipConfig: '[global]\nindex-url = https://declared.example.com/simple\n',
        ca: Buffer.from('DECLARED'),
        proxy: { https: 'http://declared.example.com:1', no: 'example.com' },
      },
    );
    expect(env).toMatchObject({
      UV_DEFAULT_INDEX: 'https://declared.example.com/simple',
      UV_INDEX: undefined,
      HTTPS_PROXY: 'http://declared.example.com:1',
      https_proxy: 'http://declared.example.com:1',
      no_proxy: 'example.com',
    });
    expect(readFileSync(env['SSL_CERT_FILE'] ?? '', 'utf8')).toBe('OWN\nDECLARED\n');
  });

  it('trusts whom the system trusts, when nobody says whom', async () => {
    using home = place();
    expect((await setting(home, {})).env).toMatchObject({ UV_SYSTEM_CERTS: 'true' });
    expect((await setting(home, { SSL_CERT_DIR: '/certs' })).env).not.toHaveProperty('UV_SYSTEM_CERTS');
    expect((await setting(home, { REQUESTS_CA_BUNDLE: '/b.pem' })).env).toMatchObject({ SSL_CERT_FILE: '/b.pem' });
  });

  it.each([
    ['linux/amd64', '2.36', 'x86_64-manylinux_2_36'],
    ['linux/arm64', '2.30', 'aarch64-manylinux_2_28'],
    ['linux/amd64', '2.41', 'x86_64-manylinux_2_40'],
    ['linux/amd64', '2.12', 'x86_64-manylinux_2_17'],
  ] as const)('calls %s with glibc %s %s', (platform, glibc, name) => {
    expect(uvPlatform(platform, glibc)).toBe(name);
  });
});

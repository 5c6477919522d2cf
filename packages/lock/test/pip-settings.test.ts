/** What is read of pip's configuration: the dialect of its files, and the order of its places. */
import { describe, expect, it } from 'vitest';
import { readPipConfig } from '../src/pip/config.ts';
import { readPipSettings } from '../src/pip/settings.ts';
import { place } from './places.ts';

/** No file of this machine is read: those of the system have a place of their own, and weigh least. */
const NOWHERE = { XDG_CONFIG_DIRS: '/nowhere', PIP_CERT: '/none' };

describe('a file of pip', () => {
  it('is read as configparser reads it', () => {
    const values = readPipConfig(
      [
        '# comment',
        '[global]',
        'Index_URL = https://u:p%40;#x@pypi.example.com/simple ',
        'extra-index-url :',
        '    https://one.example.com/simple',
        '    # not this one',
        '    https://two.example.com/simple',
        '',
        'trusted-host=pypi.example.com',
        '[install]',
        'no-index',
        'pre = yes',
      ].join('\r\n'),
    );
    expect([...values]).toEqual([
      ['global.index-url', 'https://u:p%40;#x@pypi.example.com/simple'],
      ['global.extra-index-url', 'https://one.example.com/simple\nhttps://two.example.com/simple'],
      ['global.trusted-host', 'pypi.example.com'],
      ['install.pre', 'yes'],
    ]);
  });

  it('that is none gives nothing', () => {
    expect(readPipConfig('index-url = https://x.example.com\n\u0000')).toEqual(new Map());
  });
});

describe('settings', () => {
  it('come from all places, the strongest last', async () => {
    using home = place({
      'xdg/pip/pip.conf': '[global]\nindex-url = https://system.example.com\ntimeout = 7\n',
      '.pip/pip.conf': '[global]\nindex-url = https://old.example.com\nno-binary = a,b\n',
      '.config/pip/pip.conf': '[global]\nindex-url = https://user.example.com\nproxy = http://proxy.example.com:1\n',
      'venv/pip.conf': '[global]\nfind-links = https://links.example.com/a\n',
    });
    const env = { XDG_CONFIG_DIRS: home.path('xdg'), PIP_CERT: '/none' };
    const settings = await readPipSettings({ env, home: home.dir, first: null });
    expect(settings).toMatchObject({
      indexUrl: 'https://user.example.com',
      proxy: 'http://proxy.example.com:1',
      noBinary: ['a', 'b'],
      timeout: 7,
      findLinks: [],
    });
    const more = { ...env, VIRTUAL_ENV: home.path('venv'), PIP_INDEX_URL: 'https://variable.example.com' };
    expect(await readPipSettings({ env: more, home: home.dir, first: null })).toMatchObject({
      indexUrl: 'https://variable.example.com',
      findLinks: ['https://links.example.com/a'],
    });
    const first = '[global]\nindex-url = https://declared.example.com\n[install]\ntimeout = 9\n';
    expect(await readPipSettings({ env: more, home: home.dir, first })).toMatchObject({
      indexUrl: 'https://declared.example.com',
      timeout: 9,
      proxy: 'http://proxy.example.com:1',
    });
  });

  it('of a section for installing go before those for everything', async () => {
    using home = place({
      '.pip/pip.conf': '[install]\nindex-url = https://install.example.com\n',
      '.config/pip/pip.conf': '[global]\nindex-url = https://global.example.com\n[freeze]\ntimeout = 1\n',
    });
    expect(await readPipSettings({ env: NOWHERE, home: home.dir, first: null })).toMatchObject({
      indexUrl: 'https://install.example.com',
      timeout: null,
    });
  });

  it('of a file that a variable names stand in for those of the user; none at all with /dev/null', async () => {
    using home = place({
      'own.conf': '[global]\nextra-index-url = https://a.example.com https://b.example.com\n',
      '.config/pip/pip.conf': '[global]\nindex-url = https://user.example.com\n',
    });
    const env = {
      ...NOWHERE,
      PIP_CONFIG_FILE: home.path('own.conf'),
      PIP_TRUSTED_HOST: 'a.example.com b.example.com:8443',
    };
    expect(await readPipSettings({ env, home: home.dir, first: null })).toMatchObject({
      indexUrl: null,
      extraIndexUrls: ['https://a.example.com', 'https://b.example.com'],
      trustedHosts: ['a.example.com', 'b.example.com:8443'],
    });
    const none = { ...NOWHERE, PIP_CONFIG_FILE: '/dev/null', PIP_NO_INDEX: '1', PIP_PRE: 'no' };
    expect(await readPipSettings({ env: none, home: home.dir, first: null })).toMatchObject({
      indexUrl: null,
      noIndex: true,
      pre: false,
    });
  });
});

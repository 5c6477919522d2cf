/** Logins: where they are looked for, and to whom they are given. */
import { describe, expect, it } from 'vitest';
import { pipLogins } from '../src/index.ts';
import { readNetrc } from '../src/pip/netrc.ts';
import { place } from './places.ts';

const ENV = { XDG_CONFIG_DIRS: '/nowhere', PIP_CONFIG_FILE: '/dev/null' };

describe('netrc', () => {
  it('is read: several on a line, quotes, comments, macros, a default', () => {
    const logins = readNetrc(
      [
        '# machine no.example.com login a password b',
        'machine One.example.com login a password b machine two.example.com',
        '  login "c d"',
        '  account x',
        '  password #e"f # a comment',
        'macdef init',
        'machine three.example.com login x password y',
        '',
        'machine one.example.com login late password late',
        'machine four.example.com login lonely',
        'default login any password body',
      ].join('\n'),
    );
    expect(Object.fromEntries(logins)).toEqual({
      'one.example.com': { username: 'a', password: 'b' },
      'two.example.com': { username: 'c d', password: '#e"f' },
      '': { username: 'any', password: 'body' },
    });
  });
});

describe('a login', () => {
  it('is that in the address of an index, for its origin only, by the nearest path', async () => {
    using home = place();
    const login = pipLogins({
      env: {
        ...ENV,
        HOME: home.dir,
        PIP_INDEX_URL: 'https://one:p%40ss@pypi.example.com/one/simple',
        PIP_EXTRA_INDEX_URL: 'https://two:pw@pypi.example.com/two/simple/ https://token@other.example.com:8443/simple',
      },
      pipConfig: null,
    });
    const of = async (url: string): Promise<unknown> => login(new URL(url));
    expect(await of('https://pypi.example.com/one/simple/six/')).toEqual({ username: 'one', password: 'p@ss' });
    expect(await of('https://pypi.example.com/two/files/six.whl')).toEqual({ username: 'two', password: 'pw' });
    expect(await of('https://pypi.example.com/files/six.whl')).toEqual({ username: 'one', password: 'p@ss' });
    expect(await of('http://pypi.example.com/one/simple/six/')).toBeNull();
    expect(await of('https://pypi.example.com:444/one/simple/six/')).toBeNull();
    expect(await of('https://sub.pypi.example.com/one/simple/six/')).toBeNull();
    expect(await of('https://other.example.com:8443/simple/six/')).toBeNull();
  });

  it('is in what the declaration names, in uv’s variables, and in netrc', async () => {
    using home = place({ '.netrc': 'machine files.example.com login n password r\ndefault login any password body\n' });
    const login = pipLogins({
      env: {
        ...ENV,
        HOME: home.dir,
        UV_INDEX: 'acme-one=https://uv.example.com/simple',
        UV_INDEX_ACME_ONE_USERNAME: 'ua',
        UV_INDEX_ACME_ONE_PASSWORD: 'ub',
        UV_DEFAULT_INDEX: 'https://d:e@default.example.com/simple',
      },
      pipConfig: '[global]\nindex-url = https://x:y@declared.example.com/simple\n',
    });
    const of = async (url: string): Promise<unknown> => login(new URL(url));
    expect(await of('https://declared.example.com/six.whl')).toEqual({ username: 'x', password: 'y' });
    expect(await of('https://uv.example.com/six.whl')).toEqual({ username: 'ua', password: 'ub' });
    expect(await of('https://default.example.com/six.whl')).toEqual({ username: 'd', password: 'e' });
    expect(await of('https://files.example.com/six.whl')).toEqual({ username: 'n', password: 'r' });
    expect(await of('https://unknown.example.com/six.whl')).toEqual({ username: 'any', password: 'body' });
  });

  it('is asked of the keyring where pip would ask it, and of nobody where it is off', async () => {
    using home = place();
    home.write('bin/keyring', '#!/bin/sh\n[ "$1 $2 $3" = "get pypi.example.com me" ] || exit 1\necho sesame\n', 0o755);
    const env = {
      ...ENV,
      HOME: home.dir,
      PATH: `${home.path('bin')}:/bin:/usr/bin`,
      PIP_INDEX_URL: 'https://me@pypi.example.com/simple',
    };
    const asked = pipLogins({ env: { ...env, PIP_KEYRING_PROVIDER: 'subprocess' }, pipConfig: null });
    expect(await asked(new URL('https://pypi.example.com/simple/six/'))).toEqual({
      username: 'me',
      password: 'sesame',
    });
    expect(await asked(new URL('https://other.example.com/'))).toBeNull();
    expect(await pipLogins({ env, pipConfig: null })(new URL('https://pypi.example.com/simple/six/'))).toBeNull();
  });
});

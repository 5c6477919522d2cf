/** Locks from a company's index: who asks with which login, what of it is repeated, and which versions are taken. Real uv, real servers. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPipSettings } from '../src/pip/settings.ts';
import { findUv, type LockOutcome } from '../src/index.ts';
import { lockedText, locking, lockOf, versionsOf, type Locking } from './locking.ts';
import { place } from './places.ts';
import { PASSWORD, privateIndex, USER, type PrivateIndex } from './private-index.ts';

const home = place();
let index: PrivateIndex;
let uv: string;

beforeAll(async () => {
  index = await privateIndex();
  for (const version of ['1.0.0', '1.1.0', '2.0.0']) index.wheel('main', { name: 'tiny_a', version });
  index.wheel('main', { name: 'tiny_b', version: '1.0.0', requires: ['tiny-a'] });
  index.wheel('main', { name: 'tiny_c', version: '1.0.0', requires: ['tiny-a<2'] });
  index.wheel('main', { name: 'tiny_pre', version: '1.0.0' });
  index.wheel('main', { name: 'tiny_pre', version: '2.0.0rc1' });
  index.wheel('main', { name: 'pip', version: '26.0' });
  index.wheel('extra', { name: 'tiny_a', version: '1.5.0' });
  index.wheel('extra', { name: 'tiny_x', version: '3.0.0' });
  index.sdist('main', 'pure_source', '1.0');
  index.sdist('main', 'native_source', '1.0');
  // The uv of this machine, or one from its own index; asked for once.
  await using own = locking(home.path('uv-cache'), process.env);
  const pip = await readPipSettings({ env: process.env, home: null, first: null });
  ({ path: uv } = await findUv({
    ...own,
    env: process.env,
    signal: new AbortController().signal,
    log: () => undefined,
    pip,
  }));
});
afterAll(async () => {
  await index[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

let count = 0;

/** A user of the index: nothing of this machine's configuration, and a home of its own. */
function user(env: Readonly<Record<string, string>> = {}, access: Parameters<typeof locking>[2] = {}): Locking {
  const own = home.path(`home-${++count}`);
  const base = {
    PATH: process.env['PATH'] ?? '',
    HOME: own,
    PIP_CONFIG_FILE: '/dev/null',
    REBAKE_UV: uv,
    UV_CACHE_DIR: home.path('uv-own'),
    HTTPS_PROXY: index.proxy,
    SSL_CERT_FILE: index.caFile,
  };
  return locking(`${own}-cache`, { ...base, ...env }, access);
}

/** No login is in what came out. */
function expectNoLogin(text: string): void {
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), 'ss/w@rd', 'w%40rd', `${USER}:`, '@index'])
    expect(text).not.toContain(secret);
}

describe('an index behind a proxy, with an authority and a password of its own', () => {
  it('is used as the declaration says, and the lock tells nothing of it but where files are', async () => {
    await using own = user(
      { HTTPS_PROXY: '', SSL_CERT_FILE: '' },
      {
        pipConfig: `[global]\nindex-url = ${index.urlWithLogin('main')}\n`,
        ca: index.ca,
        proxy: { https: index.proxy },
      },
    );
    const outcome = await own.python(['tiny-b']);
    expect(versionsOf(outcome)).toEqual(['pip 26.0', 'tiny-a 2.0.0', 'tiny-b 1.0.0']);
    const text = lockedText(outcome);
    expectNoLogin(text);
    expect(text).not.toContain(home.dir);
    expect(index.tunnels).toContain(index.host);

    // What the lock names is then fetched with the same login.
    const [file] = lockOf(outcome).packages.find(({ name }) => name === 'tiny-b')?.wheels ?? [];
    if (file === undefined) throw new Error('tiny-b has no wheel');
    expect(file.url).toBe(`https://${index.host}/main/files/tiny_b-1.0.0-py3-none-any.whl`);
    await own.download.blob({ ...file, name: file.name }, new AbortController().signal);
    expect(await own.cache.has(file.digest)).toBeGreaterThan(0);
  });

  it('is used as pip is set up: variables, a file, netrc', async () => {
    await using variables = user({ PIP_INDEX_URL: index.urlWithLogin('main') });
    const first = lockedText(await variables.python(['tiny-b']));

    // In the user's own place: a file that a variable names is weaker than that of the machine.
    const config = home.write(
      'netrc-home/.config/pip/pip.conf',
      `[global]\nindex-url =\n  ${index.url('main')}\ncert = ${index.caFile}\nproxy = ${index.proxy}\n`,
    );
    await using files = user({
      PIP_CONFIG_FILE: '',
      HOME: config.slice(0, config.indexOf('/.config')),
      HTTPS_PROXY: '',
      SSL_CERT_FILE: '',
      NETRC: home.write('netrc', `machine index.example.com login ${USER} password ${PASSWORD}\n`),
    });
    expect(lockedText(await files.python(['tiny-b']))).toBe(first);

    await using uvs = user({
      UV_DEFAULT_INDEX: index.urlWithLogin('main'),
      PIP_INDEX_URL: 'https://nobody.example.com/simple',
    });
    expect(lockedText(await uvs.python(['tiny-b']))).toBe(first);
  });

  it('that refuses is told in words that hold no login', async () => {
    const wrong = index.urlWithLogin('main').replace(`${USER}:`, `${USER}:wrong-`);
    await using own = user({ PIP_INDEX_URL: wrong });
    const outcome = await own.python(['tiny-b']);
    if (outcome.ok) throw new Error('it was locked');
    expect(outcome.words).toMatch(/401|nauthorized|authentication/i);
    expectNoLogin(outcome.words);
    expect(outcome.words).not.toContain('wrong-');
    // Of several as well, where uv itself would not say so.
    await using both = user({
      PIP_INDEX_URL: index.urlWithLogin('main'),
      PIP_EXTRA_INDEX_URL: wrong.replace('/main/', '/extra/'),
    });
    expect(await both.python(['tiny-x'])).toMatchObject({
      ok: false,
      words: expect.stringMatching(/could not be queried.*401/) as string,
    });
  });

  it('that is not trusted is told in words', async () => {
    await using own = user({
      PIP_INDEX_URL: index.urlWithLogin('main'),
      SSL_CERT_FILE: home.write('no.pem', readFileSync(index.caFile, 'utf8').replaceAll(/^[A-Z].*$/gm, '')),
      UV_HTTP_RETRIES: '0',
    });
    const outcome = await own.python(['tiny-b']);
    expect(outcome).toMatchObject({ ok: false, why: 'failed', words: expect.stringContaining(index.host) as string });
  });

  it('and others together give the best version of all, as pip has it', async () => {
    await using own = user({
      PIP_INDEX_URL: index.urlWithLogin('main'),
      PIP_EXTRA_INDEX_URL: index.urlWithLogin('extra'),
    });
    expect(versionsOf(await own.python(['tiny-b', 'tiny-x']))).toEqual([
      'pip 26.0',
      'tiny-a 2.0.0',
      'tiny-b 1.0.0',
      'tiny-x 3.0.0',
    ]);
    await using byLine = user({ PIP_INDEX_URL: index.urlWithLogin('main') });
    const line = `--extra-index-url ${index.url('extra')}`;
    expect(versionsOf(await byLine.python([line, 'tiny-a<2']))).toEqual(['pip 26.0', 'tiny-a 1.5.0']);
    // An index of the lines stands in for the configured ones, with the login that the user has for its address.
    const instead = `--index-url ${index.url('extra')}`;
    expect(versionsOf(await byLine.python([instead, 'tiny-a'], { wanted: WITH_PIP }))).toEqual(['tiny-a 1.5.0']);
    await using first = user({
      PIP_INDEX_URL: index.urlWithLogin('main'),
      PIP_EXTRA_INDEX_URL: index.urlWithLogin('extra'),
      UV_INDEX_STRATEGY: 'first-index',
    });
    expect(versionsOf(await first.python(['tiny-b']))).toEqual(['pip 26.0', 'tiny-a 1.5.0', 'tiny-b 1.0.0']);
  });
});

/** So that no pip is asked for. */
const WITH_PIP = { requirements: { pip: `sha256:${'0'.repeat(64)}` } } as const;

describe('versions', () => {
  const env = (): Readonly<Record<string, string>> => ({ PIP_INDEX_URL: index.urlWithLogin('main') });

  it('stay as they are locked as long as they fit, until somebody asks for newer ones', async () => {
    await using own = user(env());
    const old = lockedText(await own.python(['tiny-a<1.1']));
    expect(versionsOf(await own.python(['tiny-a'], { existing: old }))).toEqual(['pip 26.0', 'tiny-a 1.0.0']);
    expect(versionsOf(await own.python(['tiny-a>=1.1'], { existing: old }))).toEqual(['pip 26.0', 'tiny-a 2.0.0']);
    const with_b = lockedText(await own.python(['tiny-a', 'tiny-b'], { existing: old }));
    expect(with_b).toContain('tiny_a-1.0.0');
    expect(versionsOf(await own.python(['tiny-a', 'tiny-b'], { existing: with_b, upgrade: ['tiny-b'] }))).toContain(
      'tiny-a 1.0.0',
    );
    expect(versionsOf(await own.python(['tiny-a', 'tiny-b'], { existing: with_b, upgrade: ['tiny-a'] }))).toContain(
      'tiny-a 2.0.0',
    );
    expect(versionsOf(await own.python(['tiny-a', 'tiny-b'], { existing: with_b, upgrade: 'everything' }))).toContain(
      'tiny-a 2.0.0',
    );
    // The same wish on its own lock is the same text, also where nothing of this one is.
    expect(lockedText(await own.python(['tiny-a', 'tiny-b'], { existing: with_b }))).toBe(with_b);
    await using other = user(env());
    expect(lockedText(await other.python(['tiny-a', 'tiny-b'], { existing: with_b }))).toBe(with_b);
    // A lock that nobody can read is as good as none.
    expect(versionsOf(await own.python(['tiny-a'], { existing: '<<<<<<< HEAD' }))).toEqual([
      'pip 26.0',
      'tiny-a 2.0.0',
    ]);
  });

  it('that are asked for by options and addresses are those', async () => {
    await using own = user(env());
    expect(versionsOf(await own.python(['tiny-pre']))).toContain('tiny-pre 1.0.0');
    expect(versionsOf(await own.python(['--pre', '--prefer-binary', 'tiny-pre']))).toContain('tiny-pre 2.0.0rc1');
    expect(
      versionsOf(
        await own.python(['pip==26.0', 'tiny-a'], { wanted: { requirements: { pip: `sha256:${'0'.repeat(64)}` } } }),
      ),
    ).toContain('pip 26.0');
    const address = `https://${index.host}/main/files/tiny_a-1.1.0-py3-none-any.whl`;
    const outcome = await own.python([`tiny-a @ ${address}`, 'tiny-b']);
    expect(lockOf(outcome).packages.find(({ name }) => name === 'tiny-a')).toMatchObject({
      direct: true,
      version: '1.1.0',
      sdist: null,
      wheels: [{ url: address }],
    });
  });

  it('that cannot be had together are explained by the resolver, for that set alone', async () => {
    await using own = user(env());
    const [bad, good]: readonly LockOutcome[] = await Promise.all([
      own.python(['tiny-a>=2', 'tiny-c']),
      own.python(['tiny-c']),
    ]);
    expect(bad).toMatchObject({
      ok: false,
      why: 'unresolvable',
      words: expect.stringMatching(/tiny-c depend on tiny-a<2/) as string,
    });
    expect((bad as { words: string }).words).not.toContain(home.dir);
    expect(versionsOf(good as LockOutcome)).toEqual(['pip 26.0', 'tiny-a 1.1.0', 'tiny-c 1.0.0']);
  });

  it('that are there as source only are looked at: which need a compiler is in the lock', async () => {
    await using own = user(env());
    const outcome = await own.python(['pure-source', 'native-source', 'tiny-a']);
    expect(own.sources.map(({ name }) => name)).toEqual(['native-source', 'pure-source']);
    expect(lockOf(outcome).compiles).toEqual(['native-source']);
    // What is known to need one is not tried again.
    own.sources.length = 0;
    const again = await own.python(['pure-source', 'native-source', 'tiny-a'], { existing: lockedText(outcome) });
    expect(lockedText(again)).toBe(lockedText(outcome));
    expect(own.sources.map(({ name }) => name)).toEqual(['pure-source']);
  });
});

describe('a folder of this machine', () => {
  it('is as good as an index that has the same files, and no place for a lock otherwise', async () => {
    const folder = home.path('wheels');
    home.write(
      'wheels/tiny_a-2.0.0-py3-none-any.whl',
      readFileSync(index.wheel('main', { name: 'tiny_a', version: '2.0.0' })),
    );
    await using own = user({ PIP_INDEX_URL: index.urlWithLogin('main'), PIP_FIND_LINKS: folder });
    const text = lockedText(await own.python(['tiny-a']));
    expect(text).not.toMatch(/file:|wheels\/tiny/);
    expect(text).toContain(`https://${index.host}/main/files/tiny_a-2.0.0`);

    home.write(
      'wheels/tiny_local-1.0.0-py3-none-any.whl',
      readFileSync(index.wheel('local', { name: 'tiny_local', version: '1.0.0' })),
    );
    await using local = user({ PIP_INDEX_URL: index.urlWithLogin('main'), PIP_FIND_LINKS: folder });
    expect(await local.python(['tiny-local'])).toEqual({
      ok: false,
      why: 'unresolvable',
      words:
        'the package tiny-local has no files but those in a folder of this machine (find-links), and a lock has to be good on other machines, too: put them on an index',
    });
  });
});

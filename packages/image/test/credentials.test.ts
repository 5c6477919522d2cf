// Logins from a docker config: entries, helpers, and everything that can be wrong with either.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuildFailure, createCredentialStore, type CredentialStore } from '../src/index.ts';

let directory: string;
const HOST = 'registry.example:5000';
const SECRET = 's3cret';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rebake-credentials-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function store(config?: unknown): CredentialStore {
  if (config !== undefined)
    writeFileSync(join(directory, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return createCredentialStore({
    configDir: directory,
    env: { PATH: `${directory}:/usr/bin:/bin`, CALLS: join(directory, 'calls') },
  });
}

/** A helper that is a shell script; it notes each call. */
function helper(name: string, body: string): void {
  const script = `#!/bin/sh\nread -r host\necho "$1 $host" >> "$CALLS"\n${body}\n`;
  writeFileSync(join(directory, `docker-credential-${name}`), script, { mode: 0o755 });
}

const calls = (): string[] => readFileSync(join(directory, 'calls'), 'utf8').split('\n').slice(0, -1);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BuildFailure) return `${error.error.code}: ${error.error.words}`;
    throw error;
  }
  return 'fine';
}

describe('entries of the config', () => {
  it('give a user and a password, which may hold colons', async () => {
    const login = store({ auths: { [HOST]: { auth: base64('me:a:b') } } });
    expect(await login(HOST)).toEqual({ username: 'me', password: 'a:b' });
    expect(await login('other.example')).toBeNull();
  });

  it('give an identity token, which goes before a password', async () => {
    const entry = { auth: base64('me:'), identitytoken: 'refresh' };
    expect(await store({ auths: { [HOST]: entry } })(HOST)).toEqual({ identityToken: 'refresh' });
  });

  it('may name addresses, as old clients do; the host itself goes first', async () => {
    const old = { auth: base64('old:x') };
    expect(await store({ auths: { [`https://${HOST}/v1/`]: old } })(HOST)).toEqual({ username: 'old', password: 'x' });
    const both = { [HOST]: { username: 'new', password: 'y' }, [`https://${HOST}/v1/`]: old };
    expect(await store({ auths: both })(HOST)).toEqual({ username: 'new', password: 'y' });
  });

  it('may be empty, and the whole file missing', async () => {
    expect(await store({ auths: { [HOST]: {} } })(HOST)).toBeNull();
    expect(await store({})(HOST)).toBeNull();
    rmSync(join(directory, 'config.json'));
    expect(await store()(HOST)).toBeNull();
  });

  it.each([
    ['no JSON', `{"auths": {"x": {"auth": "${SECRET}`],
    ['a list', '[]'],
    ['odd auths', { auths: [] }],
    ['an odd entry', { auths: { [HOST]: SECRET } }],
    ['a login that is none', { auths: { [HOST]: { auth: SECRET } } }],
    ['an odd helper', { credHelpers: { [HOST]: 1 } }],
    ['an odd store', { credsStore: {} }],
    ['a helper with a path', { credHelpers: { [HOST]: '../../bin/sh' } }],
  ])('with %s are an error that quotes no secret', async (_, config) => {
    const words = await failure(store(config)(HOST));
    expect(words).toMatch(/^CREDENTIALS_CONFIG: /);
    expect(words).not.toContain(SECRET);
  });

  it('are found by $DOCKER_CONFIG, else in the home directory', async () => {
    store({ auths: { [HOST]: { username: 'one', password: 'x' } } });
    expect(await createCredentialStore({ env: { DOCKER_CONFIG: directory } })(HOST)).toMatchObject({ username: 'one' });
    mkdirSync(join(directory, '.docker'));
    writeFileSync(
      join(directory, '.docker/config.json'),
      JSON.stringify({ auths: { [HOST]: { username: 'two', password: 'x' } } }),
    );
    expect(await createCredentialStore({ env: { HOME: directory } })(HOST)).toMatchObject({ username: 'two' });
  });
});

describe('credential helpers', () => {
  const answer = (username: string): string =>
    `echo '{"ServerURL": "x", "Username": "${username}", "Secret": "${SECRET}"}'`;

  it('are asked for their host, once', async () => {
    helper('mine', answer('me'));
    helper('store', answer('other'));
    const login = store({ credHelpers: { [HOST]: 'mine' }, credsStore: 'store' });
    const expected = { username: 'me', password: SECRET };
    expect(await Promise.all([login(HOST), login(HOST)])).toEqual([expected, expected]);
    expect(await login('other.example')).toEqual({ username: 'other', password: SECRET });
    expect(calls()).toEqual([`get ${HOST}`, 'get other.example']);
  });

  it('may give an identity token', async () => {
    helper('mine', answer('<token>'));
    expect(await store({ credsStore: 'mine' })(HOST)).toEqual({ identityToken: SECRET });
  });

  it('may hold nothing, and then the entries count', async () => {
    helper('mine', 'echo "credentials not found in native keychain"; exit 1');
    expect(await store({ credsStore: 'mine' })(HOST)).toBeNull();
    const auths = { [HOST]: { username: 'me', password: 'x' } };
    expect(await store({ credsStore: 'mine', auths })(HOST)).toMatchObject({ username: 'me' });
  });

  it.each([
    ['fail', 'echo "no\\033[31m session" >&2; exit 3', /^CREDENTIALS_HELPER_FAILED: .*exit code 3: no \[31m session$/],
    ['answer no JSON', `echo ${SECRET}`, /^CREDENTIALS_HELPER_FAILED: .*not JSON/],
    ['answer something else', `echo '{"Secret": "${SECRET}"}'`, /^CREDENTIALS_HELPER_FAILED: .*not JSON/],
    ['end by a signal', 'kill -9 $$', /^CREDENTIALS_HELPER_FAILED: .*SIGKILL/],
    ['never stop talking', 'exec yes', /^CREDENTIALS_HELPER_FAILED: .*more than/],
    ['end without reading', 'exec < /dev/null; exit 2', /exit code 2/],
  ])('that %s are an error that quotes no secret', async (_, body, words) => {
    helper('mine', body);
    const login = store({ credsStore: 'mine' });
    const failed = await failure(login(HOST));
    expect(failed).toMatch(words);
    expect(failed).not.toContain(SECRET);
    helper('mine', answer('me'));
    expect(await login(HOST)).toMatchObject({ username: 'me' });
  });

  it('that are missing are named', async () => {
    const words = await failure(store({ credHelpers: { [HOST]: 'absent' } })(HOST));
    expect(words).toBe(
      `CREDENTIALS_HELPER_MISSING: docker-credential-absent, which the docker config names for ${HOST}, is not on the PATH`,
    );
  });
});

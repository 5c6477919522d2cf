// What an index has to be before it is believed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xz } from '@napi-rs/lzma';
import type { DebianMirror } from '@rebake/image';
import * as pgp from 'openpgp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { resolveDebian } from '../src/index.ts';
import { failureOf, machine, packagesText, sha256, type DebSpec, type Machine } from './make.ts';

const URL = 'http://mirror.example.com/debian';
const NOW = Date.UTC(2026, 10, 25);
const wish = { suite: 'bookworm', architecture: 'amd64', packages: ['hello'], installed: [] } as const;
const hello: DebSpec = { name: 'hello', fields: { Depends: 'libhello (>= 1)' } };
const libhello: DebSpec = { name: 'libhello', version: '1:2.0-1' };

let folder: string;
let keys: { readonly ours: pgp.PrivateKey; readonly theirs: pgp.PrivateKey };
let mirror: DebianMirror;
let on: Machine;
let clock = NOW;

async function newKey(name: string): Promise<pgp.PrivateKey> {
  const date = new Date(NOW - 1000 * 86_400_000);
  const made = await pgp.generateKey({ userIDs: [{ name }], format: 'object', date });
  return made.privateKey;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rebake-keys-'));
  keys = { ours: await newKey('ours'), theirs: await newKey('theirs') };
  await writeFile(join(folder, 'ours.gpg'), keys.ours.toPublic().write());
  await writeFile(join(folder, 'ours.asc'), keys.ours.toPublic().armor());
  await writeFile(join(folder, 'broken.gpg'), 'no key');
  mirror = { url: URL, keyring: join(folder, 'ours.gpg') };
});
afterAll(async () => rm(folder, { recursive: true }));
beforeEach(async () => {
  clock = NOW;
  on = await machine(() => clock);
});
afterEach(async () => on.close());

interface Made {
  readonly dist?: string;
  readonly codename?: string;
  readonly date?: number;
  readonly validUntil?: number;
  readonly hasByHash?: boolean;
  readonly specs?: readonly DebSpec[];
  readonly key?: pgp.PrivateKey;
  readonly change?: (text: string) => string;
}

/** Puts a suite on the mirror. */
async function publish(made: Made = {}): Promise<void> {
  const { dist = 'bookworm', codename = dist, date = NOW - 86_400_000, validUntil, hasByHash = true } = made;
  const packed = await xz.compress(Buffer.from(packagesText(made.specs ?? [hello, libhello])));
  const path = 'main/binary-amd64/Packages.xz';
  const lines = [
    'Origin: Debian',
    `Suite: ${codename}`,
    `Codename: ${codename}`,
    `Date: ${new Date(date).toUTCString()}`,
    ...(validUntil === undefined ? [] : [`Valid-Until: ${new Date(validUntil).toUTCString()}`]),
    ...(hasByHash ? ['Acquire-By-Hash: yes'] : []),
    'Components: main',
    'SHA256:',
    ` ${sha256(packed)} ${packed.length} ${path}`,
  ];
  const message = await pgp.createCleartextMessage({ text: `${lines.join('\n')}\n` });
  const signed = await pgp.sign({ message, signingKeys: made.key ?? keys.ours, date: new Date(date) });
  const root = `${URL}/dists/${dist}`;
  on.files.set(`${root}/InRelease`, Buffer.from(made.change === undefined ? signed : made.change(signed)));
  on.files.set(hasByHash ? `${root}/main/binary-amd64/by-hash/SHA256/${sha256(packed)}` : `${root}/${path}`, packed);
}

const resolved = async (): Promise<unknown> => resolveDebian(wish, mirror, on.means);

describe('an index', () => {
  test('is verified, read, and fetched no more while it is the same', async () => {
    await publish();
    const result = await resolveDebian(wish, mirror, on.means);
    expect(result).toMatchObject({
      ok: true,
      packages: [
        { name: 'hello', version: '1.0', path: 'pool/main/h/hello/hello_1.0_amd64.deb' },
        { name: 'libhello', version: '1:2.0-1' },
      ],
    });
    const before = on.asked.length;
    expect(await resolveDebian(wish, mirror, on.means)).toEqual(result);
    expect(on.asked.slice(before)).toEqual([
      `${URL}/dists/bookworm/InRelease`,
      `${URL}/dists/bookworm-updates/InRelease`,
    ]);
  });

  test('may be one of a mirror without by-hash, and be checked with an armored key', async () => {
    await publish({ hasByHash: false });
    expect(await resolveDebian(wish, { ...mirror, keyring: join(folder, 'ours.asc') }, on.means)).toMatchObject({
      ok: true,
    });
  });

  test('comes with that of updates and of security, and the newest version wins', async () => {
    await publish();
    await publish({ dist: 'bookworm-updates', specs: [{ ...libhello, version: '1:2.0-2' }] });
    await publish({ dist: 'bookworm-security', specs: [{ ...libhello, version: '1:2.0-1+deb12u1' }] });
    const result = await resolveDebian(wish, { ...mirror, security: URL }, on.means);
    expect(result).toMatchObject({ ok: true, packages: [{ name: 'hello' }, { version: '1:2.0-2' }] });
  });

  test('of which a byte was changed is refused', async () => {
    await publish({ change: (text) => text.replace('Components: main', 'Components: mean') });
    expect(await failureOf(resolved())).toMatchObject({ code: 'DEBIAN_INDEX_INVALID' });
  });

  test('with text around what is signed is read only as far as it is signed', async () => {
    const evil = `SHA256:\n ${'0'.repeat(64)} 1 main/binary-amd64/Packages.xz\n`;
    await publish({ change: (text) => `${evil}${text}${evil}` });
    expect(await resolved()).toMatchObject({ ok: true, packages: [{ name: 'hello' }, { name: 'libhello' }] });
  });

  test('signed by a key that is not in the keyring is refused, and the keyring is named', async () => {
    await publish({ key: keys.theirs });
    const { code, words } = await failureOf(resolved());
    expect(code).toBe('DEBIAN_INDEX_INVALID');
    expect(words).toContain('ours.gpg');
    expect(words).toContain(`${URL}/dists/bookworm/InRelease`);
  });

  test('without a signature is refused', async () => {
    await publish({ change: () => 'Codename: bookworm\n' });
    expect(await failureOf(resolved())).toMatchObject({ code: 'DEBIAN_INDEX_INVALID' });
  });

  test('that is cut off is refused', async () => {
    await publish({ change: (text) => text.slice(0, -200) });
    expect(await failureOf(resolved())).toMatchObject({ code: 'DEBIAN_INDEX_INVALID' });
  });

  test('of another suite is refused', async () => {
    await publish({ codename: 'bullseye' });
    const { code, words } = await failureOf(resolved());
    expect({ code, words }).toMatchObject({ code: 'DEBIAN_INDEX_INVALID' });
    expect(words).toContain('is the index of bullseye');
  });

  test('that has expired is refused, also when it was verified before', async () => {
    await publish({ validUntil: NOW + 1000 });
    expect(await resolved()).toMatchObject({ ok: true });
    clock = NOW + 2000;
    const { code, words } = await failureOf(resolved());
    expect(code).toBe('DEBIAN_INDEX_INVALID');
    expect(words).toContain('has expired');
  });

  test('that is older than the one before is refused', async () => {
    await publish({ date: NOW - 1000 });
    expect(await resolved()).toMatchObject({ ok: true });
    await publish({ date: NOW - 86_400_000 });
    const { code, words } = await failureOf(resolved());
    expect(code).toBe('DEBIAN_INDEX_INVALID');
    expect(words).toContain('went back in time');
  });

  test('whose list of packages is another one is refused', async () => {
    await publish();
    for (const url of on.files.keys()) if (url.includes('by-hash')) on.files.set(url, Buffer.from('other'));
    expect(await failureOf(resolved())).toMatchObject({ code: 'DEBIAN_INDEX_INVALID' });
  });

  test('of a suite that the mirror has not is missed in words', async () => {
    const { code, words } = await failureOf(resolved());
    expect(code).toBe('DEBIAN_INDEX_INVALID');
    expect(words).toContain('the mirror has no suite bookworm');
  });

  test('cannot be checked with a keyring that is missing or broken', async () => {
    await publish();
    for (const name of ['missing.gpg', 'broken.gpg']) {
      const { code, words } = await failureOf(
        resolveDebian(wish, { ...mirror, keyring: join(folder, name) }, on.means),
      );
      expect(code).toBe('DEBIAN_INDEX_INVALID');
      expect(words).toContain(name);
    }
  });
});

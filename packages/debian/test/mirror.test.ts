// What is read of the settings of apt.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { machineMirror } from '../src/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rebake-apt-'));
});
afterEach(async () => rm(folder, { recursive: true }));

async function mirrorOf(files: Readonly<Record<string, string>>): Promise<unknown> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return machineMirror({ REBAKE_APT_DIR: folder });
}

test('a machine without apt has no mirror', async () => {
  expect(await machineMirror({ REBAKE_APT_DIR: join(folder, 'nothing') })).toBeNull();
});

test('sources of one line are read, with options, comments and other archives beside them', async () => {
  const mirror = await mirrorOf({
    'sources.list': [
      '# deb http://old.example.com/debian bookworm main',
      'deb-src http://mirror.example.com/debian bookworm main',
      'deb [arch=amd64] https://docker.example.com/linux/debian bookworm stable',
      'deb [arch=amd64 signed-by=/etc/keys/mirror.gpg] http://mirror.example.com/debian/ bookworm main contrib # ours',
      'deb http://mirror.example.com/debian-security bookworm-security main',
    ].join('\n'),
  });
  expect(mirror).toEqual({
    url: 'http://mirror.example.com/debian',
    security: 'http://mirror.example.com/debian-security',
    keyring: '/etc/keys/mirror.gpg',
    components: ['contrib', 'main'],
  });
});

test('sources of deb822 are read; Debian’s own keyring is not named, since suites have their own', async () => {
  const mirror = await mirrorOf({
    'sources.list.d/node.sources': 'Types: deb\nURIs: https://node.example.com\nSuites: nodistro\nComponents: main\n',
    'sources.list.d/debian.sources': [
      'Types: deb deb-src',
      '# a comment',
      'URIs: http://mirror.example.com/debian/',
      'Suites: bookworm',
      '  bookworm-updates',
      'Components: main',
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
      '',
      'Types: deb',
      'URIs: http://mirror.example.com/debian-security',
      'Suites: bookworm-security',
      'Components: main',
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
    ].join('\n'),
  });
  expect(mirror).toEqual({
    url: 'http://mirror.example.com/debian',
    security: 'http://mirror.example.com/debian-security',
  });
});

test('what is turned off, has its key in itself, or is of another distribution is no mirror', async () => {
  const stanza = (more: string): string =>
    `Types: deb\nURIs: http://mirror.example.com/debian\nComponents: main\n${more}\n`;
  for (const more of [
    'Suites: bookworm\nEnabled: no',
    'Suites: bookworm\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n x',
    'Suites: jammy',
    'Suites: bookworm-pgdg',
  ]) {
    expect(await mirrorOf({ 'sources.list.d/a.sources': stanza(more) })).toBeNull();
  }
});

test('trust without a signature changes nothing: the index is verified all the same', async () => {
  const mirror = await mirrorOf({
    'sources.list': 'deb [trusted=yes] http://mirror.example.com/debian bookworm main\n',
  });
  expect(mirror).toEqual({ url: 'http://mirror.example.com/debian' });
});

test('a file with addresses of mirrors is followed', async () => {
  const list = join(folder, 'mirrors.list');
  const mirror = await mirrorOf({
    'mirrors.list': '# ours\nhttp://mirror.example.com/debian/\tpriority:1\n',
    'sources.list.d/a.sources': `Types: deb\nURIs: mirror+file://${list}\nSuites: trixie\nComponents: main\n`,
  });
  expect(mirror).toEqual({ url: 'http://mirror.example.com/debian' });
});

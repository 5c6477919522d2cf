/** The mirror that this machine itself uses. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Env } from '@rebake/cache';
import type { DebianMirror } from '@rebake/image';
import { DEBIAN_KEYRINGS } from '../index/keys.ts';
import { parseDeb822, parseOneLine, type Source } from './sources.ts';

const APT = '/etc/apt';

/** Suites of Debian's own archive; others may have a `main`, too. */
const SUITE =
  /^(?:buster|bullseye|bookworm|trixie|forky|duke|sid|(?:old){0,2}stable|testing|unstable)(?:-updates|-security|\/updates)?$/;

/**
 * Where apt of this machine takes Debian's packages from: `sources.list` and `sources.list.d` below `/etc/apt` (`REBAKE_APT_DIR` names another
 * folder). Null where there is no such source. A keyring is named where it is not Debian's own, for which suites have keys of their own. What
 * apt is told to trust without a signature is not trusted here.
 */
export async function machineMirror(env: Env): Promise<DebianMirror | null> {
  const folder = env['REBAKE_APT_DIR'] || APT;
  const sources = (await readSources(folder)).filter(
    ({ url, suites, components }) =>
      /^(?:https?|file):\/\/?/.test(url) && components.includes('main') && suites.some((suite) => SUITE.test(suite)),
  );
  const main = sources.find(({ suites }) => suites.some((suite) => SUITE.test(suite) && !isSecurity(suite)));
  if (main === undefined) return null;
  const security = sources.find(({ suites }) => suites.some((suite) => SUITE.test(suite) && isSecurity(suite)));
  const keyring = main.signedBy?.startsWith(`${DEBIAN_KEYRINGS}/debian-archive-`) === true ? null : main.signedBy;
  const components = main.components.toSorted();
  return {
    url: main.url,
    ...(security === undefined ? {} : { security: security.url }),
    ...(keyring === null ? {} : { keyring }),
    ...(components.length === 1 ? {} : { components }),
  };
}

function isSecurity(suite: string): boolean {
  return suite.endsWith('-security') || suite.endsWith('/updates');
}

async function readSources(folder: string): Promise<readonly Source[]> {
  const names = await readdir(join(folder, 'sources.list.d')).catch((): string[] => []);
  const files = ['sources.list', ...names.toSorted().map((name) => join('sources.list.d', name))];
  const all = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(folder, file), 'utf8').catch(() => '');
      if (file.endsWith('.list')) return parseOneLine(text);
      return file.endsWith('.sources') ? parseDeb822(text) : [];
    }),
  );
  return Promise.all(all.flat().map(followList));
}

/** Debian's images for clouds name a file with addresses in place of an address. */
async function followList(source: Source): Promise<Source> {
  const file = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(source.url)?.[1];
  if (file === undefined) return source;
  const text = await readFile(file, 'utf8').catch(() => '');
  const url = /^\s*((?:https?|file):\S+)/m.exec(text)?.[1];
  return { ...source, url: url?.replace(/\/+$/, '') ?? '' };
}

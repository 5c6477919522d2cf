/** Locks of real sets of packages from this machine's own index, by a uv that is found or fetched, and on a machine that has no Python at all. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { machineMirror } from '@rebake/debian';
import { parseDebianLock, wheelFits, debianLockDigest } from '@rebake/image/locks';
import { indexAddresses } from '../src/pip/indexes.ts';
import { readPipSettings } from '../src/pip/settings.ts';
import { lockedText, locking, lockOf } from './locking.ts';
import { place } from './places.ts';

const home = place();
afterAll(() => home[Symbol.dispose]());

/** Beside the checkout, where there is one: what plugins of the public catalogue ask for. */
const FLEET = new URL('../../../../shared/fleet/', import.meta.url);
/** The ones that can be installed on Python 3.11; else lists of the same kind. */
const SETS = new Map<string, readonly string[]>([
  ['generalized-linear-models', ['flask==2.2.5', 'glum==3.1.2', 'scikit-learn==1.4.2', 'statsmodels==0.14.6']],
  ['dataiku-pulse', ['pandas>=2,<3', 'requests', 'sqlalchemy<3']],
  ['gutenberg', ['beautifulsoup4', 'lxml']],
]);

function lines(name: string): readonly string[] {
  try {
    const text = readFileSync(new URL(`${name}/requirements.txt`, FLEET), 'utf8');
    return text
      .split(/\r?\n/)
      .map((line) => line.replace(/\s+#.*$/, '').trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  } catch {
    return SETS.get(name) ?? [];
  }
}

const TARGET = { interpreter: '3.11', platform: 'linux/amd64', glibc: '2.36' } as const;
const texts = new Map<string, string>();

describe('versions that run today', () => {
  it('are those of a first lock, of no later one, and give way where they do not fit', async () => {
    await using own = locking(home.path('cache'), process.env);
    let unfit = 0;
    const pins = (...pinned: string[]) => ({ lines: pinned, onUnfit: () => void (unfit += 1) });
    const versions = (outcome: Parameters<typeof lockOf>[0]) =>
      Object.fromEntries(lockOf(outcome).packages.map(({ name, version }) => [name, version]));
    const first = await own.python(['requests'], { wanted: TARGET, pins: pins('requests==2.31.0', 'idna==3.6') });
    expect(versions(first)).toMatchObject({ requests: '2.31.0', idna: '3.6' });
    const later = { wanted: TARGET, existing: lockedText(first), pins: pins('idna==3.4') };
    expect(versions(await own.python(['requests'], later))).toMatchObject({ requests: '2.31.0', idna: '3.6' });
    expect(unfit).toBe(0);
    const other = await own.python(['requests>=2.32'], { wanted: TARGET, pins: pins('requests==2.31.0', 'idna==3.6') });
    expect(versions(other)['requests']).not.toBe('2.31.0');
    expect(unfit).toBe(1);
  });
});

describe('sets of a fleet', () => {
  it.each([...SETS.keys()])('%s: every file by hash, none that cannot fit, nothing of this machine', async (name) => {
    await using own = locking(home.path('cache'), process.env);
    const asked = lines(name);
    const outcome = await own.python(asked, { wanted: TARGET });
    const text = lockedText(outcome);
    texts.set(name, text);
    const { packages, madeFrom } = lockOf(outcome);
    expect(packages.length).toBeGreaterThan(asked.length / 2);
    expect(packages.map((one) => one.name)).toContain('pip');
    expect(madeFrom).toMatchObject(TARGET);
    for (const { wheels, sdist } of packages) {
      expect(wheels.length + (sdist === null ? 0 : 1)).toBeGreaterThan(0);
      for (const wheel of wheels) expect(wheelFits(wheel.name, TARGET)).toBe(true);
    }
    for (const here of [home.dir, process.cwd(), process.env['HOME'] ?? home.dir])
      expect(text).not.toContain(`${here}/`);
    // The same again changes nothing.
    expect(lockedText(await own.python(asked, { wanted: TARGET, existing: text }))).toBe(text);
  });

  it('resolve for another machine, too', async () => {
    await using own = locking(home.path('cache'), process.env);
    const wanted = { interpreter: '3.9', platform: 'linux/arm64', glibc: '2.28' } as const;
    const { packages } = lockOf(await own.python(['numpy'], { wanted }));
    const [wheel] = packages.find(({ name }) => name === 'numpy')?.wheels ?? [];
    expect(wheel?.name).toMatch(/cp39.*aarch64/);
  });
});

describe('a machine with neither uv nor Python', () => {
  it('locks the same, with both fetched', async () => {
    const signal = new AbortController().signal;
    const pip = await readPipSettings({ env: process.env, home: process.env['HOME'] ?? null, first: null });
    const [index = ''] = await indexAddresses(pip, process.env, signal);
    const env: Record<string, string | undefined> = {
      HOME: home.path('bare'),
      PATH: home.path('empty'),
      PIP_INDEX_URL: index,
    };
    for (const name of ['SSL_CERT_FILE', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY']) env[name] = process.env[name];
    mkdirSync(home.path('empty'));
    await using own = locking(home.path('bare-cache'), env);
    const [name = ''] = SETS.keys();
    const before = readdirSync(home.path('empty'));
    expect(lockedText(await own.python(lines(name), { wanted: TARGET, existing: texts.get(name) ?? null }))).toBe(
      texts.get(name),
    );
    expect(before).toEqual([]);
    expect(own.log).toEqual([expect.stringMatching(/^fetching uv /), expect.stringMatching(/^fetching Python /)]);
    // Once: it is in the cache.
    await using again = locking(home.path('bare-cache'), {
      ...env,
      PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
      UV_DEFAULT_INDEX: index,
    });
    // Of this one there is only a source archive, which has to be run to know what it needs.
    expect(lockOf(await again.python(['docopt==0.6.2'])).packages.map(({ name }) => name)).toEqual(['docopt', 'pip']);
    expect(again.sources.map(({ name }) => name)).toEqual(['docopt']);
    expect(again.log).toEqual([expect.stringMatching(/^fetching Python /)]);
  });
});

describe('Debian packages', () => {
  it('are locked as a whole system, and on top of one, without a word of the mirror', async () => {
    await using own = locking(home.path('cache'), process.env);
    const base = { suite: 'bookworm', architecture: 'amd64', mirror: null } as const;
    const system = lockedText(await own.locker.debian({ ...base, packages: ['ca-certificates', 'tzdata'], below: [] }));
    const parsed = parseDebianLock(system);
    if (!parsed.ok) throw new Error(parsed.message);
    const names = parsed.lock.packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['base-files', 'bash', 'ca-certificates', 'libc6', 'tzdata']));
    const mirror = await machineMirror(process.env);
    expect(system).not.toContain(new URL(mirror?.url ?? 'https://mirror.example.com').host);
    expect(
      lockedText(await own.locker.debian({ ...base, packages: ['tzdata', 'ca-certificates', 'tzdata'], below: [] })),
    ).toBe(system);

    const more = lockedText(await own.locker.debian({ ...base, packages: ['libgomp1', 'tzdata'], below: [system] }));
    const top = parseDebianLock(more);
    if (!top.ok) throw new Error(top.message);
    const added = top.lock.packages.map(({ name }) => name);
    expect(added).toContain('libgomp1');
    expect(added.filter((name) => names.includes(name))).toEqual([]);
    expect(top.lock.madeFrom.below).toBe(debianLockDigest(parsed.lock));
    expect(await own.locker.debian({ ...base, packages: ['no-such-package-zzz'], below: [] })).toMatchObject({
      ok: false,
      why: 'unresolvable',
      words: expect.stringContaining('no-such-package-zzz') as string,
    });
  });
});

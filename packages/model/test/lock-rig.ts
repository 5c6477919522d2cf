/** Locks for tests, made when they run: of packages that exist nowhere. */
import { digestOfBytes } from '@rebake/image';
import { debianLockText, type LockedDeb, type MadeFrom } from '@rebake/image/locks';
import type { Lockable, LockableDebian, LockablePython } from '../src/contract.ts';

/** How a lock is written. */
export interface Written {
  readonly host?: string;
  readonly reversed?: boolean;
  readonly compiles?: readonly string[];
  /** Null: by another tool. */
  readonly madeFrom?: MadeFrom | null;
}

/** A `pylock.toml` with these versions, by name. */
export function pylock(packages: Readonly<Record<string, string>>, written: Written = {}): string {
  const { host = 'files.example.com', reversed = false, compiles = [], madeFrom = null } = written;
  const names = Object.keys(packages).toSorted();
  const entries = (reversed ? names.toReversed() : names).map((name) => {
    const version = packages[name] ?? '';
    const file = `${name}-${version}-py3-none-any.whl`;
    const hash = digestOfBytes(`${name} ${version}`).slice('sha256:'.length);
    return `[[packages]]
name = "${name}"
version = "${version}"
wheels = [{ name = "${file}", url = "https://${host}/${file}", size = 1000, hashes = { sha256 = "${hash}" } }]
`;
  });
  const own =
    madeFrom === null
      ? ''
      : `[tool.rebake]
interpreter = "${madeFrom.interpreter}"
platform = "${madeFrom.platform}"
glibc = "${madeFrom.glibc}"
compiles = ${JSON.stringify(compiles)}

[tool.rebake.requirements]
${Object.entries(madeFrom.requirements)
  .map(([name, digest]) => `"${name}" = "${digest}"\n`)
  .join('')}`;
  return `lock-version = "1.0"\ncreated-by = "a test"\n\n${entries.join('\n')}\n${own}`;
}

/** A Debian lock with these versions, by name. */
export function debianLock(
  packages: Readonly<Record<string, string>>,
  { suite, platform, packages: wanted }: Pick<LockableDebian, 'suite' | 'platform' | 'packages'>,
  below: ReturnType<typeof digestOfBytes> | null = null,
): string {
  const architecture = platform === 'linux/amd64' ? 'amd64' : 'arm64';
  return debianLockText({ packages: debs(packages), madeFrom: { suite, architecture, wanted, below } });
}

/** The packages of such a lock. */
export function debs(packages: Readonly<Record<string, string>>): LockedDeb[] {
  return Object.entries(packages).map(([name, version]) => ({
    name,
    version,
    architecture: 'all',
    path: `pool/main/${name.slice(0, 1)}/${name}/${name}_${version}_all.deb`,
    size: 1000,
    digest: digestOfBytes(`${name} ${version}`),
  }));
}

/** The only lockable of a name. */
export function pythonOf(locks: readonly Lockable[], name: string): LockablePython & Lockable {
  const found = locks.find((one) => one.name === name && one.kind === 'python');
  if (found?.kind !== 'python') throw new Error(`no Python lock for ${name}`);
  return found;
}

/** The only Debian one of a name. */
export function debianOf(locks: readonly Lockable[], name: string): LockableDebian & Lockable {
  const found = locks.find((one) => one.name === name && one.kind === 'debian');
  if (found?.kind !== 'debian') throw new Error(`no Debian lock for ${name}`);
  return found;
}

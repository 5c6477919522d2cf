/** What is different between two locks: packages that came, went, or moved to another version. */
import { parseDebianLock, parsePylock } from '@rebake/image/locks';
import { compareBytes } from '@rebake/sdk';

/** A package that is different. Null: it is not in that lock. The same version on both sides: its files are others. */
export interface PackageChange {
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Packages of a lock, and how they differ from those of the lock before. */
export interface LockChanges {
  /** How many packages are in the new lock. */
  readonly packages: number;
  /** Sorted by name. */
  readonly changes: readonly PackageChange[];
}

/** A package as it is compared. */
interface Counted {
  readonly version: string;
  /** What else counts. */
  readonly files: string;
}

/** Compares two texts of locks. A lock that cannot be read is as good as none. */
export function lockChanges(kind: 'python' | 'debian', before: string | null, after: string): LockChanges {
  const [old, now] = [before === null ? new Map<string, Counted>() : packagesOf(kind, before), packagesOf(kind, after)];
  const changes: PackageChange[] = [];
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const [from, to] = [old.get(name), now.get(name)];
    if (from?.version === to?.version && from?.files === to?.files) continue;
    changes.push({ name, from: from?.version ?? null, to: to?.version ?? null });
  }
  changes.sort((a, b) => compareBytes(a.name, b.name));
  return { packages: now.size, changes };
}

function packagesOf(kind: 'python' | 'debian', text: string): ReadonlyMap<string, Counted> {
  const found = new Map<string, Counted>();
  const add = (name: string, version: string, files: string): void => {
    const other = found.get(name);
    found.set(
      name,
      other === undefined
        ? { version, files }
        : { version: `${other.version}, ${version}`, files: `${other.files} ${files}` },
    );
  };
  if (kind === 'python') {
    const parsed = parsePylock(text);
    if (!parsed.ok) return found;
    for (const { name, version, wheels, sdist } of parsed.lock.packages) {
      const files = [...wheels, ...(sdist === null ? [] : [sdist])].map(({ digest }) => digest).sort(compareBytes);
      add(name, version ?? 'unknown', files.join(' '));
    }
    return found;
  }
  const parsed = parseDebianLock(text);
  if (parsed.ok) for (const { name, version, digest } of parsed.lock.packages) add(name, version, digest);
  return found;
}

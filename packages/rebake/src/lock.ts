/** `lock`: resolves what is declared into lock files beside the config; or says which of them are not what is wanted. */
import { basename } from 'node:path';
import { distinct, type Expansion, type Lockable } from '@rebake/model';
import type { Diagnostic } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { makeLocks } from './lock-make.ts';
import { reportOf, type LockOptions, type LockPart, type LockResult } from './lock-report.ts';
import { dueBecause, selectLocks } from './lock-select.ts';
import { withProject, type Project } from './project.ts';

/** Diagnostics of these codes are what locking is there to mend. */
const MENDED = /^LOCK_(?!TOOL)/;

/** Locks what is declared. A declaration whose only errors are about locks is fine. */
export async function lock(options: LockOptions): Promise<LockResult> {
  const { names = [] } = options;
  const first = await withProject(options, refused, async (project) =>
    withLocks(project, names, async (expansion, dataDir, locks, warnings) => {
      if (options.mode === 'check') return checked(locks, warnings);
      return makeLocks({ project, dataDir, expansion, locks, warnings, options, kinds: 'debian-first' });
    }),
  );
  if (!first.again) return first.result;
  // What Python packages may need of the C library is known when the base is: so they are looked at again.
  const second = await withProject(options, refused, async (project) =>
    withLocks(project, names, async (expansion, dataDir, locks, warnings) =>
      makeLocks({ project, dataDir, expansion, locks, warnings, options, kinds: 'python' }),
    ),
  );
  return together(first.result, second.result);
}

async function withLocks(
  project: Project,
  names: readonly string[],
  use: (
    expansion: Expansion,
    dataDir: string,
    locks: readonly Lockable[],
    warnings: readonly Diagnostic[],
  ) => Promise<LockPart>,
): Promise<LockPart> {
  const {
    dataDir,
    declaration: { expansion, diagnostics },
  } = project;
  const others = diagnostics.filter(({ code }) => !MENDED.test(code));
  if (dataDir === null || expansion === null || others.some(({ severity }) => severity === 'error'))
    return refused(expansion === null ? diagnostics : others);
  const selected = selectLocks(expansion.locks, names);
  if (!selected.ok) return refused([...others, ...selected.diagnostics]);
  return use(expansion, dataDir, selected.locks, others);
}

function checked(locks: readonly Lockable[], warnings: readonly Diagnostic[]): LockPart {
  const reports = locks.map((one) => reportOf(one, one.state === 'fresh' ? 'current' : one.state));
  const found = locks
    .filter(({ state }) => state !== 'fresh')
    .map((one) =>
      libraryDiagnostic('LOCK_DUE', `the lock \`${basename(one.file)}\` of \`${one.of}\` is ${dueBecause(one)}`, {
        where: one.at,
        help: `Run \`rebake lock ${one.name}\`.`,
      }),
    );
  return {
    result: { ok: found.length === 0, interrupted: false, diagnostics: [...warnings, ...found], locks: reports },
    again: false,
  };
}

function refused(diagnostics: readonly Diagnostic[]): LockPart {
  return { result: { ok: false, interrupted: false, diagnostics, locks: [] }, again: false };
}

function together(first: LockResult, second: LockResult): LockResult {
  return {
    ok: first.ok && second.ok,
    interrupted: first.interrupted || second.interrupted,
    diagnostics: distinct([...first.diagnostics, ...second.diagnostics]),
    locks: [...first.locks, ...second.locks],
  };
}

/** Makes locks, a few at a time: Debian locks after those that they are put on, Python locks after all of them. */
import { basename } from 'node:path';
import { debianLockDigest, parseDebianLock } from '@rebake/image/locks';
import type { LockOutcome } from '@rebake/lock';
import { distinct, type Expansion, type Lockable } from '@rebake/model';
import { BuildFailure, type Diagnostic } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { lockChanges } from './lock-changes.ts';
import { textOf, writeLock } from './lock-files.ts';
import { eachOnce, isDue } from './lock-select.ts';
import { openLockSession, type LockSession } from './lock-session.ts';
import { reportOf, type LockOptions, type LockPart, type LockReport } from './lock-report.ts';
import type { Project } from './project.ts';

/** Resolutions at a time: they wait for indexes more than they compute. */
const AT_ONCE = 4;

/** What is to be made. */
export interface MakeRequest {
  readonly project: Project;
  readonly dataDir: string;
  readonly expansion: Expansion;
  /** Those that were asked for. */
  readonly locks: readonly Lockable[];
  readonly warnings: readonly Diagnostic[];
  readonly options: LockOptions;
  /** `debian-first`: Python locks only if no Debian lock is written. */
  readonly kinds: 'debian-first' | 'python';
}

/** Makes the locks that are due. What cannot be locked is a diagnostic; the others are written all the same. */
export async function makeLocks(request: MakeRequest): Promise<LockPart> {
  const { locks, expansion, warnings, options, kinds } = request;
  const { signal = new AbortController().signal, upgrade = 'nothing' } = options;
  const debian = kinds === 'python' ? [] : withBelow(locks, expansion.locks);
  const python = locks.filter(({ kind }) => kind === 'python');
  const untold = [...debian, ...python];
  const work: Work = { request, session: null, signal, reports: new Map(), untold, diagnostics: [], texts: new Map() };
  try {
    // In order: the one below comes first.
    for (const lock of debian) {
      signal.throwIfAborted();
      if (
        lock.kind === 'debian' &&
        (isDue(lock, locks.includes(lock) ? upgrade : 'nothing') || restsOnOther(lock, work))
      )
        await make(lock, work);
      else done(work, lock, reportOf(lock, 'current'));
    }
    const wrote = [...work.reports.values()].some(({ outcome }) => outcome === 'written');
    if (!wrote || python.length === 0) {
      const due = python.filter((lock) => isDue(lock, upgrade));
      for (const lock of python) if (!due.includes(lock)) done(work, lock, reportOf(lock, 'current'));
      await inTurns(due, AT_ONCE, signal, async (lock) => make(lock, work));
    }
    return { result: resultOf(work, warnings, false), again: wrote && python.length > 0 };
  } catch (error) {
    if (!signal.aborted) throw error;
    return { result: resultOf(work, warnings, true), again: false };
  } finally {
    tell(work, 'all');
    const opened = await work.session?.catch(() => null);
    await opened?.close();
  }
}

interface Work {
  readonly request: MakeRequest;
  session: Promise<LockSession> | null;
  readonly signal: AbortSignal;
  readonly reports: Map<Lockable, LockReport>;
  /** Those whose outcome was not told yet, in the order in which it is. */
  readonly untold: Lockable[];
  readonly diagnostics: Diagnostic[];
  /** Texts of locks that were made, by file. */
  readonly texts: Map<string, string>;
}

/** Debian locks among those that are asked for, and those below them, in the order of the declaration. */
function withBelow(locks: readonly Lockable[], all: readonly Lockable[]): readonly Lockable[] {
  const files = new Set<string>();
  for (const lock of locks) if (lock.kind === 'debian') for (const file of chain(lock, all)) files.add(file);
  return eachOnce(all.filter((lock) => lock.kind === 'debian' && files.has(lock.file)));
}

/** Files of a Debian lock and of those below it, itself first. */
function chain(lock: Lockable, all: readonly Lockable[]): readonly string[] {
  const files: string[] = [];
  let at: Lockable | undefined = lock;
  while (at?.kind === 'debian' && !files.includes(at.file)) {
    files.push(at.file);
    const below: string | null = at.below;
    at = all.find(({ file }) => file === below);
  }
  return files;
}

/** Whether the lock below was made again in this run, and is not the one that this lock says it is on. */
function restsOnOther(lock: Lockable, { texts }: Work): boolean {
  const below = lock.kind === 'debian' && lock.below !== null ? texts.get(lock.below) : undefined;
  if (below === undefined || lock.text === null) return false;
  const [under, own] = [parseDebianLock(below), parseDebianLock(lock.text)];
  return !own.ok || !under.ok || own.lock.madeFrom.below !== debianLockDigest(under.lock);
}

async function make(lock: Lockable, work: Work): Promise<void> {
  const { request, signal } = work;
  const { project, options } = request;
  const started = project.now();
  try {
    work.session ??= openLockSession(project, request.dataDir, request.expansion, {
      ...options,
      log: options.onLog ?? ((): void => undefined),
    });
    const outcome = await resolve(lock, await work.session, work);
    if (!outcome.ok) return failed(lock, work, unresolvable(lock, outcome), project.now() - started);
    const before = await textOf(lock.file);
    if (before !== outcome.text) await writeLock(lock.file, outcome.text);
    work.texts.set(lock.file, outcome.text);
    const { packages, changes } = lockChanges(lock.kind, before, outcome.text);
    done(work, lock, {
      ...reportOf(lock, before === outcome.text ? 'same' : 'written'),
      first: before === null,
      packages,
      changes,
      ms: project.now() - started,
    });
  } catch (error) {
    if (!(error instanceof BuildFailure) || signal.aborted) throw error;
    failed(lock, work, trouble(lock, error), project.now() - started);
  }
}

async function resolve(lock: Lockable, session: LockSession, work: Work): Promise<LockOutcome> {
  const { options, expansion } = work.request;
  if (lock.kind === 'python')
    return session.locker.python({
      wanted: lock.wanted,
      requirements: lock.requirements,
      existing: lock.text,
      pins: {
        lines: lock.pins,
        onUnfit: () =>
          options.onLog?.(`${lock.of}: the versions that run today do not fit what is declared; resolved without them`),
      },
      upgrade: options.upgrade ?? 'nothing',
      source: (locked, wanted) => session.source(locked, wanted),
    });
  const below: string[] = [];
  for (const file of chain(lock, expansion.locks).slice(1)) {
    const text = work.texts.get(file) ?? (await textOf(file));
    if (text === null)
      return { ok: false, why: 'failed', words: `the lock \`${basename(file)}\`, which it is put on, is missing` };
    below.push(text);
  }
  return session.locker.debian({
    suite: lock.suite,
    architecture: lock.platform === 'linux/amd64' ? 'amd64' : 'arm64',
    packages: lock.packages,
    below,
    mirror: lock.mirror,
  });
}

function unresolvable({ of, name, at }: Lockable, outcome: Extract<LockOutcome, { ok: false }>): Diagnostic {
  if (outcome.why === 'failed')
    return libraryDiagnostic('LOCK_TOOL_FAILED', `\`${of}\` could not be locked: ${inOneLine(outcome.words)}`, {
      where: at,
    });
  return libraryDiagnostic(
    'LOCK_UNRESOLVABLE',
    `no versions of its packages fit \`${of}\`: ${inOneLine(outcome.words)}`,
    {
      where: at,
      help: `Change the packages, then run \`rebake lock ${name}\`.`,
    },
  );
}

/** Words of several lines as a sentence: a diagnostic is a line, and its help the next. */
function inOneLine(words: string): string {
  const [first = '', ...rest] = words
    .split('\n')
    .map((line) => line.trim().replace(/^cause: /, ''))
    .filter((line) => line !== '');
  return rest.length === 0 ? first : `${first}: ${rest.join(' ')}`;
}

function trouble({ of, at }: Lockable, { error: { code, words } }: BuildFailure): Diagnostic {
  // Trouble with uv is the same for all that need it, and said once.
  if (code === 'LOCK_TOOL_MISSING' || code === 'LOCK_TOOL_FAILED') return libraryDiagnostic(code, inOneLine(words));
  return libraryDiagnostic('LOCK_TOOL_FAILED', `\`${of}\` could not be locked: ${inOneLine(words)} (${code})`, {
    where: at,
  });
}

function failed(lock: Lockable, work: Work, diagnostic: Diagnostic, ms: number): void {
  work.diagnostics.push(diagnostic);
  done(work, lock, { ...reportOf(lock, 'failed'), ms });
}

function done(work: Work, lock: Lockable, report: LockReport): void {
  work.reports.set(lock, report);
  tell(work, 'next');
}

/** Tells in the order of the declaration, so that the same work reads the same, whoever is done first. */
function tell({ untold, reports, request }: Work, which: 'next' | 'all'): void {
  while (untold.length > 0) {
    const report = reports.get(untold[0] as Lockable);
    if (report === undefined && which === 'next') return;
    untold.shift();
    if (report !== undefined) request.options.onLock?.(report);
  }
}

function resultOf(work: Work, warnings: readonly Diagnostic[], interrupted: boolean): LockPart['result'] {
  const { reports, diagnostics, request } = work;
  return {
    ok: !interrupted && diagnostics.length === 0,
    interrupted,
    diagnostics: distinct([...warnings, ...diagnostics]),
    locks: request.expansion.locks.flatMap((lock) => reports.get(lock) ?? []),
  };
}

/** Works on all, so many at a time; the first rejection ends the rest. */
async function inTurns<T>(
  all: readonly T[],
  atOnce: number,
  signal: AbortSignal,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const rest = all.values();
  const turns = Array.from({ length: Math.min(atOnce, all.length) }, async () => {
    for (const one of rest) {
      signal.throwIfAborted();
      await work(one);
    }
  });
  const ended = await Promise.allSettled(turns);
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

/**
 * The plan that finds nothing to do, remembered. Without a refresh a plan is a function of declaration, files, state and options; while all of
 * them have the stat that they had, so has the plan. This is what stands before every look and in every loop of a script.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, type BigIntStats } from 'node:fs';
import { dirname, join } from 'node:path';
import { findConfig, keptStamp } from '@rebake/model';

const FORMAT = 'rebake quiet plan 1';
/** What is younger than this may change again without showing it in a time stamp (git's racy rule), in milliseconds. */
const RACY_MS = 2_000;

interface Quiet {
  readonly key: string;
  readonly kept: number;
}

/** Options of a plan that it is remembered under. */
export interface QuietOptions {
  readonly cwd: string;
  readonly config?: string;
  readonly refresh?: 'all' | 'none';
  readonly targets?: readonly string[];
  readonly rebuild?: readonly string[];
  readonly vanished?: 'forget' | 'delete';
}

/** How many nodes stay as they are, where the last plan with these options found nothing to do and nothing has changed since; else null. */
export function recallQuiet(options: QuietOptions): number | null {
  const found = options.refresh === 'none' && !forced(options) ? findConfig(options.cwd, options.config) : null;
  if (found?.ok !== true) return null;
  const dataDir = join(found.root, '.rebake');
  try {
    const { key, kept } = JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as Quiet;
    const declaration = keptStamp(join(dataDir, 'cache'), found.file);
    if (declaration === null || key !== keyOf(dataDir, declaration, options)) return null;
    return Number.isInteger(kept) ? kept : null;
  } catch {
    // Missing, cut off, or edited by hand: the plan is made.
    return null;
  }
}

/** What a plan was made from. */
interface Made {
  readonly dataDir: string;
  readonly file: string;
  /** Stamp of the kept declaration when it was read: another rebake may have kept a newer one since. */
  readonly declaration: string;
  /** {@link stateStamp} before the state was read. */
  readonly stateBefore: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Remembers that a plan of everything asked for found nothing to do. */
export function rememberQuiet(
  { dataDir, file, declaration, stateBefore, now }: Made,
  options: QuietOptions,
  kept: number,
): void {
  const path = fileIn(dataDir);
  if (
    options.refresh !== 'none' ||
    forced(options) ||
    stateBefore !== stateStamp(dataDir) ||
    youngest(dataDir) > now - RACY_MS
  )
    return;
  if (keptStamp(join(dataDir, 'cache'), file) !== declaration) return;
  const key = keyOf(dataDir, declaration, options);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, JSON.stringify({ key, kept } satisfies Quiet), { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    // A folder that cannot be written to: the next plan is slower, and nothing else.
    rmSync(temporary, { force: true });
  }
}

/** Stat of the state's files: it changes with every write. Opening sets the mode, and with it the time of change: that does not count. */
export function stateStamp(dataDir: string): string {
  return stateFiles(dataDir)
    .map(({ size, mtimeNs, ino }) => `${size} ${mtimeNs} ${ino}`)
    .join(' ');
}

function youngest(dataDir: string): number {
  return Math.max(0, ...stateFiles(dataDir).map(({ mtimeMs }) => Number(mtimeMs)));
}

/** The database and its log. An empty log is made by whoever only reads, and gone again afterwards. */
function stateFiles(dataDir: string): readonly BigIntStats[] {
  const stats = ['state.db', 'state.db-wal'].map((name) =>
    statSync(join(dataDir, name), { bigint: true, throwIfNoEntry: false }),
  );
  return stats.filter((stat) => stat !== undefined).filter(({ size }) => size > 0n);
}

function forced({ rebuild = [] }: QuietOptions): boolean {
  return rebuild.length > 0;
}

function keyOf(dataDir: string, declaration: string, { targets = [], vanished = 'forget' }: QuietOptions): string {
  return JSON.stringify([FORMAT, declaration, stateStamp(dataDir), targets, vanished]);
}

function fileIn(dataDir: string): string {
  return join(dataDir, 'cache', 'quiet-plan.json');
}

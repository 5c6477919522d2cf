/** The one place that loads node:sqlite: lazily, and without its notice on a user's terminal. Other warnings pass. */
import type * as Sqlite from 'node:sqlite';

let loaded: Promise<typeof Sqlite> | undefined;

/** Loads node:sqlite once. Node 24 marks it experimental by a process warning, which is dropped; every other warning goes on. */
export function loadSqlite(): Promise<typeof Sqlite> {
  loaded ??= withoutSqliteNotice(() => import('node:sqlite'));
  return loaded;
}

async function withoutSqliteNotice<T>(load: () => Promise<T>): Promise<T> {
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` again below
  const original = process.emitWarning;
  const filtered = (...args: unknown[]): void => {
    const [warning, options] = args;
    const type = typeof options === 'object' && options !== null ? (options as { type?: unknown }).type : options;
    if (type === 'ExperimentalWarning' && String(warning).includes('SQLite')) return;
    Reflect.apply(original, process, args);
  };
  process.emitWarning = filtered;
  try {
    return await load();
  } finally {
    // Somebody else may have wrapped it meanwhile: their wrapper stays.
    if (process.emitWarning === filtered) process.emitWarning = original;
  }
}

/** SQLite's own result code of an error, or null. Extended codes keep the primary code in the low byte. */
export function sqliteCode(error: unknown): number | null {
  const code = error instanceof Error ? (error as { errcode?: unknown }).errcode : undefined;
  return typeof code === 'number' ? code & 0xff : null;
}

/** State, history and lock in one SQLite file. Every write is on disk when its promise resolves. */
import type { Capabilities, Entry, Failure, HistoryRow, LockHolder, NewEntry, NodeId, State, Store } from '@rebake/sdk';
import { BuildFailure } from '@rebake/sdk';
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { loadSqlite, transaction } from './database.ts';
import { takeLock } from './lock.ts';
import { entryText, readEntry, readJson, unreadable } from './rows.ts';
import { migrate } from './schema.ts';

/** What a store takes from outside. */
export interface StoreOptions {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Random text that names the lineage of a new state. */
  random(): string;
}

/**
 * Opens (or makes) the state file. Nothing is read before the first call. Fails with `STATE_TOO_NEW` or `STATE_UNREADABLE`.
 * The file and SQLite's own side files have mode 0600.
 */
export function openStore(file: string, options: StoreOptions): Store {
  let opened: Promise<Tables> | undefined;
  const tables = (): Promise<Tables> => (opened ??= openTables(file, options));
  return {
    async read() {
      return (await tables()).read();
    },
    async commit(node, entry) {
      return (await tables()).commit(node, entry);
    },
    async fail(node, failure) {
      (await tables()).fail(node, failure);
    },
    async forget(node) {
      (await tables()).forget(node);
    },
    async record(row) {
      (await tables()).record(row);
    },
    async history(filter) {
      return (await tables()).history(filter);
    },
    async capabilities() {
      return (await tables()).capabilities();
    },
    async remember(builder, capabilities) {
      (await tables()).remember(builder, capabilities);
    },
    async retain(runs) {
      (await tables()).retain(runs);
    },
    async lock(holder: LockHolder) {
      // The folder must be there, and the file readable, before anything is locked.
      await tables();
      return takeLock(file, holder);
    },
    async close() {
      if (opened) (await opened).close();
      opened = undefined;
    },
  };
}

type Tables = Awaited<ReturnType<typeof openTables>>;

async function openTables(file: string, options: StoreOptions) {
  const { DatabaseSync } = await loadSqlite();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made before SQLite opens it, so that it is never readable by others; the side files take its mode.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const db = new DatabaseSync(file, { timeout: 5_000 });
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    migrate(db, file, () => `${options.now().toString(36)}-${options.random()}`);
  } catch (error) {
    db.close();
    throw error instanceof BuildFailure ? error : unreadable(file);
  }
  return statements(db);
}

function statements(db: DatabaseSync) {
  const prepared = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    let statement = prepared.get(text);
    if (!statement) {
      statement = db.prepare(text);
      statement.setReturnArrays(true);
      prepared.set(text, statement);
    }
    return statement;
  };
  // With setReturnArrays rows are arrays, which the types of node:sqlite do not say.
  const rows = (text: string, ...values: (string | number)[]): readonly (readonly unknown[])[] =>
    sql(text).all(...values) as unknown as readonly (readonly unknown[])[];

  return {
    read(): State {
      const lineage = String(rows("SELECT value FROM meta WHERE key = 'lineage'")[0]?.[0]);
      const entries = new Map<NodeId, Entry>();
      for (const [node, version, text] of rows('SELECT node, version, entry FROM entries WHERE entry IS NOT NULL')) {
        entries.set(String(node) as NodeId, readEntry(String(node), Number(version), String(text)));
      }
      const failures = new Map<NodeId, Failure>();
      for (const [node, text] of rows('SELECT node, failure FROM failures')) {
        failures.set(String(node) as NodeId, readJson(String(node), String(text)) as Failure);
      }
      return { lineage, entries, failures };
    },
    commit(node: NodeId, entry: NewEntry): Entry {
      const text = entryText(entry);
      const version = transaction(db, () => {
        const row = rows(
          `INSERT INTO entries (node, version, entry) VALUES (?, 1, ?)
           ON CONFLICT (node) DO UPDATE SET version = version + 1, entry = excluded.entry RETURNING version`,
          node,
          text,
        )[0];
        sql('DELETE FROM failures WHERE node = ?').run(node);
        return Number(row?.[0]);
      });
      return readEntry(node, version, text);
    },
    fail(node: NodeId, failure: Failure): void {
      sql('INSERT OR REPLACE INTO failures (node, failure) VALUES (?, ?)').run(node, JSON.stringify(failure));
    },
    forget(node: NodeId): void {
      transaction(db, () => {
        sql('UPDATE entries SET entry = NULL, version = version + 1 WHERE node = ? AND entry IS NOT NULL').run(node);
        sql('DELETE FROM failures WHERE node = ?').run(node);
      });
    },
    record(row: HistoryRow): void {
      sql('INSERT INTO history (run, node, row) VALUES (?, ?, ?)').run(row.run, row.node, JSON.stringify(row));
    },
    history(filter: { node?: NodeId; run?: string; limit?: number }): readonly HistoryRow[] {
      const where: string[] = [];
      const values: (string | number)[] = [];
      if (filter.node !== undefined) {
        where.push('node = ?');
        values.push(filter.node);
      }
      if (filter.run !== undefined) {
        where.push('run = ?');
        values.push(filter.run);
      }
      const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
      // A negative limit is none, in SQLite.
      values.push(filter.limit ?? -1);
      const found = rows(`SELECT node, row FROM history ${condition} ORDER BY seq DESC LIMIT ?`, ...values);
      return found.map(([node, text]) => readJson(String(node), String(text)) as HistoryRow);
    },
    capabilities(): ReadonlyMap<string, Capabilities> {
      const found = rows('SELECT builder, capabilities FROM capabilities');
      return new Map(found.map(([name, text]) => [String(name), readJson(String(name), String(text)) as Capabilities]));
    },
    remember(builder: string, capabilities: Capabilities): void {
      const text = JSON.stringify(capabilities);
      // Nothing is written when nothing changed: planning stays a reader.
      sql(
        `INSERT INTO capabilities (builder, capabilities) VALUES (?, ?)
         ON CONFLICT (builder) DO UPDATE SET capabilities = excluded.capabilities WHERE capabilities <> excluded.capabilities`,
      ).run(builder, text);
    },
    retain(runs: number): void {
      sql(
        `DELETE FROM history WHERE run NOT IN
           (SELECT run FROM history GROUP BY run ORDER BY max(seq) DESC LIMIT ?)`,
      ).run(runs);
    },
    close(): void {
      prepared.clear();
      db.close();
    },
  };
}

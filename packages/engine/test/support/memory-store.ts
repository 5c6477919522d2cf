/** A store in memory, with the same promises as the real one, for tests that apply thousands of times. */
import type { Capabilities, Entry, Failure, HistoryRow, LockHolder, NodeId, Store } from '@rebake/sdk';

/** Its parts are open for tests to change. */
export interface MemoryStore extends Store {
  readonly entries: Map<NodeId, Entry>;
  readonly failures: Map<NodeId, Failure>;
  /** Called before each commit; what it throws, the commit throws. */
  beforeCommit: (node: NodeId) => void;
}

/** Makes an empty store of a lineage. */
export function memoryStore(lineage: string): MemoryStore {
  const entries = new Map<NodeId, Entry>();
  const versions = new Map<NodeId, number>();
  const failures = new Map<NodeId, Failure>();
  const rows: HistoryRow[] = [];
  const builders = new Map<string, Capabilities>();
  let holder: LockHolder | null = null;
  const store: MemoryStore = {
    entries,
    failures,
    beforeCommit: () => undefined,
    async read() {
      return { lineage, entries: new Map(entries), failures: new Map(failures) };
    },
    async commit(node, entry) {
      store.beforeCommit(node);
      const version = (versions.get(node) ?? 0) + 1;
      versions.set(node, version);
      const written = { ...entry, version };
      entries.set(node, written);
      failures.delete(node);
      return written;
    },
    async fail(node, failure) {
      failures.set(node, failure);
    },
    async forget(node) {
      entries.delete(node);
      failures.delete(node);
      versions.set(node, (versions.get(node) ?? 0) + 1);
    },
    async record(row) {
      rows.unshift(row);
    },
    async history({ node, run, limit }) {
      const found = rows.filter(
        (row) => (node === undefined || row.node === node) && (run === undefined || row.run === run),
      );
      return found.slice(0, limit);
    },
    async retain(runs) {
      const kept = [...new Set(rows.map((row) => row.run))].slice(0, runs);
      rows.splice(0, rows.length, ...rows.filter((row) => kept.includes(row.run)));
    },
    async capabilities() {
      return builders;
    },
    async remember(builder, capabilities) {
      builders.set(builder, capabilities);
    },
    async lock(by) {
      if (holder) return { ok: false, holder };
      holder = by;
      return {
        ok: true,
        async release() {
          holder = null;
        },
      };
    },
    async close() {},
  };
  return store;
}

/** A store of somebody else's with every answer checked: what a plan rests on is never taken as it comes. */
import { isDigest } from '@rebake/sdk';
import type { Capabilities, Entry, Failure, HistoryRow, NodeId, State, Store } from '@rebake/sdk';
import { checkCapabilities, checkLocation } from '../run/answers.ts';
import { isEntry, isRecord } from './rows.ts';

/** What is thrown where a store fails, or answers with what no store answers. Both should be no `BuildFailure`: a run cannot go on without its state. */
export interface StoreTrouble {
  /** `doing`: what was done when it failed, such as `reading it`. */
  readonly failed: (error: unknown, doing: string) => Error;
  /** `what`: the rest of "it answered with …". */
  readonly broken: (what: string) => Error;
}

/** Wraps a store. */
export function checkedStore(store: Store, trouble: StoreTrouble): Store {
  const ask = async <T>(doing: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      throw trouble.failed(error, doing);
    }
  };
  const { broken } = trouble;
  return {
    read: async () => stateOf(await ask('reading it', () => store.read()), broken),
    async commit(node, entry) {
      const written = await ask(`writing ${node}`, () => store.commit(node, entry));
      const checked = entryOf(node, written, broken);
      // Later work rests on what is returned here.
      if (checked.output.identity !== entry.output.identity || checked.key !== entry.key)
        throw broken(`another entry of ${node} than was written`);
      return checked;
    },
    fail: (node, failure) => ask(`noting a failure of ${node}`, () => store.fail(node, failure)),
    forget: (node) => ask(`forgetting ${node}`, () => store.forget(node)),
    record: (row) => ask('writing the history', () => store.record(row)),
    async history(filter) {
      const rows: unknown = await ask('reading the history', () => store.history(filter));
      if (!Array.isArray(rows)) throw broken('a history that is no list');
      return rows.map((row) => rowOf(row, broken));
    },
    retain: (runs) => ask('shortening the history', () => store.retain(runs)),
    async capabilities() {
      const known: unknown = await ask('reading what builders said', () => store.capabilities());
      if (!(known instanceof Map)) throw broken('no map of builders');
      return capabilitiesOf(known);
    },
    remember: (builder, said) => ask(`remembering what ${builder} said`, () => store.remember(builder, said)),
    async lock(holder) {
      const locked: unknown = await ask('locking it', () => store.lock(holder));
      if (!isRecord(locked)) throw broken('no lock');
      if (locked['ok'] === false) return { ok: false, holder: holderOf(locked['holder']) };
      const { ok, release } = locked;
      if (ok !== true || typeof release !== 'function') throw broken('a lock that cannot be released');
      return {
        ok,
        release: () => ask('unlocking it', async () => void (await (locked as { release(): unknown }).release())),
      };
    },
    // What was written is written.
    close: () => ask('closing it', () => store.close()).catch(() => {}),
  };
}

type Broken = StoreTrouble['broken'];

function stateOf(value: unknown, broken: Broken): State {
  const { lineage, entries, failures } = isRecord(value) ? value : {};
  if (typeof lineage !== 'string' || lineage === '') throw broken('a state without a lineage');
  if (!(entries instanceof Map) || !(failures instanceof Map))
    throw broken('a state without maps of entries and failures');
  return {
    lineage,
    entries: new Map([...entries].map(([node, entry]) => [idOf(node, broken), entryOf(node, entry, broken)])),
    failures: new Map([...failures].map(([node, failure]) => [idOf(node, broken), failureOf(node, failure, broken)])),
  };
}

function idOf(value: unknown, broken: Broken): NodeId {
  if (typeof value !== 'string' || value === '') throw broken('something of a node that has no name');
  return value as NodeId;
}

function entryOf(node: unknown, value: unknown, broken: Broken): Entry {
  const wrong = (): Error => broken(`an entry of ${String(node)} that is none`);
  if (!isEntry(value)) throw wrong();
  const { version, key, at, run, plan, record } = value as Partial<Entry>;
  if (!Number.isInteger(version) || (version as number) < 1)
    throw broken(`an entry of ${String(node)} without a version`);
  if ((key !== null && !isDigest(key)) || !isDigest(plan)) throw wrong();
  if (![at, run, record ?? ''].every(isShowable)) throw wrong();
  if (!Object.values(value.inputs).every((input) => isRecord(input) && isDigest(input.digest))) throw wrong();
  if (!Object.values(value.parents).every(isDigest)) throw wrong();
  try {
    for (const location of value.output.at) checkLocation('state', location);
  } catch {
    throw wrong();
  }
  return value as Entry;
}

/** These are shown as they are. */
function isShowable(text: unknown): boolean {
  return typeof text === 'string' && !/\p{Cc}/u.test(text);
}

function failureOf(node: unknown, value: unknown, broken: Broken): Failure {
  const { error, at, run } = isRecord(value) ? value : {};
  const { code, words } = isRecord(error) ? error : {};
  const sound = [code, words, at, run].every((text) => typeof text === 'string');
  if (!sound) throw broken(`a failure of ${String(node)} that is none`);
  return value as unknown as Failure;
}

function rowOf(value: unknown, broken: Broken): HistoryRow {
  const { run, node, outcome, reasons, at } = isRecord(value) ? value : {};
  const sound = [run, node, outcome, at].every((text) => typeof text === 'string') && Array.isArray(reasons);
  if (!sound || !(reasons as readonly unknown[]).every((reason) => isRecord(reason) && Array.isArray(reason['path'])))
    throw broken('a row of the history that is none');
  return value as unknown as HistoryRow;
}

/** What cannot be used was never said: it is asked again. */
function capabilitiesOf(known: ReadonlyMap<unknown, unknown>): ReadonlyMap<string, Capabilities> {
  const found = new Map<string, Capabilities>();
  for (const [name, said] of known) {
    try {
      if (typeof name === 'string') found.set(name, checkCapabilities(name, said as Capabilities));
    } catch {
      // Not of this rebake's time.
    }
  }
  return found;
}

function holderOf(value: unknown): { pid: number; host: string; run: string; since: string } | null {
  const { pid, host, run, since } = isRecord(value) ? value : {};
  if (typeof pid !== 'number' || typeof host !== 'string') return null;
  return { pid, host, run: String(run), since: String(since) };
}

/** What the state knows of images: by key, and every place where anything ever put the same image. Places are hints: they are looked at. */
import type { Digest, Entry, Location, NodeId, Output } from '@rebake/sdk';

/** An index over entries that grows as they are written. Made when first asked: a plan in which nothing changed does without. */
export class Known {
  readonly entries: ReadonlyMap<NodeId, Entry>;
  #byIdentity: Map<Digest, Output[]> | null = null;
  #byKey: Map<Digest, Digest[]> | null = null;

  /** `entries` may grow; {@link Known.note} tells of it. */
  constructor(entries: ReadonlyMap<NodeId, Entry>) {
    this.entries = entries;
  }

  /** An image with all places where it may be: those of its own entry, of its publications, of what it was called before. */
  places(identity: Digest): Output {
    this.#index();
    return mergePlaces({ identity, at: [] }, this.#byIdentity?.get(identity) ?? []);
  }

  /** Images that were made under a key, with all their places. */
  underKey(key: Digest): readonly Output[] {
    this.#index();
    return [...new Set(this.#byKey?.get(key))].map((identity) => this.places(identity));
  }

  /** Takes in an entry that was just written. What older ones said stays: it may still be true. */
  note({ key, output }: Pick<Entry, 'key' | 'output'>): void {
    if (!this.#byIdentity || !this.#byKey) return;
    push(this.#byIdentity, output.identity, output);
    if (key !== null) push(this.#byKey, key, output.identity);
  }

  #index(): void {
    if (this.#byIdentity) return;
    this.#byIdentity = new Map();
    this.#byKey = new Map();
    for (const entry of this.entries.values()) this.note(entry);
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}

/** One image with the places of all `outputs` that are the same image. */
export function mergePlaces({ identity }: Output, outputs: readonly Output[]): Output {
  const places = new Map<string, Location>();
  for (const output of outputs) {
    if (output.identity !== identity) continue;
    for (const at of output.at) places.set(placeName(at), at);
  }
  return { identity, at: [...places.values()] };
}

/** A place as one text: the same place, the same text. */
export function placeName(at: Location): string {
  return 'registry' in at ? `${at.registry}/${at.repository}@${at.manifest}` : `${at.engine} ${at.name}`;
}

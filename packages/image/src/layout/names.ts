/** `index.json`: names and what they lead to. Whatever else it holds, entries and fields of other tools included, stays as it is. */
import { readFile } from 'node:fs/promises';
import { asList, asRecord, asString, InvalidDocument, json } from '../oci/checks.ts';
import { parseDescriptor, type Descriptor } from '../oci/documents.ts';
import { failure, isMissing } from './errors.ts';
import type { Place } from './place.ts';

const ANNOTATION = 'org.opencontainers.image.ref.name';
/** As the image spec has it, and wide enough for every reference with a host; so no name can be taken for a digest or an option. */
const NAME = /^[A-Za-z0-9[][A-Za-z0-9._:@+/[\]-]{0,511}$/;

/** One entry: its raw fields are what is written again. */
interface Entry {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly descriptor: Descriptor;
  readonly name: string | null;
}

interface Index {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly entries: readonly Entry[];
}

/** Reads all entries, named or not: everything that they reach is in use. */
export async function readIndex(place: Place): Promise<readonly Entry[]> {
  return (await read(place)).entries;
}

/** What each name leads to; the last entry counts where other tools have left several. */
export async function readNames(place: Place): Promise<Map<string, Descriptor>> {
  const { entries } = await read(place);
  return new Map(entries.flatMap(({ name, descriptor }) => (name === null ? [] : [[name, descriptor] as const])));
}

/** Puts `name` on a target, or on nothing. Returns whether it was there before. Only with the lock. */
export async function writeName(place: Place, name: string, target: Descriptor | null): Promise<boolean> {
  const { raw, entries } = await read(place);
  const others = entries.filter((entry) => entry.name !== name);
  const isKnown = others.length < entries.length;
  if (target === null && !isKnown) return false;
  const { mediaType, digest, size } = target ?? {};
  const own = target === null ? [] : [{ mediaType, digest, size, annotations: { [ANNOTATION]: name } }];
  const manifests = [...others.map((entry) => entry.raw), ...own];
  await place.replace(place.index, JSON.stringify({ ...raw, manifests }));
  return isKnown;
}

/** A name that this store gives. Others may have given other ones: they are read all the same. */
export function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw failure('NAME_INVALID', `${JSON.stringify(name.slice(0, 200))} cannot name an image in a layout`);
}

async function read({ index }: Place): Promise<Index> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(index);
  } catch (error) {
    if (isMissing(error)) return { raw: { schemaVersion: 2 }, entries: [] };
    throw error;
  }
  const raw = asRecord(json(bytes), 'index.json');
  if (raw['schemaVersion'] !== 2) throw new InvalidDocument('index.json: schemaVersion is not 2');
  return { raw, entries: asList(raw['manifests'], 'index.json: manifests').map(entry) };
}

function entry(value: unknown, i: number): Entry {
  const at = `index.json: manifests[${i}]`;
  const raw = asRecord(value, at);
  const annotations = asRecord(raw['annotations'] ?? {}, `${at}: annotations`);
  const name = annotations[ANNOTATION];
  return {
    raw,
    descriptor: parseDescriptor(raw, at),
    name: name === undefined ? null : asString(name, `${at}: ${ANNOTATION}`),
  };
}

/** An environment as layers: its files chosen, brought here, and written as few layers that other environments share. */
import { digestOf, type Digest } from '@rebake/image';
import { groupParts, type Layer, writeLayer } from '@rebake/layers';
import { chooseFiles, type Choice } from './choose/choose.ts';
import { needsFullVersion } from './choose/markers.ts';
import { findGround, fullVersion, type Ground } from './interpreter/find.ts';
import { warnOfConflicts } from './layer/conflicts.ts';
import { skeleton } from './layer/entries.ts';
import { sharedOf } from './layer/shared.ts';
import { type CachedWheel, writeWheels } from './layer/write.ts';
import { sdistWheel } from './sdist.ts';
import type { Means, PythonEnvRequest } from './types.ts';
import { LAYOUT_VERSION } from './wheel/layout.ts';
import { unpackWheel } from './wheel/unpacked.ts';

/** As many as leave room for those of a base, its children and resources: an image may have 127, and is kept below 100. */
const MAX_LAYERS = 60;

/** What is kept of a layer of wheels. */
type WheelLayer = {
  readonly layer: {
    readonly diffId: Digest;
    readonly digest: Digest;
    readonly size: number;
    readonly mediaType: string;
  };
  /** For each wheel what it has in folders that are shared. */
  readonly tops: readonly (readonly string[])[];
};

/** A package's wheel, as far as it is known before it is here. */
interface Part {
  readonly key: string;
  readonly size: number;
  readonly choice: Choice;
  /** Of the wheel. */
  readonly digest: Digest;
  /** Brings it into the cache. */
  readonly fetch: (signal: AbortSignal) => Promise<CachedWheel>;
}

/**
 * Makes, or recalls, the layers of an environment: its skeleton first, then those of its packages. They are in the cache. Same request, same
 * layers, on every machine. Rejects with a `BuildFailure`: `WHEEL_MISSING`, `WHEEL_INVALID`, `SDIST_FAILED`, `SDIST_COMPILES`,
 * `INTERPRETER_MISSING`, `BYTECODE_UNAVAILABLE`, or what the cache and downloads fail with.
 */
export async function pythonEnvLayers(request: PythonEnvRequest, means: Means): Promise<readonly Layer[]> {
  const { cache, onLayer } = means;
  const stop = new AbortController();
  const signal = AbortSignal.any([means.signal, stop.signal]);
  const own: Means = { ...means, signal };
  const told = async (making: Promise<Layer>): Promise<Layer> => {
    const layer = await making;
    onLayer?.(layer);
    return layer;
  };
  try {
    const ground = await findGround(request, cache, signal);
    const choices = chooseFiles(request.locked, request, await versionFor(request, ground, own));
    const parts = await Promise.all(choices.map(async (choice) => partOf(choice, request, own)));
    const groups = groupParts(parts, (means.maxLayers ?? MAX_LAYERS) - 1);
    const bytecode = request.bytecode && parts.length > 0 ? await interpreterId(request, ground, own) : null;
    const wheelLayers = largestFirst(groups, async (group) => {
      const kept = await layerOf(group, request, ground, bytecode, own);
      onLayer?.(kept.layer);
      return kept;
    });
    const [base, made] = await Promise.all([told(skeletonLayer(request, ground, own)), wheelLayers]);
    const tops = groups.flatMap((group, i) => group.map((part, k) => ({ part, tops: made[i]?.tops[k] ?? [] })));
    await warnOfConflicts(
      tops.map((one) => ({ tops: one.tops, name: one.part.key, digest: one.part.digest, fetch: one.part.fetch })),
      request,
      own,
    );
    return [base, ...made.map(({ layer }) => layer)];
  } finally {
    // What else was begun is of no use when one part failed.
    stop.abort();
  }
}

/** Begins with the largest, so that none is left alone at the end; results are in the order of the groups. */
async function largestFirst<T>(
  groups: readonly (readonly Part[])[],
  make: (group: readonly Part[]) => Promise<T>,
): Promise<readonly T[]> {
  const sized = groups.map((group, index) => ({ group, index, size: group.reduce((sum, { size }) => sum + size, 0) }));
  const making = sized
    .toSorted((a, b) => b.size - a.size)
    .map(async ({ group, index }) => ({ index, made: await make(group) }));
  return (await Promise.all(making)).toSorted((a, b) => a.index - b.index).map(({ made }) => made);
}

/** The interpreter's whole version, looked for only where a marker asks for it. */
async function versionFor(request: PythonEnvRequest, ground: Ground, { cache, signal }: Means): Promise<string> {
  const { locked, interpreter, identity, fs } = request;
  if (!locked.some(({ marker }) => marker !== null && needsFullVersion(marker))) return `${interpreter}.0`;
  return cache.once(
    'python-version',
    digestOf([identity, ground.interpreter]),
    async () => ({ value: (await fullVersion(fs, ground.interpreter, interpreter)) ?? `${interpreter}.0`, blobs: [] }),
    signal,
  );
}

/** What decides which bytecode comes out; the interpreter is taken out of the image for it, once an image. */
async function interpreterId(request: PythonEnvRequest, ground: Ground, { cache, signal }: Means): Promise<Digest> {
  return cache.once(
    'python-interpreter',
    digestOf([request.identity, ground.interpreter]),
    async (making) => ({ value: (await sharedOf(cache).runnable(request, ground, making)).id, blobs: [] }),
    signal,
  );
}

async function partOf(choice: Choice, request: PythonEnvRequest, means: Means): Promise<Part> {
  const { pkg, file } = choice;
  const { cache, download } = means;
  const { name, digest, size, fetch } =
    choice.kind === 'wheel'
      ? {
          name: file.name,
          digest: file.digest,
          size: file.size,
          fetch: async (signal: AbortSignal) => download.blob(file, signal),
        }
      : await sdistWheel(choice, request, means);
  const wheel: CachedWheel = { pkg, digest, expected: { file: name, name: pkg.name, version: pkg.version } };
  const here = async (signal: AbortSignal): Promise<CachedWheel> => {
    const { unpacking } = sharedOf(cache);
    await unpackWheel(cache, wheel, fetch, signal, unpacking);
    return wheel;
  };
  // The same on every machine: that of the file, whether the lock or the file itself says it.
  const known = size ?? (await sizeOf({ name, digest }, fetch, means));
  return { key: pkg.name, size: known, choice, digest, fetch: here };
}

async function sizeOf(
  { name, digest }: { readonly name: string; readonly digest: Digest },
  fetch: (signal: AbortSignal) => Promise<void>,
  { cache, signal }: Means,
): Promise<number> {
  return cache.once(
    'python-wheel-size',
    digest,
    async (making) => {
      await fetch(making);
      const value = await cache.has(digest);
      if (value === null) throw new Error(`${name} was fetched, and is not there`);
      return { value, blobs: [] };
    },
    signal,
  );
}

async function skeletonLayer(request: PythonEnvRequest, ground: Ground, { cache, signal }: Means): Promise<Layer> {
  const { compression, interpreter } = request;
  return cache.once<WheelLayer['layer']>(
    'python-layer',
    digestOf([LAYOUT_VERSION, 'skeleton', ground, interpreter, compression]),
    async (making) => {
      const value = await writeLayer(cache, skeleton(ground, interpreter), {
        compression,
        signal: making,
        isGround: true,
      });
      return { value: { ...value }, blobs: [value.digest] };
    },
    signal,
  );
}

async function layerOf(
  group: readonly Part[],
  request: PythonEnvRequest,
  ground: Ground,
  bytecode: Digest | null,
  means: Means,
): Promise<WheelLayer> {
  const { cache } = means;
  const { compression, interpreter, prefix } = request;
  const wheels = group.map(({ digest, choice }) => ({
    digest,
    name: choice.pkg.name,
    direct: choice.pkg.direct ? choice.file.url : null,
  }));
  const { prefix: real, folders } = ground;
  return cache.once<WheelLayer>(
    'python-layer',
    digestOf([LAYOUT_VERSION, wheels, { prefix, real, folders }, interpreter, bytecode, compression]),
    async (signal) => {
      const shared = sharedOf(cache);
      const here = await Promise.all(group.map(async ({ fetch }) => fetch(signal)));
      const leave = await shared.layers.enter(1, signal);
      try {
        const runnable = bytecode === null ? null : await shared.runnable(request, ground, signal);
        const lent = runnable === null ? null : shared.lend(runnable, interpreter);
        try {
          const { layer, tops } = await writeWheels({
            cache,
            wheels: here,
            ground,
            paths: { prefix, interpreter },
            compression,
            compiling:
              lent === null || bytecode === null
                ? null
                : { compiler: lent.compiler, id: bytecode, room: shared.bytecode },
            signal,
          });
          return { value: { layer: { ...layer }, tops }, blobs: [layer.digest] };
        } finally {
          lent?.giveBack();
        }
      } finally {
        leave();
      }
    },
    means.signal,
  );
}

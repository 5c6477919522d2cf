/** The contract of a builder: it carries out steps on one engine. It sees specs and locations, never nodes, and holds no global state. */
import type { Credentials, Digest, ImageSpec, Location, Output, Platform, RegistryAccess, Seen } from '@rebake/image';
import type { Progress } from './event.ts';
import type { Capabilities } from './plan.ts';

/** Where a secret comes from. The value is read when a build needs it, and never kept. `optional`: a missing one is left out. */
export type SecretRef = ({ readonly file: string } | { readonly env: string } | { readonly fileFromEnv: string }) & {
  readonly optional?: boolean;
};

/** How a build reaches the world: facts of the machine, never part of a fingerprint. */
export interface BuildAccess {
  /** Secret mounts by id; known ids: `ca` (PEM bundle), `pip-conf`, `apt-conf`. */
  readonly secrets: Readonly<Record<string, SecretRef>>;
  readonly network: 'default' | 'host' | 'none';
  readonly proxy?: { readonly http?: string; readonly https?: string; readonly no?: string };
}

/** One image to build. */
export interface Job {
  /** Names the candidate: the engine keeps the image as `candidateTag(key)`. */
  readonly key: Digest;
  /**
   * Stable over all keys that this image has had and will have, and different for each image: 1 to 100 characters that a tag can hold. For what
   * belongs to an image over time, such as a cache; nothing can be read from it.
   */
  readonly series: string;
  readonly spec: ImageSpec;
  readonly platform: Platform;
  /** What it is built FROM; has a location in this builder's engine, or is external and has one in a registry. Null where the first step brings its own ground. */
  readonly parent: Output | null;
  /** References of a `dockerfile` step → what each is pinned to. */
  readonly froms: Readonly<Record<string, Output>>;
  readonly access: BuildAccess;
  /**
   * Where the image is going to be published when it is built, `registry` being `host[:port]`. Advice only: a builder may send its blobs there
   * while others are still made; `push` comes all the same, or never where something fails before.
   */
  readonly publishTo?: readonly { readonly registry: string; readonly repository: string }[];
}

/** What was built. */
export interface Built extends Output {
  /**
   * Where the engine keeps its own record of this build (steps, times, logs), in the form that its tools take. Kept in state, for people; the
   * record itself is the engine's, and may be gone.
   */
  readonly record?: string;
}

/** What the engine hands to a builder with each call. */
export interface Ctx {
  /** Aborted on Ctrl-C, on a timeout and when the run ends; the builder then stops what runs and rejects soon. */
  readonly signal: AbortSignal;
  /** A folder of this call's own, removed afterwards. */
  readonly scratch: string;
  emit(progress: Progress): void;
  /** Bytes of a secret, or null when it is optional and missing. Values are redacted in everything emitted from then on. */
  secret(ref: SecretRef): Promise<Uint8Array | null>;
  /** Login for a registry host from the user's docker config and helpers; null: anonymous. */
  credentials(host: string): Promise<Credentials | null>;
  /** Transport settings of a registry host. */
  registry(host: string): RegistryAccess;
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * A builder. Every method rejects with a `BuildFailure` for what the engine or the user caused, and with the signal's reason when aborted.
 * Calls may run side by side.
 */
export interface Builder {
  probe(ctx: Ctx): Promise<Capabilities>;
  /** Builds, keeps the result under the candidate name, checks that the parent's layers come first, and says where it is. */
  build(job: Job, ctx: Ctx): Promise<Built>;
  /** Brings an image that is in a registry into this engine under the candidate name of `key`. Never changes its identity. */
  fetch(image: Output, key: Digest, ctx: Ctx): Promise<Location>;
  /** Pushes as `host/repository:candidateTag(key)`, nothing else; final tags are moved by the kernel's registry client. Returns the manifest digest. */
  push(
    image: Output,
    to: { readonly registry: string; readonly repository: string; readonly key: Digest },
    ctx: Ctx,
  ): Promise<Digest>;
  /** Gives an image of this engine one more name. */
  tag(image: Output, name: string, ctx: Ctx): Promise<Location>;
  /** Looks for an image: by a location, or for the candidate of a key in this engine. Unreachable is unknown, not no. */
  inspect(at: Location | { readonly key: Digest }, ctx: Ctx): Promise<Seen<Output>>;
  /** Removes a name from this engine (and the image with its last name). Missing is fine. */
  remove(at: Location, ctx: Ctx): Promise<void>;
  /** Closes sockets; called once at the end of a process's use. */
  close(): Promise<void>;
}

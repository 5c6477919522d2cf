/** What the author of a builder gives to the conformance suite: the builder, and the world that it is tried in. */
import type { Credentials, Digest, Platform } from '@rebake/image';
import type { BuildAccess, Builder } from '../builder.ts';
import type { BuilderPlace } from '../plugin.ts';

/** A registry that the engine reaches as well as this process. */
export interface TestRegistry {
  /** `host:port`, as references begin with. */
  readonly address: string;
  /** A login that may push and pull. */
  readonly credentials?: Credentials;
  /** PEM file of the authority that signed its certificate. The engine has to trust it already. Absolute path. */
  readonly ca?: string;
}

/** An engine that belongs to one test, and may be killed. */
export interface OwnEngine {
  /** A builder over it. */
  create(place: BuilderPlace): Builder;
  /** Ends it as a power cut would. Resolves when it is dead. */
  kill(): Promise<void>;
  /** Starts it again with the data that it had. Resolves when it answers. */
  start(): Promise<void>;
  /** Ends it in peace, and removes everything of it but what is in its folder. Also called when it was killed. */
  stop(): Promise<void>;
}

/** A package index, so that the step `python-env` can be tried without a network. */
export interface PackageIndex {
  /** For pip's `--index-url`; reached from build steps with the rig's `access`. */
  readonly url: string;
  /** A small package that needs nothing else, such as `tiny==1.0`. */
  readonly requirement: string;
  /** Name under which Python imports it. */
  readonly module: string;
}

/** A builder under test and its world. Everything is made when a behaviour asks for it: a rig costs nothing while tests are collected. */
export interface Rig {
  /** For titles. */
  readonly name: string;
  /** A new builder over the engine under test. Called several times, also while others are open; the suite closes each. */
  create(place: BuilderPlace): Builder;
  /** A builder of the same kind, at an address where nothing is. A builder that is its own engine has none. */
  unreachable?(place: BuilderPlace): Builder;
  /** A root file system as a tar with /bin/sh, coreutils and python3 (3.x, with venv if there is an `index`); and the digest of the tar's bytes. */
  readonly rootfs: { readonly path: string; readonly digest: Digest };
  /** Version of the python3 in it, such as `3.11`. Default `3.11`. */
  readonly python?: string;
  readonly platform: Platform;
  /**
   * Network with which build steps reach this process and the `index`, and secrets that every build here needs. The suite itself needs no
   * network but its registries.
   */
  readonly access: BuildAccess;
  /** Host by which build steps with `access` reach a server of this process. Default `127.0.0.1`. */
  readonly reach?: string;
  /** `plain` (plain HTTP, no login) is where images are read back from. One that is missing has its behaviours listed in `without`. */
  readonly registries: {
    readonly plain: TestRegistry;
    /** Asks for a login by HTTP Basic. */
    readonly auth?: TestRegistry;
    /** Speaks TLS with a certificate of an own authority (`ca`). */
    readonly tls?: TestRegistry;
    /** Asks for tokens, as most public registries do. */
    readonly token?: TestRegistry;
  };
  readonly index?: PackageIndex;
  /**
   * The builder keeps its images apart from what builds them, in a registry or a folder: what is there can be seen, named and pushed while
   * nothing can be built. The suite then asks of an engine that is not there only that nothing is built by it.
   */
  readonly imagesApart?: boolean;
  /** Starts an engine of the suite's own with all its data below `folder`, which is there and empty. Called once at most. */
  ownEngine?(folder: string): Promise<OwnEngine>;
  /**
   * Names of everything that a builder could leave behind: containers, working containers, images, temporary names, sessions, files in shared
   * places. Asked before and after; what is new afterwards and does not go away is a leftover. The suite removes the names that it knows of.
   */
  leftovers?(): Promise<readonly string[]>;
  /**
   * Behaviours that cannot be had here, by id, each with the reason, which is shown in the report. They are not passed over: what can be asked
   * all the same is asked (see `Waiver`).
   */
  readonly without?: Readonly<Record<string, string>>;
}

/** The declaration as the rules understood it: names resolved, defaults of DSS filled in, nothing broken in it. */
import type { Family, FileSet, Platform, Where } from '@rebake/sdk';
import type { BaseImageConfig, CodeEnvConfig, ContainerConfig } from '../schema.ts';
import type { DockerfileFacts } from '../dockerfile.ts';
import type { RegistryPlace } from '../names.ts';
import type { KeyPath, PlacedText } from './problems.ts';

/** A DSS release in force. */
export interface ReleaseFacts {
  readonly name: string;
  readonly version: string;
  readonly path: KeyPath;
  /** What images take from the kit, by part; a part without files is left out. */
  readonly kit: ReadonlyMap<KitPart, FileSet>;
}

/** Parts of a kit that go into base images. */
export type KitPart = 'python' | 'R' | 'web' | 'dss-version.json';

/** One Dockerfile fragment: text with LF only and a last newline. */
export interface FragmentFacts {
  /** As DSS calls the place, such as `at-start`. */
  readonly place: string;
  readonly text: string;
  readonly from: PlacedText;
}

/** The fragments of one image, in order, and the files that they may copy. */
export interface FragmentsFacts {
  readonly fragments: readonly FragmentFacts[];
  readonly files: FileSet;
}

/** One line or more of one package, in one spelling. */
export interface PackageFacts {
  /** What the input is called: `packages/NAME` or `package-options/NAME`. */
  readonly key: string;
  readonly lines: readonly string[];
  readonly at: () => Where;
}

/** A sound base image. */
export interface BaseFacts {
  readonly name: string;
  readonly config: BaseImageConfig;
  readonly path: KeyPath;
  readonly parent: BaseFacts | null;
  readonly release: ReleaseFacts;
  /** Interpreters in the image, its parent's among them. */
  readonly pythons: readonly string[];
  /** Interpreter of the builtin environment. */
  readonly builtin: string;
  readonly r: boolean;
  /** Debian suite that it is made of, or its parent; null: not of Debian packages. */
  readonly suite: string | null;
  /** What a Debian lock of it pins, sorted: on its own, or on top of that of its parent. Empty: it needs none. */
  readonly debs: readonly string[];
  /** Version of glibc, as far as it is known without a lock. */
  readonly glibc: { readonly version: string; readonly from: 'declared' | 'guessed' };
  readonly user: { readonly name: string; readonly uid: number };
  readonly family: Family;
  /** As declared, here or by a parent; null: any. */
  readonly platform: Platform | null;
  readonly builder: string;
  readonly fragments: FragmentsFacts;
  readonly packages: readonly PackageFacts[];
  /** For `from: {dockerfile}`, per platform. */
  dockerfile(platform: Platform): DockerfileFacts | null;
}

/** A registry with its two sides. */
export interface RegistryFacts {
  readonly name: string;
  readonly push: RegistryPlace;
  readonly pull: RegistryPlace;
}

/** A sound container config. */
export interface ConfigFacts {
  readonly name: string;
  readonly config: ContainerConfig;
  readonly path: KeyPath;
  readonly base: BaseFacts;
  readonly platform: Platform;
  readonly registry: RegistryFacts | null;
  /** Below the path of the registry, before the leaf. */
  readonly repository: string;
  readonly tags: readonly string[];
}

/** What differs between versions of a code env. */
export type EnvContents = Omit<NonNullable<CodeEnvConfig['versions']>[string], never>;

/** Resources directory of an env. */
export type ResourcesFacts =
  | { readonly mode: 'copy'; readonly files: FileSet }
  | { readonly mode: 'script'; readonly files: FileSet; readonly script: string }
  | null;

/** A sound code env, or one version of one, with the configs that it gets images for. */
export interface CodeEnvFacts {
  /** `NAME` or `NAME:VERSION`. */
  readonly id: string;
  readonly name: string;
  readonly version: string | null;
  readonly language: 'python' | 'r';
  readonly jupyter: boolean;
  /** Of the env in the declaration. */
  readonly path: KeyPath;
  /** Of what differs between versions. */
  readonly contentsPath: KeyPath;
  /** Null: the builtin one of the base. */
  readonly interpreter: string | null;
  readonly packages: readonly PackageFacts[];
  readonly fragments: FragmentsFacts;
  readonly resources: ResourcesFacts;
  /** As declared, relative to the config; null: the default one. */
  readonly lock: string | null;
  readonly bytecode: boolean;
  readonly configs: readonly ConfigFacts[];
  readonly builder: string;
}

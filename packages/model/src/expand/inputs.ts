/** The ledger of nodes: every key that can stand in it, and why it counts. docs/reference/inputs.md is made from this table. */
import { compareBytes, digestOf, digestOfBytes } from '@rebake/sdk';
import type { Digest, FileSet, Input, Inputs, Where } from '@rebake/sdk';
import type { LockCount } from '../contract.ts';

/** A row: kind of node, key (`…` stands for a name or path), what it is the digest of, why it counts. */
export type InputRow = readonly [
  kind: 'base image' | 'env image' | 'publication',
  key: string,
  of: string,
  why: string,
];

// oxfmt-ignore
export const INPUT_ROWS = [
  ['base image', 'release/version', 'version of the DSS release', 'an upgrade makes every base stale, whatever its kit says'],
  ['base image', 'kit/…', 'paths, contents and modes of the files of one part of the kit: `python`, `R`, `web`, `dss-version.json`', 'these files are in the image, or in the base below it'],
  ['base image', 'from/rootfs', 'content of the archive', 'the image starts from it'],
  ['base image', 'from/dockerfile', 'text of the Dockerfile up to the target stage, arguments filled in', 'the image starts with it'],
  ['base image', 'from/context/…', 'content and mode of one file of the context', 'the Dockerfile may copy it'],
  ['base image', 'from/layout/…', 'content of one file of the layout, or of the archive', 'the image starts from it'],
  ['base image', 'from/name', 'which image of the layout', 'the image starts from it'],
  ['base image', 'debian-suite', 'suite of the Debian packages', 'it decides what is left to do by hand'],
  ['base image', 'debian/…', 'version, architecture and digest of one Debian package of the lock', 'it is installed'],
  ['base image', 'lock/…', 'version, conditions and hashes of one package of the lock; takes the place of `packages/…`', 'it is installed'],
  ['base image', 'glibc', 'version of glibc, where there is a lock', 'it decides which wheels of the lock fit'],
  ['base image', 'python/…', 'that this interpreter makes the builtin environment', 'the environment is made by it'],
  ['base image', 'packages/…', 'lines of one package of the builtin environment', 'it is installed'],
  ['base image', 'package-options/…', 'values of one option of the package manager', 'it decides what is found'],
  ['base image', 'system-packages/…', 'name of one package, and the family of its distribution', 'it is installed'],
  ['base image', 'type', 'what DSS uses it for, where that is not `container-exec`', 'the entrypoint of the others is that of what they start from'],
  ['base image', 'user', 'name and number of the user', 'it owns the home folder, and containers run as it'],
  ['base image', 'fragment/…', 'instructions at `prepend` or `append`', 'they are carried out'],
  ['base image', 'fragment-files/…', 'content and mode of one file', 'the instructions may copy it'],
  ['base image', 'platform', 'platform', 'images of two platforms are two images'],
  ['env image', 'interpreter', 'language and version', 'the environment is made by it'],
  ['env image', 'bytecode', 'that modules are not compiled', 'they are not in the image'],
  ['env image', 'lock/…', 'version, conditions and hashes of one package of the lock; takes the place of `packages/…`', 'it is installed'],
  ['env image', 'glibc', 'version of glibc, where there is a lock', 'it decides which wheels of the lock fit'],
  ['env image', 'debian-suite', 'suite of the Debian packages', 'it decides what is left to do by hand'],
  ['env image', 'debian/…', 'version, architecture and digest of one Debian package of the lock', 'it is installed'],
  ['env image', 'packages/…', 'lines of one package, each in one spelling, sorted', 'it is installed'],
  ['env image', 'package-options/…', 'values of one option of the package manager', 'it decides what is found'],
  ['env image', 'jupyter', 'that notebooks can use it', 'the kernel is installed'],
  ['env image', 'fragment/…', 'instructions at one of the five places', 'they are carried out'],
  ['env image', 'fragment-files/…', 'content and mode of one file', 'the instructions may copy it'],
  ['env image', 'resources/mode', 'how resources come into the image', 'it decides what is done'],
  ['env image', 'resources/files/…', 'content and mode of one file', 'it is copied'],
  ['env image', 'resources/script', 'content of the script', 'it is run'],
  ['env image', 'user', 'name of the user of the base', 'containers run as it'],
  ['env image', 'platform', 'platform', 'images of two platforms are two images'],
  ['publication', 'registry', 'host that is pushed to, or that it is the engine', 'it is where'],
  ['publication', 'repository', 'repository', 'it is where'],
  ['publication', 'tags/…', 'one tag', 'it has to name the image'],
] as const satisfies readonly InputRow[];

type Kind = (typeof INPUT_ROWS)[number][0];
type KeyOf<Row> = Row extends readonly [infer K, infer Key, string, string]
  ? readonly [K, Key extends `${infer Head}…` ? `${Head}${string}` : Key]
  : never;
/** Keys that a kind of node may have. */
export type InputKey<K extends Kind> = Extract<KeyOf<(typeof INPUT_ROWS)[number]>, readonly [K, unknown]>[1];

// The same lines, tags and names come again in thousands of nodes: each is hashed and shortened once.
const texts = new Map<string, Input & { readonly shown: string }>();
const CACHE_MAX = 50_000;

/** The input that a short text is, remembered. Long or ever different texts are better hashed by {@link digestOfBytes}. */
export function textInput(text: string): Input & { readonly shown: string } {
  const known = texts.get(text);
  if (known !== undefined) return known;
  const made = { digest: digestOfBytes(text), shown: short(text) };
  if (texts.size >= CACHE_MAX) texts.clear();
  texts.set(text, made);
  return made;
}

/** Digest of paths, contents and modes of files; where they lie does not count. */
export function filesDigest(set: FileSet): Digest {
  return digestOf(set.files.map(({ path, digest, exec }) => [path, digest, exec]));
}

/** What is noted of one input. The place is looked up when somebody asks: most plans change nothing and show none. */
export interface Noted {
  readonly digest: Digest;
  readonly shown?: string;
  readonly at?: () => Where;
}

/** Gathers the inputs of one node. Noting them in the order of their keys saves the sorting. */
export class Ledger<K extends Kind> {
  // Keys are ever different: without a prototype the engine keeps them in a table, instead of a new shape each.
  private readonly noted = Object.create(null) as Record<string, Input>;
  private last = '';
  private inOrder = true;

  /** Notes an input; each key once. */
  note(key: InputKey<K>, { digest, shown, at }: Noted): this {
    return this.put(
      key,
      at === undefined ? { digest, ...(shown !== undefined && { shown }) } : placed(digest, shown, at),
    );
  }

  /** Notes a short text that is its own digest's subject. */
  text(key: InputKey<K>, text: string, at?: () => Where): this {
    const known = textInput(text);
    return this.put(key, at === undefined ? known : placed(known.digest, known.shown, at));
  }

  /** Notes each package of a lock below a key that ends in `/`. */
  lock(prefix: 'lock/' | 'debian/', counts: readonly LockCount[], at: (name: string) => Where): this {
    for (const { name, digest, shown } of counts)
      this.put(
        `${prefix}${name}`,
        placed(digest, shown, () => at(name)),
      );
    return this;
  }

  /** Notes each file of a set below a key that ends in `/`. */
  files(prefix: string, set: FileSet, at: () => Where): this {
    for (const file of set.files) {
      const digest = file.exec ? digestOfBytes(`x ${file.digest}`) : file.digest;
      this.put(`${prefix}${file.path}`, placed(digest, undefined, at));
    }
    return this;
  }

  /** The inputs, sorted by key. */
  inputs(): Inputs {
    if (this.inOrder) return this.noted;
    const sorted = Object.create(null) as Record<string, Input>;
    for (const [key, input] of Object.entries(this.noted).sort(([a], [b]) => compareBytes(a, b))) sorted[key] = input;
    return sorted;
  }

  private put(key: string, input: Input): this {
    if (compareBytes(this.last, key) >= 0) {
      if (key in this.noted) throw new TypeError(`input noted twice: ${key}`);
      this.inOrder = false;
    } else this.last = key;
    this.noted[key] = input;
    return this;
  }
}

/** An input whose place is looked up when somebody asks; that it has one always shows, in JSON too. */
export function placed(digest: Digest, shown: string | undefined, at: () => Where): Input {
  return shown === undefined
    ? {
        digest,
        get at() {
          return at();
        },
      }
    : {
        digest,
        shown,
        get at() {
          return at();
        },
      };
}

/** One line of at most 80 characters. */
export function short(text: string): string {
  const flat = /\s\s|[^\S ]/.test(text) ? text.replaceAll(/\s+/g, ' ').trim() : text.trim();
  return flat.length > 80 ? `${flat.slice(0, 79)}…` : flat;
}

/** docs/reference/inputs.md. */
export function inputsReference(): string {
  const lines = [
    '# Inputs of nodes',
    '',
    'What counts in the ledger of a node, and so in its key: nothing else makes a node stale but its parents’ identities and the contents class of',
    'its builder. `…` stands for a name or a path. This page is made from `packages/model/src/expand/inputs.ts`.',
  ];
  for (const kind of ['base image', 'env image', 'publication'] as const) {
    lines.push(
      '',
      `## ${kind[0]?.toUpperCase()}${kind.slice(1)}`,
      '',
      '| key | digest of | why it counts |',
      '| --- | --- | --- |',
    );
    for (const [of, key, what, why] of INPUT_ROWS) if (of === kind) lines.push(`| \`${key}\` | ${what} | ${why} |`);
  }
  return `${lines.join('\n')}\n`;
}

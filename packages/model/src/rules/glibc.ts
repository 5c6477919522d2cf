/** Rules of glibc: which version a base has, as far as the declaration tells. It decides which wheels fit. */
import type { DockerfileFacts } from '../dockerfile.ts';
import type { BaseImageConfig } from '../schema.ts';
import { suiteGlibc } from './debian.ts';
import type { BaseFacts } from './facts.ts';

/** Of the oldest distribution that DSS still builds on by default: what runs there runs anywhere. */
const OLDEST = '2.28';

/** Names of distributions as they stand in references, file names and `distribution`, with their glibc. */
const NAMES: readonly (readonly [name: RegExp, glibc: string])[] = [
  [/\btrixie\b|\bdebian[:-]?13\b/, '2.41'],
  [/\bbookworm\b|\bdebian[:-]?12\b/, '2.36'],
  [/\bbullseye\b|\bdebian[:-]?11\b/, '2.31'],
  [/\bbuster\b|\bdebian[:-]?10\b/, '2.28'],
  [/\bnoble\b|\bubuntu[:-]?24\.04\b/, '2.39'],
  [/\bjammy\b|\bubuntu[:-]?22\.04\b/, '2.35'],
  [/\bfocal\b|\bubuntu[:-]?20\.04\b/, '2.31'],
  [/\b(?:alma(?:linux)?|rocky(?:linux)?|rhel|el|ubi|centos|oraclelinux)(?:[:-]?(?:stream)?|stream)10\b/, '2.39'],
  [/\b(?:alma(?:linux)?|rocky(?:linux)?|rhel|el|ubi|centos|oraclelinux)(?:[:-]?(?:stream)?|stream)9\b/, '2.34'],
  [/\b(?:alma(?:linux)?|rocky(?:linux)?|rhel|el|ubi|centos|oraclelinux)(?:[:-]?(?:stream)?|stream)8\b/, '2.28'],
  [/\b(?:rhel|el|ubi|centos|oraclelinux)[:-]?7\b/, '2.17'],
];

/** As declared, else that of the base below it, else by the names that are there. */
export function glibcOf(
  config: BaseImageConfig,
  parent: BaseFacts | null,
  dockerfile: DockerfileFacts | null,
): BaseFacts['glibc'] {
  if (config.glibc !== undefined) return { version: config.glibc, from: 'declared' };
  if (parent !== null) return parent.glibc;
  return { version: guess(config, dockerfile), from: 'guessed' };
}

function guess({ from, distribution }: BaseImageConfig, dockerfile: DockerfileFacts | null): string {
  if ('debian' in from) return suiteGlibc(from.debian.suite) ?? OLDEST;
  const named = distribution ?? nameIn(from) ?? dockerfile?.references.at(-1)?.ref ?? '';
  return NAMES.find(([name]) => name.test(named.toLowerCase()))?.[1] ?? OLDEST;
}

function nameIn(from: BaseImageConfig['from']): string | undefined {
  if ('image' in from) return from.image;
  if ('rootfs' in from) return from.rootfs;
  return 'layout' in from ? from.layout : undefined;
}

/** The lower of two versions. */
export function lowerGlibc(a: string, b: string): string {
  return minor(a) <= minor(b) ? a : b;
}

/** All of glibc 2: the second number decides. */
function minor(version: string): number {
  return Number(version.split('.')[1]);
}

/** glibc by the version of Debian's `libc6`: `2.36-9+deb12u7` has 2.36. Null: another form. */
export function glibcOfDeb(version: string): string | null {
  return /^(?:\d+:)?(2\.\d{1,2})(?:[^\d.]|$)/.exec(version)?.[1] ?? null;
}

/** Names at the border: what a declaration may call things, and what registries allow. Everything that ends in a path, a tag or a Dockerfile passes here. */
import { distance } from 'fastest-levenshtein';

const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/;
const NAME_MAX = 100;

/** Why a text cannot name a base, a config, a code env, a version, a registry or a builder; null when it can. */
export function nameProblem(name: string): string | null {
  if (name === '') return 'is empty';
  if (name.length > NAME_MAX) return `is longer than ${NAME_MAX} characters`;
  if (name.includes('..')) return 'contains `..`';
  if (name.startsWith('-')) return 'starts with `-`';
  if (!NAME.test(name))
    return 'has characters other than letters, digits, `.`, `_` and `-` (or begins or ends with a dot)';
  return null;
}

/**
 * One path component of an OCI repository for any name: lower case, other characters and mixed separators become `-`.
 * Two names may give the same component; whoever publishes both diagnoses that.
 */
export function repositoryComponent(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/[._-]+/g, (run) => (/^(?:\.|_|__|-+)$/.test(run) ? run : '-'))
    .replaceAll(/^[._-]+|[._-]+$/g, '');
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const PATH = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DOMAIN_LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const HOST = new RegExp(`^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[0-9A-Fa-f:]+\\])(?::[0-9]{1,5})?$`);

/** Whether a text is a repository path by the OCI grammar (255 characters at most, the host not counted). */
export function isRepository(text: string): boolean {
  return text.length <= 255 && PATH.test(text);
}

/** Whether a text is a tag by the OCI grammar. Tags of candidates (`rebake-…`) are the kernel's own and refused. */
export function isTag(text: string): boolean {
  return TAG.test(text) && !text.startsWith('rebake-');
}

/** Whether a text is a registry host: it has a dot or a port, or is `localhost`, so that no repository path is taken for one. */
export function isHost(text: string): boolean {
  return HOST.test(text) && (/[.:[]/.test(text) || text === 'localhost');
}

/** Whether a text is an image reference: `[host/]path[:tag][@sha256:…]`. */
export function isReference(text: string): boolean {
  const match =
    /^(?<rest>[^@]+?)(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/.exec(text);
  const rest = match?.groups?.['rest'];
  if (rest === undefined) return false;
  const slash = rest.indexOf('/');
  const first = slash < 0 ? '' : rest.slice(0, slash);
  return slash > 0 && isHost(first) ? isRepository(rest.slice(slash + 1)) : isRepository(rest);
}

/** A registry as declared: host, and the path below which repositories are put (empty: none). */
export interface RegistryPlace {
  readonly host: string;
  readonly path: string;
}

/** Splits `host[:port][/path]`; null when it is not one. A scheme is refused: registries are named as in image references. */
export function registryPlace(url: string): RegistryPlace | null {
  const trimmed = url.endsWith('/') ? url.slice(0, -1) : url;
  const slash = trimmed.indexOf('/');
  const host = slash < 0 ? trimmed : trimmed.slice(0, slash);
  const path = slash < 0 ? '' : trimmed.slice(slash + 1);
  if (!isHost(host) || (slash >= 0 && !isRepository(path))) return null;
  return { host, path };
}

/** The candidate nearest to a word, if it is near enough to be what was meant; the first in order where several are as near. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const lower = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const d = distance(lower, candidate.toLowerCase());
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/** `a`, `b` and `c`, each in backquotes, at most eight of them. */
export function listed(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, 8).map((name) => `\`${name}\``);
  if (all.length > shown.length) return `${shown.join(', ')} and ${all.length - shown.length} more`;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** A help sentence for a name that is not declared: the nearest one, else what there is. */
export function insteadOf(word: string, candidates: readonly string[], what: string): string {
  const near = nearest(word, candidates);
  if (near !== null) return `Did you mean \`${near}\`?`;
  return candidates.length === 0 ? `No ${what} is declared.` : `Declared: ${listed(candidates)}.`;
}

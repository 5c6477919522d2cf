/** Image references as Docker and OCI write them: `[host[:port]/]repository[:tag][@digest]`. No registry is assumed anywhere. */
import { isDigest } from '../digest.ts';
import type { Digest } from '../types.ts';

/** A parsed reference. `registry` is null where the text names none: which one is meant is the engine's or the caller's business. */
export interface Reference {
  readonly registry: string | null;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** What is wrong with a text that is no reference, in words for people. */
export interface ReferenceError {
  readonly error: string;
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-fA-F:]+\\])(?::([0-9]{1,5}))?$`);

/** The distribution spec bounds host and repository together. */
const MAX_NAME = 255;

/** Whether a text is a repository name: lower-case path components, without a host. */
export function isRepository(text: string): boolean {
  return text.length <= MAX_NAME && REPOSITORY.test(text);
}

/** Whether a text is a tag: at most 128 of letters, digits, `_`, `.` and `-`, the first no `.` or `-`. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether a text is `host[:port]` of a registry. */
export function isRegistryHost(text: string): boolean {
  const match = HOST.exec(text);
  return match !== null && text.length <= MAX_NAME && Number(match[1] ?? 0) <= 65_535;
}

/** Parses a reference. A first component is a host if it has a dot, a colon or an upper-case letter, or is `localhost`, as for Docker. */
export function parseReference(text: string): Reference | ReferenceError {
  const [named = '', digest, ...more] = text.split('@');
  if (more.length > 0) return { error: 'has more than one @' };
  if (digest !== undefined && !isDigest(digest))
    return { error: 'the digest is not sha256: and 64 lower-case hex digits' };
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const isHost = first === 'localhost' || /[.:[A-Z]/.test(first);
  if (isHost && !isRegistryHost(first)) return { error: `${first} is not a registry host` };
  const rest = isHost ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(':');
  const repository = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (repository === '') return { error: 'the repository is empty' };
  if (/[A-Z]/.test(repository)) return { error: `the repository ${repository} has upper-case letters` };
  if (!isRepository(repository)) return { error: `${repository} is not a repository name` };
  if (tag !== undefined && !isTag(tag)) return { error: `${tag === '' ? 'the empty text' : tag} is not a tag` };
  return {
    registry: isHost ? first : null,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

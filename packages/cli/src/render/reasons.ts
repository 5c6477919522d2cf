/** Reasons in words: the leaf first, as short as it stays true. */
import type { Action, Cause, ClaimNote, Digest, Effort, Input, NodeId, Reason } from '@rebake/sdk';
import { fromSource, lineOf } from './places.ts';
import { shortDigest } from './style.ts';

/** How nodes are called, and where the reasons of other nodes are found. */
export interface ReasonContext {
  readonly name: (id: NodeId) => string;
  /** Reasons of another node; none where it has none, or is not known here. */
  readonly reasons: (id: NodeId) => readonly Reason[];
}

function shown(input: Input): string {
  return input.shown ?? shortDigest(input.digest);
}

/** A change that reads the same before and after is told by its digests. */
function change(from: Input, to: Input): string {
  const same = shown(from) === shown(to);
  return same ? arrow(from.digest, to.digest) : `${shown(from)} → ${shown(to)}`;
}

function arrow(from: Digest, to: Digest): string {
  return `${shortDigest(from)} → ${shortDigest(to)}`;
}

/** `key added: text`, or just the key where the text says no more. */
function withText(key: string, word: string, input: Input): string {
  return key.endsWith(`/${shown(input)}`) ? `${key} ${word}` : `${key} ${word}: ${shown(input)}`;
}

/** A cause as a phrase, without the path to it. `effort`: what is done for it, where that is known. */
export function causeText(cause: Cause, context: ReasonContext, effort: Effort | null = null): string {
  switch (cause.code) {
    case 'INPUT_CHANGED':
      return `${cause.key}: ${change(cause.from, cause.to)}`;
    case 'INPUT_ADDED':
      return withText(cause.key, 'added', cause.to);
    case 'INPUT_REMOVED':
      return withText(cause.key, 'removed', cause.from);
    case 'EXTERNAL_MOVED':
      return cause.from === null
        ? `${context.name(cause.parent)} is new: ${shortDigest(cause.to)}`
        : `${context.name(cause.parent)} moved: ${arrow(cause.from, cause.to)}`;
    case 'PARENT_CHANGED':
      return cause.from === null
        ? `stands on ${context.name(cause.parent)} now`
        : `${context.name(cause.parent)} changed: ${arrow(cause.from, cause.to)}`;
    case 'PARENT_MAY_CHANGE':
      return `if ${context.name(cause.parent)} changes`;
    case 'CONTENTS_CHANGED':
      return `contents class: ${cause.from} → ${cause.to}`;
    case 'NEVER_BUILT':
      return 'new';
    case 'OUTPUT_MISSING':
      return missingText(effort);
    case 'TAG_MOVED':
      return `somebody moved ${cause.tag}: ${arrow(cause.from, cause.to)}`;
    case 'FORCED':
      return 'asked for with --rebuild';
    case 'UNDECLARED':
      return 'no longer declared';
    default:
      return cause satisfies never;
  }
}

function missingText(effort: Effort | null): string {
  if (effort === 'fetch') return 'needed in the engine, and only in a registry';
  return effort === 'publish' ? 'not where it was published' : 'needed, and nowhere to be seen';
}

/** Where the leaf of a cause stands in the declaration, as ` (FILE:LINE)`; empty where it has no place. */
export function placeText(cause: Cause, cwd: string): string {
  const at =
    cause.code === 'NEVER_BUILT'
      ? cause.because[0]
      : cause.code === 'INPUT_CHANGED' || cause.code === 'INPUT_ADDED'
        ? cause.to.at
        : undefined;
  return at === undefined ? '' : ` (${lineOf(at, cwd)}${fromSource(at)})`;
}

/** A reason as a phrase. A conditional one says what made its origin go: `if base/python changes (release/version: 14.1.1 → 14.1.2)`. */
export function reasonText(reason: Reason, context: ReasonContext, effort: Effort | null = null): string {
  const { cause, path } = reason;
  const origin = path[0];
  // Somebody else's image that moved needs no name in its own line.
  if (cause.code === 'EXTERNAL_MOVED' && cause.parent === path.at(-1) && cause.from !== null)
    return `moved: ${arrow(cause.from, cause.to)}`;
  const text = causeText(cause, context, effort);
  if (cause.code !== 'PARENT_MAY_CHANGE' || origin === undefined) return text;
  const leaf = byTelling(context.reasons(origin)).find((other) => other.cause.code !== 'PARENT_MAY_CHANGE');
  if (leaf === undefined) return text;
  const named = origin === cause.parent || ('parent' in leaf.cause && leaf.cause.parent === origin);
  return `${text} (${named ? '' : `${context.name(origin)}: `}${causeText(leaf.cause, context)})`;
}

/** What is said of an image that somebody else has made: `built by DSS 14.3.2 on 2026-11-01 (not verified: its packages)`. */
export function claimText({ note, unverified }: ClaimNote): string {
  return unverified.length === 0 ? note : `${note} (not verified: ${unverified.join(', ')})`;
}

/** The most telling reason of an action, and how many more there are; what is said of an image that is taken over tells more than any. */
export function reasonsLine({ reasons, atMost, ifChanged, claim }: Action, context: ReasonContext): string {
  if (claim !== undefined) return claimText(claim);
  // What happens anyway happens not for the sake of what may change.
  const certain = reasons.filter(({ cause }) => ifChanged.length > 0 || cause.code !== 'PARENT_MAY_CHANGE');
  const [first] = byTelling(certain.length > 0 ? certain : reasons);
  if (first === undefined) return '';
  const more = reasons.length - 1;
  return reasonText(first, context, atMost) + (more > 0 ? `, and ${more} more` : '');
}

/** What people recognize comes first: a text that changed, then something added, then digests, then something removed. */
function byTelling(reasons: readonly Reason[]): readonly Reason[] {
  return reasons.toSorted((a, b) => telling(a.cause) - telling(b.cause));
}

function telling(cause: Cause): number {
  switch (cause.code) {
    case 'INPUT_CHANGED':
      return shown(cause.from) === shown(cause.to) ? 3 : 1;
    case 'INPUT_ADDED':
      return 2;
    case 'INPUT_REMOVED':
      return 4;
    // Seldom the cause: what changed is also not there yet.
    case 'OUTPUT_MISSING':
      return 5;
    default:
      return 0;
  }
}

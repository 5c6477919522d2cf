/** Reasons in words: the leaf first, as short as it stays true. */
import type { Cause, Input, NodeId, Reason } from '@rebake/sdk';
import { shortDigest } from './style.ts';

/** How nodes are called, and where the reasons of other nodes are found. */
export interface ReasonContext {
  name(id: NodeId): string;
  /** Reasons of another node; none where it has none, or is not known here. */
  reasons(id: NodeId): readonly Reason[];
}

function shown(input: Input): string {
  return input.shown ?? shortDigest(input.digest);
}

function from(input: Input): string {
  return input.at === undefined ? '' : ` (${input.at.file}:${input.at.line})`;
}

/** A cause as a phrase, without the path to it. */
export function causeText(cause: Cause, context: ReasonContext): string {
  switch (cause.code) {
    case 'INPUT_CHANGED':
      return `${cause.key}: ${shown(cause.from)} → ${shown(cause.to)}${from(cause.to)}`;
    case 'INPUT_ADDED':
      return `${cause.key} added: ${shown(cause.to)}${from(cause.to)}`;
    case 'INPUT_REMOVED':
      return `${cause.key} removed: was ${shown(cause.from)}`;
    case 'EXTERNAL_MOVED':
      return cause.from === null
        ? `${context.name(cause.parent)} is new: ${shortDigest(cause.to)}`
        : `${context.name(cause.parent)} moved: ${shortDigest(cause.from)} → ${shortDigest(cause.to)}`;
    case 'PARENT_CHANGED':
      return cause.from === null
        ? `stands on ${context.name(cause.parent)} now`
        : `${context.name(cause.parent)} changed: ${shortDigest(cause.from)} → ${shortDigest(cause.to)}`;
    case 'PARENT_MAY_CHANGE':
      return `if ${context.name(cause.parent)} changes`;
    case 'CONTENTS_CHANGED':
      return `contents class: ${cause.from} → ${cause.to}`;
    case 'NEVER_BUILT':
      return 'new';
    case 'OUTPUT_MISSING':
      return 'needed, and nowhere to be seen';
    case 'TAG_MOVED':
      return `somebody moved ${cause.tag}: ${shortDigest(cause.from)} → ${shortDigest(cause.to)}`;
    case 'FORCED':
      return 'asked for with --rebuild';
    case 'UNDECLARED':
      return 'no longer declared';
    default:
      return cause satisfies never;
  }
}

/** A reason as a phrase. A conditional one says what made its origin go: `if base/python changes (release/version: 14.1.1 → 14.1.2)`. */
export function reasonText(reason: Reason, context: ReasonContext): string {
  const text = causeText(reason.cause, context);
  const origin = reason.path[0];
  if (reason.cause.code !== 'PARENT_MAY_CHANGE' || origin === undefined) return text;
  const leaf = context.reasons(origin).find((other) => other.cause.code !== 'PARENT_MAY_CHANGE');
  if (leaf === undefined) return text;
  const via = origin === reason.cause.parent ? '' : `${context.name(origin)}: `;
  return `${text} (${via}${causeText(leaf.cause, context)})`;
}

/** The first reason, and how many more there are. */
export function reasonsLine(reasons: readonly Reason[], context: ReasonContext): string {
  const first = reasons[0];
  if (first === undefined) return '';
  const more = reasons.length - 1;
  return reasonText(first, context) + (more > 0 ? `, and ${more} more` : '');
}

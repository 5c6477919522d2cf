/** Requirement lines as pip reads them, each in one spelling, so that comments, order and white space never make anything stale. */
import { compareBytes } from '@rebake/sdk';
import { normalizeMarker } from './requirements-marker.ts';
import { problem } from './requirements-items.ts';
import type { RequirementItem, RequirementLine } from './requirements-items.ts';
import { optionItem } from './requirements-options.ts';

/** Name of a Python package in its one spelling (PEP 503). */
export function normalizePackageName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

/** A text for a message: short, and on one line. Credentials never come this far. */
export function excerpt(text: string): string {
  const flat = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?').replaceAll('`', "'");
  return flat.length > 80 ? `${flat.slice(0, 77)}…` : flat;
}

/** Reads a requirements file. Never throws; what cannot be used comes back as a problem. */
export function readRequirements(text: string): RequirementItem[] {
  const items: RequirementItem[] = [];
  for (const logical of logicalLines(text)) {
    const { line, column } = logical;
    items.push({ line, column, ...readRequirement(logical.text) });
  }
  return items;
}

// The same lines come again in many envs.
const known = new Map<string, RequirementLine>();
const KNOWN_MAX = 50_000;

/** Reads one line that is neither empty nor a comment. */
export function readRequirement(raw: string): RequirementLine {
  const text = raw.trim();
  const before = known.get(text);
  if (before !== undefined) return before;
  const made = readFresh(text);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(text, made);
  return made;
}

function readFresh(text: string): RequirementLine {
  // pip splits at more characters than LF, so each of these could start a line of its own.
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text.replaceAll('\t', ' '))) {
    return problem('REQUIREMENT_INVALID', `\`${excerpt(text)}\` has control characters`);
  }
  if (/:\/\/[^/\s]*:[^/\s]*@/.test(text)) {
    return problem(
      'REQUIREMENT_CREDENTIALS',
      `The requirement of \`${excerpt(text.replaceAll(/:\/\/[^@\s]*@/g, '://…@'))}\` has a password in its address`,
    );
  }
  if (/\$\{[A-Z0-9_]+\}/.test(text)) {
    return problem('REQUIREMENT_VARIABLE', `\`${excerpt(text)}\` refers to an environment variable`);
  }
  if (text.startsWith('-')) return optionItem(text);
  if (isLocalPath(text)) return problem('REQUIREMENT_LOCAL_PATH', `\`${excerpt(text)}\` is a path on the DSS host`);
  return (
    packageItem(text) ?? problem('REQUIREMENT_INVALID', `\`${excerpt(text)}\` is no requirement that pip understands`)
  );
}

/** Joins lines that end in a backslash and takes comments away, as pip does. */
function* logicalLines(text: string): Generator<{ text: string; line: number; column: number }> {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  let joined = '';
  let start = 0;
  for (const [index, raw] of lines.entries()) {
    const physical = raw.replace(/\r$/, '');
    if (joined === '') start = index;
    const comment = /^\s*#/.test(physical);
    if (!comment && physical.endsWith('\\') && index < lines.length - 1) {
      joined += physical.slice(0, -1);
      continue;
    }
    const whole = (joined + (comment ? '' : physical)).replace(/(^|\s+)#.*$/, '');
    joined = '';
    if (whole.trim() !== '')
      yield { text: whole.trim(), line: start + 1, column: (lines[start]?.search(/\S/) ?? 0) + 1 };
  }
}

function isLocalPath(text: string): boolean {
  if (/^(?:\.|\/|~|file:|[A-Za-z]:[\\/])/i.test(text)) return true;
  const head = text.split(/\s*;|\s+@\s*|\s+--|@\s*[a-z+]+:/i, 1)[0] ?? '';
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return false;
  return /[\\/]/.test(head.replace(/\[.*$/, '')) || /\.(?:whl|tar\.gz|tgz|tar\.bz2|zip)$/i.test(head);
}

const NAMED = /^(?<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?<extras>[^\]]*)\])?\s*(?<rest>.*)$/;
const SPECIFIER = /^(?:===\s*[^\s,;()]+|(?:~=|==|!=|<=|>=|<|>)\s*[A-Za-z0-9](?:[A-Za-z0-9._*+!-]*))$/;
const URL_SHAPE = /^(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh|ftp):\/\/[^\s"'`\\<>{}|^]+$/i;

function packageItem(whole: string): RequirementLine | null {
  const { body, hashes, unknown } = splitOptions(whole);
  if (unknown !== null) return problem('REQUIREMENT_OPTION', `\`${unknown}\` after a requirement is not supported`);
  const direct = /^[a-z][a-z0-9+.-]*:\/\//i.test(body);
  // In a URL, `;` begins a marker only after white space.
  const cut = direct || /^[^\s;]*\s*(?:\[[^\]]*\])?\s*@/.test(body) ? body.search(/\s;/) : body.indexOf(';');
  const head = (cut < 0 ? body : body.slice(0, cut)).trim();
  const marker = cut < 0 ? '' : normalizeMarker(body.slice(body.indexOf(';', cut) + 1));
  if (marker === null) return null;
  const tail = `${marker === '' ? '' : ` ; ${marker}`}${hashes.map((hash) => ` --hash=${hash}`).join('')}`;
  if (direct) return urlItem(head, tail);

  const match = NAMED.exec(head)?.groups;
  if (match === undefined) return null;
  const name = normalizePackageName(match['name'] ?? '');
  const extras = normalizeExtras(match['extras']);
  if (extras === null) return null;
  const rest = (match['rest'] ?? '').trim();
  if (rest.startsWith('@')) {
    const url = rest.slice(1).trim();
    if (/^(?:file:|\.|\/)/i.test(url))
      return problem('REQUIREMENT_LOCAL_PATH', `\`${excerpt(whole)}\` is a path on the DSS host`);
    return URL_SHAPE.test(url) ? { kind: 'package', name, text: `${name}${extras} @ ${url}${tail}` } : null;
  }
  const specifiers = normalizeSpecifiers(rest);
  return specifiers === null ? null : { kind: 'package', name, text: `${name}${extras}${specifiers}${tail}` };
}

function normalizeExtras(text: string | undefined): string | null {
  if (text === undefined || text.trim() === '') return '';
  const extras = text.split(',').map((extra) => extra.trim());
  if (!extras.every((extra) => /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(extra))) return null;
  return `[${[...new Set(extras.map(normalizePackageName))].toSorted(compareBytes).join(',')}]`;
}

function normalizeSpecifiers(text: string): string | null {
  const inner = /^\((.*)\)$/.exec(text)?.[1] ?? text;
  if (inner.trim() === '') return '';
  const parts = inner
    .replace(/,\s*$/, '')
    .split(',')
    .map((part) => part.trim());
  if (!parts.every((part) => SPECIFIER.test(part))) return null;
  return [...new Set(parts.map((part) => part.replaceAll(/\s+/g, '')))].toSorted(compareBytes).join(',');
}

/** A direct URL; its name comes from `#egg=` or from the file name of a wheel. */
function urlItem(url: string, tail: string): RequirementLine | null {
  if (!URL_SHAPE.test(url)) return null;
  const [address = '', fragment = ''] = url.split('#', 2);
  const parts = fragment.split('&').filter((part) => part !== '');
  const egg = parts.find((part) => part.startsWith('egg='))?.slice('egg='.length) ?? '';
  const wheel = /\/([A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)-[^/]*\.whl$/.exec(address)?.[1];
  const named = NAMED.exec(egg)?.groups;
  const extras = normalizeExtras(named?.['extras']);
  const name = normalizePackageName((named?.['rest'] === '' ? named['name'] : undefined) ?? wheel ?? '');
  const kept = parts.filter((part) => !part.startsWith('egg='));
  const target = kept.length === 0 ? address : `${address}#${kept.toSorted(compareBytes).join('&')}`;
  if (name === '') return { kind: 'package', name: target, text: `${target}${tail}` };
  return { kind: 'package', name, text: `${name}${extras ?? ''} @ ${target}${tail}` };
}

function splitOptions(whole: string): { body: string; hashes: string[]; unknown: string | null } {
  const at = whole.search(/\s--[a-z]/);
  if (at < 0) return { body: whole, hashes: [], unknown: null };
  const hashes: string[] = [];
  let unknown: string | null = null;
  for (const option of whole
    .slice(at)
    .trim()
    .split(/\s+(?=--)/)) {
    const hash = /^--hash[=\s]\s*(sha(?:256|384|512):[0-9a-fA-F]{64,128})$/.exec(option)?.[1];
    if (hash === undefined) unknown ??= option.split(/[=\s]/, 1)[0] ?? option;
    else hashes.push(hash.toLowerCase());
  }
  return { body: whole.slice(0, at).trim(), hashes: [...new Set(hashes)].toSorted(compareBytes), unknown };
}

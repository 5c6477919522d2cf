/** The table of all diagnostics of a declaration, from which docs/reference/diagnostics.md is made, and the one way to make one. */
import type { Diagnostic, DiagnosticKind, Where } from '@rebake/sdk';
import { LOAD_ROWS } from './diagnostic-codes-load.ts';
import { PLUGIN_ROWS } from './diagnostic-codes-plugins.ts';
import { RULE_ROWS } from './diagnostic-codes-rules.ts';

const rows = [...LOAD_ROWS, ...PLUGIN_ROWS, ...RULE_ROWS];

/** Codes of diagnostics of a declaration. */
export type DiagnosticCode = (typeof rows)[number][0];

/** Every diagnostic that loading, the rules of DSS and the expansion can give, sorted by code. */
export const DIAGNOSTIC_KINDS: readonly DiagnosticKind[] = rows
  .map(([code, severity, means, help]): DiagnosticKind => ({ code, severity, means, help }))
  .toSorted((a, b) => (a.code < b.code ? -1 : 1));

const byCode = new Map(DIAGNOSTIC_KINDS.map((kind) => [kind.code, kind]));

/** Makes a diagnostic; severity comes from the table, and the help line too unless there is a better one for the case. */
export function diagnostic(code: DiagnosticCode, message: string, where: Where | null, help?: string): Diagnostic {
  const kind = byCode.get(code);
  if (kind === undefined) throw new TypeError(`no such diagnostic: ${code}`);
  const whole = `${message}${fromSource(where)}`;
  return { code, severity: kind.severity, message: harmless(whole), where, help: harmless(help ?? kind.help) };
}

/** Each once: what one plugin has done wrong is found by all that need it. */
export function distinct(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  if (diagnostics.length < 2) return diagnostics;
  return [...new Map(diagnostics.map((one) => [JSON.stringify(one), one])).values()];
}

/** What is not written in the file is found by its path inside of the source: added to a sentence about it. */
export function fromSource(where: Where | null): string {
  return where?.source === undefined ? '' : ` (\`${where.path}\` of the source \`${where.source}\`)`;
}

/** Makes texts of a user that found their way into a sentence harmless for terminals and logs: one line, nothing invisible. */
function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

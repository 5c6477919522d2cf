/** Diagnostics for people: place first, as compilers print it, so that editors and terminals can jump there. */
import type { Diagnostic } from '@rebake/sdk';
import type { Io } from '../io.ts';
import { nearest } from './places.ts';
import { count, painter } from './style.ts';

/** `file:line:column: error[CODE]: message`, and a help line below. */
export function diagnosticsText(diagnostics: readonly Diagnostic[], io: Pick<Io, 'cwd' | 'colors'>): string {
  const paint = painter(io.colors);
  return diagnostics
    .map((diagnostic) => {
      const { where, severity } = diagnostic;
      const place =
        where === null ? '' : `${paint('bold', `${nearest(where.file, io.cwd)}:${where.line}:${where.column}`)}: `;
      const kind = paint(severity === 'error' ? 'red' : 'yellow', `${severity}[${diagnostic.code}]`);
      return `${place}${kind}: ${diagnostic.message}\n  ${paint('dim', 'help:')} ${diagnostic.help}\n`;
    })
    .join('');
}

/** `2 errors, 1 warning`. */
export function diagnosticsCount(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const parts = [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
  ];
  return parts.length === 0 ? 'no problems' : parts.join(', ');
}

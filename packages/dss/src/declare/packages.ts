/** Package lists of DSS as a declaration can have them. Lines that it cannot have stay in the text as comments. */

/** A list, and what was done to it. */
export interface Plannable {
  readonly text: string | null;
  /** Lines that do not stand as DSS has them. */
  readonly changed: readonly { readonly line: string; readonly why: string }[];
  /** Whether a line is missing without which the env would be another one. */
  readonly held: boolean;
}

const OPTION = /^(?:-i|-f|--index-url|--extra-index-url|--pypi-url|--find-links)(?:\s*=\s*|\s+)(?<url>\S+)$/;
const OTHER = /^(?:--(?:no|only)-binary(?:\s*=\s*|\s+)\S+|--pre|--prefer-binary)$/;
const R_VERSIONED = /^(?<name>[A-Za-z][A-Za-z0-9.]*)\s*,\s*\S.*$/;

/** Prepares one list. */
export function plannable(list: string | null, language: 'PYTHON' | 'R'): Plannable {
  if (list === null) return { text: null, changed: [], held: false };
  const changed: { line: string; why: string }[] = [];
  let held = false;
  const lines = list.split(/\r?\n/).map((raw) => {
    const line = raw.trim();
    const name = language === 'R' ? R_VERSIONED.exec(line)?.groups?.['name'] : undefined;
    if (name !== undefined) {
      changed.push({ line, why: 'versions of R packages cannot be chosen' });
      return name;
    }
    const why = language === 'R' ? null : refusal(line);
    if (why === null) return raw;
    changed.push({ line, why });
    held = true;
    return `# left out, ${why}: ${line.replaceAll(/:\/\/[^/@\s]*@/g, '://')}`;
  });
  return { text: lines.join('\n'), changed, held };
}

/** Why a line of requirements cannot be in an image; null: nothing is known against it. */
function refusal(line: string): string | null {
  if (/:\/\/[^/@\s]*:[^/@\s]*@/.test(line)) return 'it has a password';
  if (/^(?:[./~]|file:)/.test(line) || /@\s*file:/.test(line)) return 'it names a file of the DSS host';
  if (!line.startsWith('-')) return null;
  if (/^(?:-e|--editable)\b/.test(line)) return 'it is a folder or checkout of the DSS host';
  const url = OPTION.exec(line)?.groups?.['url'];
  if (url !== undefined) return /^https?:\/\//i.test(url) ? null : 'it names a folder of the DSS host';
  return OTHER.test(line) ? null : 'an option that images do not have';
}

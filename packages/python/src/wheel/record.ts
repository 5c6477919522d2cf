/** RECORD, the list of a wheel's files: CSV of path, hash and size. */
import { compareBytes } from '@rebake/image';

/** A row. */
export interface RecordRow {
  readonly path: string;
  /** `sha256=` and unpadded base64url; empty: none. */
  readonly hash: string;
  /** Decimal digits; empty: none. */
  readonly size: string;
}

/** Null for what is no such list. */
export function parseRecord(text: string): readonly RecordRow[] | null {
  const rows: RecordRow[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  while (at < text.length) {
    const fields: string[] = [];
    for (let isMore = true; isMore;) {
      let field = '';
      if (text[at] === '"') {
        for (;;) {
          const end = text.indexOf('"', at + 1);
          if (end < 0) return null;
          field += text.slice(at + 1, end);
          at = end + 1;
          if (text[at] !== '"') break;
          field += '"';
        }
      }
      const from = at;
      while (at < text.length && text[at] !== ',' && text[at] !== '\n' && text[at] !== '\r') at++;
      fields.push(field + text.slice(from, at));
      isMore = text[at] === ',';
      if (isMore) at++;
    }
    while (text[at] === '\r' || text[at] === '\n') at++;
    const [path = '', hash = '', size = ''] = fields;
    if (fields.length === 1 && path === '') continue;
    if (fields.length > 3 || path === '') return null;
    rows.push({ path, hash, size });
  }
  return rows;
}

/** Sorted by path, as pip and uv write it. */
export function formatRecord(rows: readonly RecordRow[]): string {
  const quoted = (field: string): string => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
  return rows
    .toSorted((a, b) => compareBytes(a.path, b.path))
    .map(({ path, hash, size }) => `${quoted(path)},${hash},${size}\n`)
    .join('');
}

/** Pip's config files, read as pip reads them: the dialect of Python's `configparser`, without interpolation. */

/** `section.key` → value; lines of a value that spans several are joined by line breaks. */
export type PipValues = ReadonlyMap<string, string>;

/** Reads one file. What pip would refuse to read is passed over: pip itself tells the user, and locking does not depend on it. */
export function readPipConfig(text: string): PipValues {
  const values = new Map<string, string>();
  let section: string | null = null;
  let key: string | null = null;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line.startsWith('#') || line.startsWith(';')) continue;
    if (line === '') continue;
    const heading = /^\[([^\]]+)\]$/.exec(line)?.[1];
    if (heading !== undefined && !/^\s/.test(raw)) {
      section = heading;
      key = null;
      continue;
    }
    // An indented line goes on with the value above it.
    if (/^\s/.test(raw) && key !== null) {
      const before = values.get(key) ?? '';
      values.set(key, before === '' ? line : `${before}\n${line}`);
      continue;
    }
    const match = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line);
    if (match === null || section === null) continue;
    key = `${section}.${normalKey(match[1] ?? '')}`;
    values.set(key, match[2] ?? '');
  }
  return values;
}

/** A key in its one spelling: `Index_URL` and `--index-url` are `index-url`. */
export function normalKey(key: string): string {
  return key.trim().toLowerCase().replaceAll('_', '-').replace(/^--/, '');
}

/** Paths that a wheel may hold: those that mean one thing to everybody, and stay inside. */

/** What is wrong with a path of an archive; null: nothing. */
export function checkPath(path: string): string | null {
  if (path === '') return 'is no name';
  if (path.length > 1024) return 'is too long';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is absolute';
  if (path.includes('\\')) return 'has a backslash in it';
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'has control characters in it';
  if (path.includes('\uFFFD')) return 'is no UTF-8';
  for (const part of path.split('/')) {
    if (part === '..') return 'leads outside';
    if (part === '' || part === '.') return 'is not in its shortest form';
    if (part.length > 255) return 'is too long';
  }
  return null;
}

/** What is wrong with paths of files among each other; null: nothing. `folders`: those that the archive names itself. */
export function checkTree(files: readonly string[], folders: ReadonlySet<string>): string | null {
  const seen = new Set<string>();
  const above = new Set<string>();
  for (const path of files) {
    // Two spellings of the same letters are one name to some file systems.
    const normal = path.normalize('NFC');
    if (seen.has(normal)) return `${JSON.stringify(path)} is there twice`;
    seen.add(normal);
    for (let slash = normal.indexOf('/'); slash > 0; slash = normal.indexOf('/', slash + 1)) {
      above.add(normal.slice(0, slash));
    }
  }
  for (const folder of folders) above.add(folder.normalize('NFC'));
  for (const path of seen) if (above.has(path)) return `${JSON.stringify(path)} is a file and a folder`;
  return null;
}

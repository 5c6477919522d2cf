/**
 * What is left out of packages: what nobody reads in a container. Debian's own slim images leave the same out; the file below tells dpkg, so that
 * what is installed on top follows, and nothing is found to be missing.
 */

/** Where {@link EXCLUDES} go. */
export const EXCLUDES_FILE = 'etc/dpkg/dpkg.cfg.d/rebake-excludes';

const FOLDERS = ['doc', 'doc-base', 'groff', 'info', 'linda', 'lintian', 'locale', 'man'];

export const EXCLUDES = [
  '# Written by rebake. Manuals, translations and documents are left out, copyrights are not.',
  ...FOLDERS.map((folder) => `path-exclude /usr/share/${folder}/*`),
  'path-include /usr/share/doc/*/copyright',
  'path-include /usr/share/man/man[1-9]/',
  '',
].join('\n');

const EXCLUDED = new RegExp(`^usr/share/(?:${FOLDERS.join('|')})/`);
/** A package's folder of documents may be a link to that of another, with the copyright in it. */
const COPYRIGHT = /^usr\/share\/doc\/[^/]+\/copyright$/;
const DOC_LINK = /^usr\/share\/doc\/[^/]+$/;
/** Alternatives put links into these, and fail where they are missing. */
const MANUALS = /^usr\/share\/man\/man[1-9]$/;

export function isExcluded(path: string, type: 'file' | 'directory' | 'symlink' | 'hardlink'): boolean {
  if (!EXCLUDED.test(path)) return false;
  if (type === 'directory') return !MANUALS.test(path);
  return !COPYRIGHT.test(path) && !(type === 'symlink' && DOC_LINK.test(path));
}
